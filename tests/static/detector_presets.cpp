// At compile time: a cell's centre lies in it, its labels and its raw id lead back to it. Every cell of the
// small detectors, a stretch of the large ones (tests/unit/detector walks through all of those).
#include <calotype/detector/presets/atlas.hpp>
#include <calotype/detector/presets/calochallenge.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/detector/presets/hgcal.hpp>
#include <calotype/detector/presets/lhcb.hpp>

namespace {

using namespace calotype;

// Cells first .. last; `layer_label` is the label that names the layer, -1 without layers.
template <class D>
constexpr bool every_cell_leads_back(int layer_label = -1, int first = 0,
                                     int last = segmentation<D>::size() - 1) {
  using s = segmentation<D>;
  for (int i = first; i <= last; ++i) {
    auto const labels = std::bit_cast<std::array<int, s::rank>>(s::cell(i));
    auto const [u, v] = s::center(i);
    if (s::index(s::cell(i)) != i) return false;
    if (s::find(u, v, layer_label < 0 ? any_layer : labels[static_cast<std::size_t>(layer_label)]) != i)
      return false;
    if constexpr (s::has_ids)
      for (int layout = 0; layout < s::layouts(); ++layout)
        if (s::unpack(s::pack(i, layout)) != i) return false;
  }
  return true;
}

static_assert(segmentation<calochallenge::photons>::size() == 368);
static_assert(every_cell_leads_back<calochallenge::photons>(2));

static_assert(segmentation<hgcal::fine_wafer>::size() == 432);
static_assert(segmentation<hgcal::coarse_wafer>::size() == 192);
static_assert(every_cell_leads_back<hgcal::fine_wafer>());
static_assert(every_cell_leads_back<hgcal::coarse_wafer>());

static_assert(segmentation<lhcb::ecal>::size() == 6016);
static_assert(every_cell_leads_back<lhcb::ecal>(2, 1400, 1663));  // from the inner area to the middle one

static_assert(segmentation<atlas::delphes_hcal>::size() == 3100);
static_assert(segmentation<atlas::delphes_ecal>::size() == 50400);
static_assert(segmentation<atlas::lar_barrel_strips>::size() == 2 * (447 * 64 + 3 * 256));
static_assert(every_cell_leads_back<atlas::delphes_hcal>(-1, 0, 123));
static_assert(every_cell_leads_back<atlas::lar_barrel_strips>(2, 28608 - 64,
                                                              28608 + 64));  // across |eta| = 1.4

static_assert(segmentation<cms::eb>::size() == 61200);
static_assert(segmentation<cms::ee>::size() == 2 * 7324);
static_assert(segmentation<cms::es>::size() == 137216);
static_assert(segmentation<cms::hb>::size() == 2592);
static_assert(segmentation<cms::he>::size() == 2592);
static_assert(segmentation<cms::ho>::size() == 2160);
static_assert(segmentation<cms::hf>::size() == 1728);
static_assert(segmentation<cms::towers>::size() == 4320);
static_assert(every_cell_leads_back<cms::hb>(2, 1000, 1400));
static_assert(every_cell_leads_back<cms::he>(2, 1000, 1400));
static_assert(every_cell_leads_back<cms::hf>(2, 700, 900));

// The collections of an event follow the order of the parts.
static_assert(segmentation<cms::eb>::collection == 0 && segmentation<cms::towers>::collection == 7);
static_assert(segmentation<lhcb::ecal>::collection == -1 && !segmentation<lhcb::ecal>::has_ids);
static_assert(cms::run1::parts::size == 8);

// A signature depends on the content: the two wafers differ although their cells have the same type.
static_assert(segmentation<hgcal::fine_wafer>::signature() != segmentation<hgcal::coarse_wafer>::signature());

static_assert(concepts::axis<regular> && concepts::axis<periodic> && concepts::axis<edges<3>>);
static_assert(concepts::axis<edges_and_centers<2>> && !concepts::axis<numbering>);
static_assert(concepts::lattice<hexagonal<4>> && concepts::lattice<rings<2>> && !concepts::lattice<regular>);
static_assert(concepts::detector_description<cms::eb> && !concepts::detector_description<cms::run1>);

}  // namespace
