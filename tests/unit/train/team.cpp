#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/team.hpp>

namespace {

namespace ct = calotype;
namespace train = calotype::train;

// Threads that take the part of processes; everything goes by messages.
class post_office {
 public:
  explicit post_office(int processes) : processes_(processes) {}
  int processes() const { return processes_; }

  void put(int from, int to, std::span<std::byte const> message) {
    {
      std::lock_guard const lock(mutex_);
      box(from, to).emplace_back(message.begin(), message.end());
    }
    arrived_.notify_all();
  }
  void take(int from, int to, std::span<std::byte> message) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return !box(from, to).empty(); });
    auto const text = std::move(box(from, to).front());
    box(from, to).pop_front();
    REQUIRE(text.size() == message.size());
    std::copy(text.begin(), text.end(), message.begin());
  }

 private:
  std::deque<std::vector<std::byte>>& box(int from, int to) {
    return boxes_[static_cast<std::size_t>(from * processes_ + to)];
  }

  int processes_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::deque<std::vector<std::byte>>> boxes_{static_cast<std::size_t>(processes_ * processes_)};
};

class member final : public train::team {
 public:
  member(post_office& office, int rank) : office_(office), rank_(rank) {}
  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return office_.processes(); }
  void send(std::span<std::byte const> message, int to) noexcept override { office_.put(rank_, to, message); }
  void receive(std::span<std::byte> message, int from) noexcept override { office_.take(from, rank_, message); }
  void broadcast(std::span<std::byte> message, int from) noexcept override {
    if (rank_ != from) return receive(message, from);
    for (int r = 0; r < size(); ++r) {
      if (r != rank_) send(message, r);
    }
  }
  void share(std::span<std::byte> whole, std::span<std::size_t const> bounds) noexcept override {
    for (std::size_t r = 0; r + 1 < bounds.size(); ++r) {
      broadcast(whole.subspan(bounds[r], bounds[r + 1] - bounds[r]), static_cast<int>(r));
    }
  }

 private:
  post_office& office_;
  int rank_;
};

struct net {
  struct input {
    static constexpr auto features() { return ct::labels("x", "y"); }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(dense{.units = 8}, relu{}, dropout{.rate = 0.2}, logits{});
  }
};

// Two overlapping clouds; class 1 has a mass, which x follows.
struct clouds {
  std::vector<std::array<float, 2>> points;
  std::vector<float> masses;
  mutable std::atomic<int> asked{0};
  clouds(std::size_t n, std::uint64_t seed) {
    for (std::size_t i = 0; i < n; ++i) {
      ct::stream draw(seed, i, 4);
      float const mass = draw.uniform(1.0f, 2.0f);
      masses.push_back(label(i) == 1 ? mass : 0);
      points.push_back({mass + draw.uniform(), draw.uniform() + static_cast<float>(label(i))});
    }
  }
  std::size_t size() const { return points.size(); }
  std::span<float const> sample(std::size_t i) const {
    ++asked;
    return points[i];
  }
  int label(std::size_t i) const { return static_cast<int>(i % 2); }
  float weight(std::size_t i) const { return i % 3 == 0 ? 2.0f : 1.0f; }
  float mass(std::size_t i) const { return masses[i]; }
};
static_assert(ct::concepts::massive_dataset<clouds>);

struct outcome {
  std::vector<float> parameters, first_moment, second_moment;
  std::vector<double> numbers;  // of the history
  std::size_t ring = 0;
  int asked = 0;  // events that were made
  bool operator==(outcome const& o) const {
    return parameters == o.parameters && first_moment == o.first_moment && second_moment == o.second_moment &&
           numbers == o.numbers && ring == o.ring;
  }
};

template <class Policy>
outcome trained(std::shared_ptr<train::team> together, int threads, int batch, bool stop = false) {
  clouds const training(330, 7), validation(450, 8);
  train::options const o{
      .batch_size = batch, .epochs = 3, .threads = threads, .decorrelation = {.strength = 0.5}};
  train::trainer<net, Policy> t(ct::nn::model<net>::random(1), o, {}, together);
  train::run_state<net> state;
  REQUIRE(train::fit(
      t, training, validation, state, [](train::step_report const&) {},
      [&](train::epoch_report const& r) { return !(stop && together->rank() == 0 && r.epoch == 2); }));
  auto const s = t.save();
  outcome result{s.parameters, s.first_moment, s.second_moment,
                 {},           s.ring.size(),  training.asked + validation.asked};
  for (auto const& e : state.history) {
    for (double x : {e.loss, e.validation_loss, e.validation_auc, e.validation_cvm.value}) {
      result.numbers.push_back(x);
    }
  }
  return result;
}

template <class Policy>
std::vector<outcome> trained_together(int processes, int threads, int batch, bool stop = false) {
  post_office office(processes);
  std::vector<outcome> results(static_cast<std::size_t>(processes));
  std::vector<std::thread> members;
  for (int r = 0; r < processes; ++r) {
    members.emplace_back([&, r] {
      results[static_cast<std::size_t>(r)] =
          trained<Policy>(std::make_shared<member>(office, r), threads, batch, stop);
    });
  }
  for (auto& m : members) m.join();
  return results;
}

TEST_CASE("a team of processes trains to the bits of one process") {
  using cpu = ct::exec::cpu<>;
  auto const by_itself = std::make_shared<train::alone>();
  for (int batch : {32, 37, 100}) {  // whole subtrees, an incomplete leaf, many leaves
    outcome const one = trained<cpu>(by_itself, 2, batch);
    CHECK(one.numbers.size() == 12);
    CHECK(one.ring == 240);
    // more processes than leaves, too: some have nothing to do
    for (int processes : {1, 2, 3, 5, 11}) {
      CAPTURE(batch);
      CAPTURE(processes);
      for (outcome const& member_s : trained_together<cpu>(processes, 1, batch)) CHECK(member_s == one);
    }
    CHECK(trained_together<cpu>(2, 3, batch)[1] == one);
  }
  auto const two = trained_together<cpu>(2, 1, 32);
  int const all = trained<cpu>(by_itself, 1, 32).asked;
  CHECK(two[0].asked + two[1].asked == all);  // each does its part, and that alone
  CHECK(two[0].asked < 0.6 * all);
  CHECK(two[1].asked < 0.6 * all);
  CHECK(trained_together<ct::exec::scalar>(2, 1, 32)[1] == trained<cpu>(by_itself, 1, 32));
}

TEST_CASE("processes that do not begin alike are told so, all of them") {
  for (int what : {0, 1, 2}) {
    CAPTURE(what);
    post_office office(2);
    std::vector<int> told(2);
    std::vector<std::thread> members;
    for (int r = 0; r < 2; ++r) {
      members.emplace_back([&, r] {
        auto const other = [&](int which) { return static_cast<std::uint64_t>(what == which ? r : 0); };
        clouds const training(40, 7 + other(0)), validation(0, 8);
        train::trainer<net, ct::exec::cpu<>> t(ct::nn::model<net>::random(1 + other(1)),
                                               {.epochs = 1, .seed = 1 + other(2)}, {},
                                               std::make_shared<member>(office, r));
        train::run_state<net> state;
        auto const done = train::fit(
            t, training, validation, state, [](train::step_report const&) {},
            [](train::epoch_report const&) { return true; });
        told[static_cast<std::size_t>(r)] =
            !done && done.error()->message().find("do not begin alike") != std::string::npos;
      });
    }
    for (auto& m : members) m.join();
    CHECK(told == std::vector<int>{1, 1});
  }
}

TEST_CASE("what the first process says of stopping counts for all") {
  for (outcome const& o : trained_together<ct::exec::cpu<>>(3, 1, 32, true)) CHECK(o.numbers.size() == 8);
}

TEST_CASE("shares cover all items once, and differ by one at most") {
  for (std::size_t items : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{90}}) {
    for (int processes : {1, 2, 3, 8}) {
      train::share_of const part{items, processes};
      std::size_t least = items, most = 0;
      for (int r = 0; r < processes; ++r) {
        std::size_t const n = part.begin(r + 1) - part.begin(r);
        least = std::min(least, n);
        most = std::max(most, n);
        for (std::size_t i = part.begin(r); i < part.begin(r + 1); ++i) CHECK(part.owner(i) == r);
      }
      CHECK(part.begin(0) == 0);
      CHECK(part.begin(processes) == items);
      CHECK(most - least <= 1);
    }
  }
}

}  // namespace
