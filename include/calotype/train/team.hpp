// Processes that train one network together, each on a part of every batch (data parallelism).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace calotype::train {

// How the processes of a team reach each other; train/mpi.hpp has one for MPI. Every process holds, or can
// make, the same data, builds the same trainer and does the same steps. A trainer speaks with its team from the
// thread that calls it, alone. What cannot be delivered must end the process: a training cannot go on without.
class team {
 public:
  virtual ~team() = default;
  virtual int rank() const noexcept = 0;  // of this process, from 0
  virtual int size() const noexcept = 0;
  // Blocking; messages between two processes arrive in the order in which they were sent.
  virtual void send(std::span<std::byte const> message, int to) noexcept = 0;
  virtual void receive(std::span<std::byte> message, int from) noexcept = 0;
  // Of process `from` to all; called by all.
  virtual void broadcast(std::span<std::byte> message, int from) noexcept = 0;
  // Process r gives bytes [bounds[r], bounds[r + 1]) of the whole, and all get the rest; called by all.
  virtual void share(std::span<std::byte> whole, std::span<std::size_t const> bounds) noexcept = 0;
};

// A process by itself.
class alone final : public team {
 public:
  int rank() const noexcept override { return 0; }
  int size() const noexcept override { return 1; }
  void send(std::span<std::byte const>, int) noexcept override {}
  void receive(std::span<std::byte>, int) noexcept override {}
  void broadcast(std::span<std::byte>, int) noexcept override {}
  void share(std::span<std::byte>, std::span<std::size_t const>) noexcept override {}
};

// How `items` are dealt out: process r does [begin(r), begin(r + 1)).
struct share_of {
  std::size_t items;
  int processes;

  std::size_t begin(int rank) const noexcept {
    return items * static_cast<std::size_t>(rank) / static_cast<std::size_t>(processes);
  }
  int owner(std::size_t item) const noexcept {
    int r = 0;
    while (begin(r + 1) <= item) ++r;
    return r;
  }
};

// Every process has filled its share of `all`, a list of `each` values per item; afterwards all have all.
template <class T>
void share_out(team& t, share_of part, std::span<T> all, std::size_t each = 1) {
  std::vector<std::size_t> bounds;
  for (int r = 0; r <= part.processes; ++r) {
    std::size_t const values = part.begin(r) * each;
    bounds.push_back((values < all.size() ? values : all.size()) * sizeof(T));
  }
  t.share(std::as_writable_bytes(all), bounds);
}

}  // namespace calotype::train
