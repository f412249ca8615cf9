// Events from any file that the program reads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common.hpp"

#include <calotype/core/result.hpp>
#include <calotype/image/event.hpp>
#include <calotype/observables/diphoton_selection.hpp>

namespace program {

struct network_info;

// What a file says about an event besides what the detector saw. m_gg is that of the two leading photon
// candidates.
struct truth {
  int label = -1;
  float weight = 1;
  double m_gg = 0;
  std::int64_t block = -1;   // the same for events that must not be split; -1 where each is its own
  bool prompt_pair = false;  // both photons are known to be none of a jet's
};

// Numbers for what bootstraps keep together: the same for events of one class with one block of their file,
// where files count their blocks for themselves. An event without a block is one of its own.
class block_numbers {
 public:
  std::uint64_t operator()(int label, std::int64_t block) {
    constexpr std::uint64_t own = std::uint64_t{1} << 63;
    std::uint64_t const alone = own + events_++;
    if (block < 0) return alone;
    return known_.emplace(std::pair(label, block), known_.size()).first->second;
  }

 private:
  std::map<std::pair<int, std::int64_t>, std::uint64_t> known_;
  std::uint64_t events_ = 0;
};

// What a file holds, whatever it is called.
enum class file_kind { events_ig, archive, model, unknown };
ct::result<file_kind> kind_of_file(std::string const& path);

// Whether the vertices that a file records are read with its events.
enum class with_vertices : bool { no, yes };

class event_source {
 public:
  // Opens a file; fails if it is no file of events or if nothing of it is to be read.
  static ct::result<event_source> open(std::string const& path, range events = {},
                                       with_vertices vertices = with_vertices::no);
  event_source(event_source&&) noexcept;
  event_source& operator=(event_source&&) noexcept;
  ~event_source();

  std::string const& path() const;
  std::uint64_t size() const;  // how many events visit() will see
  bool has_labels() const;     // whether truth::label means anything
  // The class behind a label as the file's metadata name it ("0 electron, 1 photon"), or its number; "-" for
  // none.
  std::string label_name(int label) const;
  bool has_digis() const;  // whether the events have digitised pulses

  // Calls f for one event after the other; ends at the first error, of the file or of f.
  ct::result<void> visit(std::function<ct::result<void>(ct::event const&, truth const&)> const& f);

  // z in cm of the first vertex that the file records of the event that a visit is at; none in .npz files,
  // where no vertex was found, and of sources that were opened without. Vertices that cannot be read end a
  // visit.
  std::optional<double> vertex_z() const;

  // What the last visit tolerated, one line each.
  std::string tolerated() const;

 private:
  struct state;
  explicit event_source(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

// Fails where a network reads digitised pulses that the events do not have.
ct::result<void> check_digis(event_source const& events, network_info const& net);

// Events without calorimeter towers, where these are to be the hadronic channel: tolerated and reported, unless
// there are no others.
bool has_towers(ct::event const& e);
ct::error no_towers(std::string const& path);
void report_without_towers(std::uint64_t events);

std::string_view name_of(ct::pair_category c);  // central, central+forward, none

// "run 199319, event 641436592"
std::string name_of(ct::event const& e);

}  // namespace program
