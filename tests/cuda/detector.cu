// Every kind of lattice, ids and the helix in kernels: what nvcc must compile without a warning.
#include <calotype/detector/presets/atlas.hpp>
#include <calotype/detector/presets/calochallenge.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/detector/presets/hgcal.hpp>
#include <calotype/detector/presets/lhcb.hpp>

namespace ct = calotype;

namespace {

// out[i]: the cell of point i by way of its centre, its labels and its raw id; -1 outside.
template <class D>
__global__ void find_cells(double const* u, double const* v, int* out) {
  using s = ct::segmentation<D>;
  int const i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  int cell = s::find(u[i], v[i]);
  if (cell >= 0) {
    auto const center = s::center(cell);
    cell = s::index(s::cell(s::find(center.u, center.v)));
    if constexpr (s::has_ids) cell = s::unpack(s::pack(cell));
  }
  out[i] = cell;
}

__global__ void find_crystals(ct::trajectory const* tracks, int* out) {
  int const i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  auto const hit = ct::propagate(tracks[i], ct::cms::ecal_face(), ct::cms::field);
  auto const seen = ct::seen_from_origin(hit.at);
  out[i] = hit.on == ct::face::barrel ? ct::segmentation<ct::cms::eb>::find(seen.u, seen.v)
                                      : ct::segmentation<ct::cms::ee>::find(seen.u, seen.v);
}

template <class... D>
void launch(double const* u, double const* v, int* out) {
  (find_cells<D><<<1, 32>>>(u, v, out), ...);
}

}  // namespace

void find_everything(double const* u, double const* v, ct::trajectory const* tracks, int* out) {
  launch<ct::cms::eb, ct::cms::ee, ct::cms::es, ct::cms::hb, ct::cms::he, ct::cms::ho, ct::cms::hf,
         ct::cms::towers>(u, v, out);
  launch<ct::atlas::delphes_ecal, ct::atlas::lar_barrel_strips, ct::lhcb::ecal>(u, v, out);
  launch<ct::calochallenge::photons, ct::hgcal::fine_wafer>(u, v, out);
  find_crystals<<<1, 32>>>(tracks, out);
}
