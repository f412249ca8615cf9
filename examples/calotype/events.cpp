#include "events.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <utility>

#include "networks.hpp"

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/io/detail/zip.hpp>
#include <calotype/io/events_npz.hpp>
#include <calotype/io/ig.hpp>

namespace program {

ct::result<file_kind> kind_of_file(std::string const& path) {
  if (auto usable = check_input(path); !usable) return *usable.error();
  std::ifstream file(path, std::ios::binary);
  if (!file) return ct::error{"the file cannot be opened", path, "check its permissions"};
  std::array<char, 9> start{};
  file.read(start.data(), start.size());
  if (file.gcount() == 0) return ct::error{"the file is empty", path, "fetch it again"};
  if (start[0] == 'P' && start[1] == 'K') {
    // Both are zip archives, and NPZ's hold arrays; the name decides where nothing can be listed.
    auto const zip = ct::io::detail::zip_archive::open(path);
    auto const is_array = [](auto const& member) { return member.name.ends_with(".npy"); };
    bool const is_npz = zip && !zip->members().empty()
                            ? std::any_of(zip->members().begin(), zip->members().end(), is_array)
                            : path.ends_with(".npz");
    return is_npz ? file_kind::archive : file_kind::events_ig;
  }
  return start[8] == '{' ? file_kind::model : file_kind::unknown;
}

struct event_source::state {
  std::variant<ct::io::ig_file, ct::io::event_file> file;
  range events;
};

namespace {

// Where the event displays keep vertices.
constexpr std::array<char const*, 2> vertex_collections{"Vertices_V1", "PrimaryVertices_V1"};

}  // namespace

event_source::event_source(std::unique_ptr<state> s) : state_(std::move(s)) {}
event_source::event_source(event_source&&) noexcept = default;
event_source& event_source::operator=(event_source&&) noexcept = default;
event_source::~event_source() = default;

ct::result<event_source> event_source::open(std::string const& path, range events, with_vertices vertices) {
  auto const kind = kind_of_file(path);
  if (!kind) return *kind.error();
  if (*kind == file_kind::model) {
    return ct::error{"this is a model file, not a file of events", path, "give an .ig or .npz file"};
  }
  if (*kind == file_kind::archive) {
    auto file = ct::io::open_events(path);
    if (!file) return *file.error();
    if (events.skip >= file->size() || events.count == std::uint64_t{0}) {
      return ct::error{"no event is left to read", path, "it has " + std::to_string(file->size()) + " events"};
    }
    return event_source(std::make_unique<state>(state{std::move(*file), events}));
  }
  ct::io::ig_options options;
  options.first = static_cast<std::size_t>(events.skip);
  if (events.count) options.count = static_cast<std::size_t>(*events.count);
  if (vertices == with_vertices::yes) options.also.assign(vertex_collections.begin(), vertex_collections.end());
  auto file = ct::io::open_ig(path, options);
  if (!file) return *file.error();
  return event_source(std::make_unique<state>(state{std::move(*file), events}));
}

std::string const& event_source::path() const {
  return std::visit([](auto const& file) -> std::string const& { return file.path(); }, state_->file);
}

std::uint64_t event_source::size() const {
  auto const all = std::visit([](auto const& file) { return std::uint64_t{file.size()}; }, state_->file);
  return std::min(all - state_->events.skip, state_->events.count.value_or(all));
}

bool event_source::has_labels() const { return std::holds_alternative<ct::io::event_file>(state_->file); }

std::string event_source::label_name(int label) const {
  if (label < 0) return "-";
  std::string const number = std::to_string(label);
  auto const* const npz = std::get_if<ct::io::event_file>(&state_->file);
  if (npz == nullptr) return number;
  auto const labels = npz->metadata().find("labels");
  if (labels == npz->metadata().end()) return number;
  std::string const list = ", " + labels->second + ",", entry = ", " + number + " ";
  auto const at = list.find(entry);
  if (at == list.npos) return number;
  auto const begin = at + entry.size();
  return ct::one_line(list.substr(begin, list.find(',', begin) - begin));
}

bool event_source::has_digis() const {
  auto const* const npz = std::get_if<ct::io::event_file>(&state_->file);
  return npz != nullptr && npz->has_pulses();
}

ct::result<void> check_digis(event_source const& events, network_info const& net) {
  if (!net.needs_digis || events.has_digis()) return {};
  return ct::error{"the events have no digitised pulses, which " + net.name + " reads", events.path(),
                   "simulate them with --digis, or choose a network that reads energies"};
}

ct::result<void> event_source::visit(std::function<ct::result<void>(ct::event const&, truth const&)> const& f) {
  if (auto* const ig = std::get_if<ct::io::ig_file>(&state_->file)) {
    for (ct::event const& e : *ig) {
      if (auto done = f(e, {-1, 1, ct::diphoton_mass(e.photons())}); !done) return done;
    }
    if (ig->error() != nullptr) return *ig->error();
    return {};
  }
  auto& npz = std::get<ct::io::event_file>(state_->file);
  std::uint64_t index = 0;
  std::uint64_t const end = state_->events.skip + size();
  for (ct::io::labelled_event const& e : npz) {
    if (index++ < state_->events.skip) continue;
    double const mass = e.m_gg > 0 ? static_cast<double>(e.m_gg) : ct::diphoton_mass(e.photons());
    if (auto done = f(e, {e.label, e.weight, mass, e.block, e.prompt_pair}); !done) return done;
    if (index == end) return {};
  }
  if (npz.error() != nullptr) return *npz.error();
  return {};
}

std::optional<double> event_source::vertex_z() const {
  auto const* const ig = std::get_if<ct::io::ig_file>(&state_->file);
  if (ig == nullptr) return std::nullopt;
  for (auto const* const name : vertex_collections) {
    auto const* const table = ig->also(name);
    if (table == nullptr) continue;
    auto const place = table->numbers("pos"), valid = table->numbers("isValid"),
               fake = table->numbers("isFake");
    for (std::size_t i = 0; i < table->rows && 3 * i + 2 < place.size(); ++i) {
      bool const found = (i >= valid.size() || valid[i] != 0) && (i >= fake.size() || fake[i] == 0);
      double const z = 100 * place[3 * i + 2];  // from metres
      if (found && z - z == 0) return z;
    }
  }
  return std::nullopt;
}

std::string event_source::tolerated() const {
  auto const* const ig = std::get_if<ct::io::ig_file>(&state_->file);
  if (ig == nullptr) return {};
  using collection = ct::io::ig_collection_summary;
  auto const& summary = ig->summary();
  std::string text;
  auto const count = [&](std::size_t collection::*what, char const* name) {
    std::size_t n = 0;
    for (collection const& c : summary.collections) n += c.used ? c.*what : 0;
    if (n > 0) text += std::string("  ") + name + ": " + grouped(n) + "\n";
  };
  count(&collection::nonpositive, "hits with energy <= 0, left out of images");
  count(&collection::repetitions, "rows that repeat another, counted once");
  count(&collection::outside, "towers beyond the calorimeters, left out");
  count(&collection::nans, "nan or inf in columns that are not used");
  count(&collection::empty, "empty collections");
  for (auto const& absent : summary.absences) {
    text += "  events without " + ct::one_line(absent.name) + ": " + grouped(absent.events) + "\n";
  }
  return text.empty() ? text : "tolerated in " + ig->path() + ":\n" + text;
}

bool has_towers(ct::event const& e) { return !e.hits(ct::cms::collection::towers).empty(); }

ct::error no_towers(std::string const& path) {
  return {"no event has calorimeter towers", path, "use --hcal hits"};
}

void report_without_towers(std::uint64_t events) {
  if (events > 0) {
    std::fprintf(stderr, "without calorimeter towers, nothing in the hadronic channel: %s events\n",
                 grouped(events).c_str());
  }
}

std::string_view name_of(ct::pair_category c) {
  switch (c) {
    case ct::pair_category::central:
      return "central";
    case ct::pair_category::forward:
      return "central+forward";
    case ct::pair_category::none:
      break;
  }
  return "none";
}

std::string name_of(ct::event const& e) {
  return "run " + std::to_string(e.run) + ", event " + std::to_string(e.number);
}

}  // namespace program
