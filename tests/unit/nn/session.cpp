#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <span>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/exec/pool.hpp>
#include <calotype/image/crop.hpp>
#include <calotype/image/image.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/nn/self_test.hpp>
#include <calotype/nn/session.hpp>

// Counts every allocation of the program, so that a test can show that a call makes none.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // g++ 12 does not see that both are replaced
#endif
namespace {
std::atomic<long> made{0};
}  // namespace

void* operator new(std::size_t n) {
  ++made;
  if (void* p = std::malloc(n == 0 ? 1 : n)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t n, std::align_val_t a) {
  ++made;
  auto const align = static_cast<std::size_t>(a);
  if (void* p = std::aligned_alloc(align, (n + align - 1) / align * align)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

namespace ct = calotype;

// One that is not a number is as good as another.
bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

// A small network on real detector images, so that a debug build stays quick.
struct small_barrel {
  using input = ct::models::barrel_image;
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8, .kernel = 7, .stride = 4, .padding = 1}, relu{}, max_pool{},
                          residual{.filters = 8}, global_max_pool{}, logits{});
  }
};

ct::event some_event(std::uint64_t number) {
  ct::stream draw(11, number, 77);
  ct::event e;
  e.number = number;
  using eb = ct::segmentation<ct::cms::eb>;
  std::vector<std::uint32_t> cells;
  for (int i = 0; i < 300; ++i) cells.push_back(draw.below(static_cast<std::uint32_t>(eb::size())));
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  for (auto c : cells)
    e.hit_lists[eb::collection].push_back({eb::pack(static_cast<int>(c)), 5 * draw.uniform()});
  for (int i = 0; i < 50; ++i)
    e.track_list.push_back({3 * draw.uniform(), draw.uniform(-2.f, 2.f), draw.uniform(-3.f, 3.f)});
  e.photon_list = {{60, 0.3f, 0.1f, 62}, {50, -0.5f, 2.9f, 56}};
  return e;
}

TEST_CASE("scores are probabilities in the order of the classes, and logits belong to the last event") {
  auto const model = ct::nn::model<small_barrel>::random(3);
  ct::session<small_barrel> score(model);
  auto const p = score(some_event(1));
  CHECK(p[0] + p[1] + p[2] == doctest::Approx(1));
  auto const l = score.logits();
  CHECK(p[0] / p[1] ==
        doctest::Approx(std::exp(static_cast<double>(l[0]) - static_cast<double>(l[1]))).epsilon(1e-5));
}

TEST_CASE("a score depends on the event alone, not on what the session scored before") {
  auto const model = ct::nn::model<small_barrel>::random(3);
  ct::session<small_barrel> one(model), other(model);
  std::vector<ct::event> events;
  for (std::uint64_t i = 0; i < 6; ++i) events.push_back(some_event(i));
  events[3].hit_lists = {};  // an empty event in between
  std::vector<ct::session<small_barrel>::scores> together(events.size());
  one(std::span<ct::event const>(events), std::span(together));
  for (std::size_t i = events.size(); i-- > 0;) CHECK(other(events[i]) == together[i]);
  // Numbers given directly in between leave nothing behind.
  std::vector<float> const noise(ct::nn::input_size<small_barrel>(), 0.25f);
  auto const of_noise = one(std::span<float const>(noise));
  CHECK(one(events[2]) == together[2]);
  CHECK(one(std::span<float const>(noise)) == of_noise);
}

// Every cell of the calorimeters, and tracks to match.
ct::event full_event() {
  ct::event e = some_event(9);
  auto const fill = [&]<class D>(ct::segmentation<D> cells) {
    auto& list = e.hit_lists[cells.collection];
    list.clear();
    for (int c = 0; c < cells.size(); ++c)
      list.push_back({cells.pack(c), 0.1f * static_cast<float>(c % 17 + 1)});
  };
  fill(ct::segmentation<ct::cms::eb>{});
  fill(ct::segmentation<ct::cms::ee>{});
  fill(ct::segmentation<ct::cms::hb>{});
  fill(ct::segmentation<ct::cms::he>{});
  ct::stream draw(12, 1, 77);
  for (int i = 0; i < 60'000; ++i)
    e.track_list.push_back({3 * draw.uniform(), draw.uniform(-3.f, 3.f), draw.uniform(-3.f, 3.f)});
  return e;
}

// Pixels per mass with an odd scale, small ones suppressed; one plane, or three of them.
struct suppressed_barrel {
  static constexpr auto image() {
    return ct::cms::central({ct::track_pt({.zero_suppression = 0.5}), ct::ecal_energy({.scale = 0.3}),
                             ct::hcal_energy({.scale = 1.7, .zero_suppression = 0.4})},
                            {.divide_by = ct::divisor::m_gg});
  }
};
struct three_planes {
  static constexpr auto image() {
    return ct::cms::ecal_centric({ct::hcal_energy({.zero_suppression = 0.4}), ct::ecal_energy()});
  }
};
template <class Image>
struct small_net_on {
  using input = Image;
  static constexpr auto classes() { return ct::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    constexpr auto trunk = ct::nn::layers(conv{.filters = 8, .kernel = 7, .stride = 2, .padding = 1}, relu{},
                                          max_pool{}, conv{.filters = 8, .stride = 4}, global_max_pool{});
    if constexpr (ct::image_traits<Image>::planes == 1) {
      return ct::nn::layers(trunk, logits{});
    } else {
      return ct::nn::layers(branches(branch("barrel", trunk), branch("minus", trunk), branch("plus", trunk)),
                            logits{});
    }
  }
};

// Events whose first layer reads the builder's lists have the scores of their image given as numbers, whatever
// the session saw before, and those of the reference.
template <class Net, class Policy>
void check_rows(Policy policy = {}) {
  using input = typename Net::input;
  static_assert(ct::nn::inference_engine<Net, Policy>::template by_rows<0>);
  static_assert(ct::nn::inference_engine<Net, Policy>::template by_rows<ct::image_traits<input>::planes - 1>);
  auto const model = ct::nn::model<Net>::random(3);
  ct::session<Net, Policy> events(model, policy), mixed(model, policy), numbers(model, policy);
  ct::session<Net, ct::exec::scalar> reference(model);
  ct::event nothing = some_event(0);
  nothing.hit_lists = {};
  nothing.track_list.clear();
  ct::event unscaled = some_event(1);
  unscaled.photon_list.clear();
  for (ct::event const& e :
       {some_event(1), nothing, full_event(), nothing, some_event(2), unscaled, full_event(), some_event(3)}) {
    ct::image const image = ct::make_image<input>(e);
    auto const want = reference(e);
    CHECK(events(e) == want);
    CHECK(numbers(image.pixels()) == want);
    CHECK(mixed(image.pixels()) == want);
    CHECK(mixed(e) == want);
    CHECK(events.report() == mixed.report());
  }
}

TEST_CASE("events go to the first layer without an image, and get the scores of one") {
  check_rows<small_net_on<suppressed_barrel>, ct::exec::cpu<>>();
  check_rows<small_net_on<three_planes>, ct::exec::cpu<>>();
  check_rows<small_net_on<three_planes>>(ct::exec::cpu<ct::exec::best_arch, ct::exec::pool>{ct::exec::pool{3}});
  check_rows<small_barrel, ct::exec::cpu<>>();
}

TEST_CASE("a session says what became of the event's hits, and whether it had an image at all") {
  auto const model = ct::nn::model<small_barrel>::random(3);
  ct::session<small_barrel> score(model);
  auto e = some_event(1);
  score(e);
  CHECK(score.report().scaled);
  CHECK(score.report().used > 300);
  CHECK(score.report().unknown == 0);
  e.hit_lists[ct::cms::collection::eb].push_back({0xffffffffU, 1});
  e.photon_list.clear();
  score(e);
  CHECK_FALSE(score.report().scaled);
}

TEST_CASE("the scalar reference gives the same bits") {
  auto const model = ct::nn::model<small_barrel>::random(3);
  ct::session<small_barrel> quick(model);
  ct::session<small_barrel, ct::exec::scalar> plain(model);
  for (std::uint64_t i = 0; i < 3; ++i) {
    auto const e = some_event(i);
    CHECK(quick(e) == plain(e));
    CHECK(quick.logits() == plain.logits());
  }
}

TEST_CASE("a call allocates nothing") {
  auto const model = ct::nn::model<small_barrel>::random(3);
  ct::session<small_barrel> score(model);
  ct::nn::model<ct::models::four_momentum> const momenta = ct::nn::model<ct::models::four_momentum>::random(1);
  ct::session<ct::models::four_momentum> kinematic(momenta);
  std::vector<ct::event> const events{some_event(0), some_event(1), some_event(2)};
  long const before = made.load();
  float sum = 0;
  for (auto const& e : events) sum += score(e)[0] + kinematic(e)[0];
  long const after = made.load();
  CHECK(after == before);
  CHECK(sum > 0);
  static_assert(noexcept(score(events[0])));
}

template <class Net, class Policy>
void check_in_a_block() {
  using session = ct::session<Net, Policy>;
  auto const model = ct::nn::model<Net>::random(3);
  session own(model);  // packs the parameters and makes the tables, for all
  // Any address, and nothing beyond the block.
  std::array<std::byte, 1> const guard{std::byte{0x5a}};
  for (std::size_t offset : {0u, 1u, 63u}) {
    std::vector<std::byte> memory(offset + session::block_bytes + 64, guard[0]);
    std::span<std::byte, session::block_bytes> const block(memory.data() + offset, session::block_bytes);
    long const before = made.load();
    session given(model, block);
    CHECK(made.load() == before);
    for (std::uint64_t i = 0; i < 3; ++i) CHECK(given(some_event(i)) == own(some_event(i)));
    CHECK(given.report() == own.report());
    session moved(std::move(given));
    CHECK(moved(some_event(4)) == own(some_event(4)));
    CHECK(std::all_of(memory.begin(), memory.begin() + static_cast<long>(offset),
                      [&](std::byte b) { return b == guard[0]; }));
    CHECK(std::all_of(memory.end() - 64, memory.end(), [&](std::byte b) { return b == guard[0]; }));
  }
}

TEST_CASE("a session in memory that the caller gives computes the same and allocates nothing") {
  check_in_a_block<small_barrel, ct::exec::cpu<>>();
  check_in_a_block<small_barrel, ct::exec::cpu<ct::exec::best_arch, ct::exec::single, ct::exec::winograd>>();
  check_in_a_block<small_barrel, ct::exec::scalar>();
  // No larger than what the cost sheet says, but for rounding to cache lines.
  static_assert(ct::session<ct::models::eb>::block_bytes <
                ct::nn::cost<ct::models::eb>.workspace_bytes + 16 * ct::workspace::alignment);
}

TEST_CASE("eight threads share one model") {
  auto const model = ct::nn::model<small_barrel>::random(3);
  std::vector<ct::event> events;
  for (std::uint64_t i = 0; i < 4; ++i) events.push_back(some_event(i));
  ct::session<small_barrel> single(model);
  std::vector<ct::session<small_barrel>::scores> want(events.size());
  single(std::span<ct::event const>(events), std::span(want));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      ct::session<small_barrel> own(model);
      for (std::size_t i = 0; i < events.size(); ++i) wrong += own(events[i]) != want[i];
    });
  }
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("photon kinematics feed the four-momentum network") {
  ct::event e = some_event(0);
  auto const x = ct::models::photon_pair::compute(e);
  double const m = ct::diphoton_mass(e.photons());
  CHECK(m == doctest::Approx(std::sqrt(2 * 60 * 50 * (std::cosh(0.8) - std::cos(2.8)))).epsilon(1e-6));
  CHECK(x[0] == doctest::Approx(60 / m).epsilon(1e-6));
  CHECK(x[3] == doctest::Approx(-0.5));
  CHECK(x[4] == doctest::Approx(std::cos(2.8)).epsilon(1e-6));
  e.photon_list.pop_back();
  CHECK(ct::models::photon_pair::compute(e) == std::array<float, 5>{});
}

TEST_CASE("features that are not finite are counted, since the scores do not show them") {
  ct::session<ct::models::four_momentum> score(ct::nn::model<ct::models::four_momentum>::random(1));
  score(some_event(0));
  CHECK(score.report() == ct::image_report{});
  ct::event e = some_event(0);
  e.photon_list.pop_back();
  CHECK(std::isfinite(score(e)[0]));
  CHECK_FALSE(score.report().scaled);
  std::array<float, 5> const numbers{1, HUGE_VALF, 0, std::nanf(""), 0};
  score(std::span<float const>(numbers));
  CHECK(score.report().not_finite == 2);
}

// Scores of numbers by the reference and by the default policy.
template <class Net>
void check_numbers() {
  auto const model = ct::nn::model<Net>::random(3);
  ct::session<Net> fast(model);
  ct::session<Net, ct::exec::scalar> slow(model);
  std::vector<float> input(ct::nn::input_size<Net>());
  ct::stream draw(21, 0, 5);
  for (float& x : input) x = draw.uniform(-1.0F, 1.0F);
  CHECK(fast(std::span<float const>(input)) == slow(std::span<float const>(input)));
}

struct four_planes {
  static constexpr auto tensor() { return std::array{ct::kernel::map_shape{4, 20, 24}}; }
};
// Windows of one pixel behind a convolution that keeps its shape: output and input may not share a buffer.
struct single_windows {
  using input = four_planes;
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8, .padding = 1}, relu{}, conv{.filters = 8, .padding = 1}, relu{},
                          max_pool{.size = 1, .stride = 1}, conv{.filters = 8, .padding = 1}, relu{},
                          max_pool{.size = 1, .stride = 1}, global_max_pool{}, logits{});
  }
};
// The first rows of windows lie before the image altogether.
struct wide_margin {
  using input = four_planes;
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16, .kernel = 2, .padding = 4}, relu{}, max_pool{}, global_max_pool{},
                          logits{});
  }
};

TEST_CASE("windows of one pixel, and windows before the image") {
  check_numbers<single_windows>();
  check_numbers<wide_margin>();
}

TEST_CASE("a session tests itself against the logits that are stored with its weights") {
  using model = ct::nn::model<small_barrel>;
  auto const m = model::random(4);
  using input_traits = ct::nn::input_traits<small_barrel::input>;
  ct::nn::constant_weights<input_traits::signature(), ct::nn::signature<small_barrel>, model::size, 3> weights{
      7, {}, {}};
  std::copy(m.parameters().begin(), m.parameters().end(), weights.numbers);
  auto const logits = ct::nn::self_test_logits<small_barrel>(m, 7);
  std::copy(logits.begin(), logits.end(), weights.self_test_logits);
  ct::session<small_barrel> direct(m);
  CHECK(ct::nn::self_test_error(direct, weights) == 0);
  ct::session<small_barrel, ct::exec::scalar> reference(m);
  CHECK(ct::nn::self_test_error(reference, weights) == 0);
  ct::session<small_barrel, ct::exec::cpu<ct::exec::best_arch, ct::exec::single, ct::exec::winograd>> winograd(
      m);
  CHECK(ct::nn::self_test_error(winograd, weights) < 1e-5);
  weights.self_test_logits[1] = std::nanf("");
  CHECK(ct::nn::self_test_error(direct, weights) == HUGE_VAL);
  weights.self_test_logits[1] = logits[1] + 0.01F;
  CHECK(ct::nn::self_test_error(direct, weights) > 1e-3);
}

TEST_CASE("parameters start as PyTorch's do, and depend on the seed alone") {
  using model = ct::nn::model<ct::models::eb>;
  auto const a = model::random(5), b = model::random(5), c = model::random(6);
  CHECK(std::equal(a.parameters().begin(), a.parameters().end(), b.parameters().begin()));
  CHECK(!std::equal(a.parameters().begin(), a.parameters().end(), c.parameters().begin()));
  constexpr auto const& plan = ct::nn::plan_of<ct::models::eb>;
  for (int i = 0; i < plan.parameter_count; ++i) {
    auto const& p = plan.parameter_at(i);
    double const bound = 1 / std::sqrt(static_cast<double>(p.fan_in));
    double largest = 0, square = 0;
    for (int k = 0; k < p.size(); ++k) {
      double const x = static_cast<double>(a.parameters()[static_cast<std::size_t>(p.offset + k)]);
      largest = std::max(largest, std::abs(x));
      square += x * x / p.size();
    }
    CHECK(largest <= bound * 1.000001);
    if (p.size() > 500) CHECK(std::sqrt(square) == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.1));
  }
}

struct photon_crop_net {
  struct input {
    static constexpr auto image() { return ct::cms::photon_crop({ct::ecal_energy()}); }
  };
  static constexpr auto classes() { return ct::labels("photon"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 4}, relu{}, max_pool{}, global_max_pool{}, logits{});
  }
};

TEST_CASE("a network on a crop takes the crop's pixels") {
  static_assert(ct::nn::input_size<photon_crop_net>() == 32 * 32);
  ct::session<photon_crop_net> score(ct::nn::model<photon_crop_net>::random(1));
  ct::session<photon_crop_net, ct::exec::scalar> plain(ct::nn::model<photon_crop_net>::random(1));
  std::vector<float> crop(32 * 32);
  crop[16 * 32 + 16] = 40;
  crop[16 * 32 + 17] = 8;
  auto const p = score(std::span<float const>(crop));
  CHECK(p == plain(std::span<float const>(crop)));
  CHECK(p[0] > 0);
  CHECK(p[0] < 1);
}

// Maps so small that several inputs go through together: 7x7 and 4x4, and a flattened one.
struct small_maps {
  struct input {
    static constexpr auto tensor() { return std::array{ct::kernel::map_shape{2, 32, 32}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16, .kernel = 7, .stride = 2, .padding = 1}, relu{}, max_pool{},
                          residual{.filters = 16}, residual{.filters = 32, .stride = 2},
                          residual{.filters = 32}, dropout{}, dense{.units = 20}, relu{}, logits{});
  }
};

template <class Policy>
void check_batches(Policy policy) {
  constexpr std::size_t size = ct::nn::input_size<small_maps>(), count = 13;
  ct::stream draw(5, 1, 9);
  std::vector<float> inputs(count * size);
  for (auto& x : inputs) x = draw.uniform();
  auto const model = ct::nn::model<small_maps>::random(3);
  using session = ct::session<small_maps, Policy>;
  session alone(model, policy);
  std::vector<typename session::scores> want, logits;
  for (std::size_t i = 0; i < count; ++i) {
    want.push_back(alone(std::span<float const>(inputs).subspan(i * size, size)));
    logits.push_back(alone.logits());
  }
  for (int batch : {0, 1, 2, 3, 8, 11, 16}) {
    CAPTURE(batch);
    session score(model, policy, batch);
    for (std::size_t n : {count, std::size_t{5}, std::size_t{1}, std::size_t{0}, count}) {
      std::vector<typename session::scores> got(n);
      long const before = made.load();
      score(std::span<float const>(inputs).first(n * size), std::span(got));
      CHECK(made.load() == before);
      for (std::size_t i = 0; i < n; ++i) CHECK(got[i] == want[i]);
      if (n > 0) CHECK(score.logits() == logits[n - 1]);
    }
    CHECK(score(std::span<float const>(inputs).first(size)) == want[0]);
  }
}

TEST_CASE("inputs that go through the network together get the scores that each gets alone") {
  using winograd = ct::exec::cpu<ct::exec::best_arch, ct::exec::single, ct::exec::winograd>;
  static_assert(ct::nn::inference_engine<small_maps, winograd>::gains_together);
  static_assert(!ct::nn::inference_engine<small_maps, ct::exec::cpu<>>::gains_together);
  check_batches(winograd{});
  check_batches(ct::exec::cpu<ct::exec::best_arch, ct::exec::pool, ct::exec::winograd>{ct::exec::pool{3}});
  check_batches(ct::exec::cpu<ct::exec::portable, ct::exec::single, ct::exec::winograd>{});
  check_batches(ct::exec::cpu<>{});
  check_batches(ct::exec::scalar{});
}

// Dropout behind joined branches, in a branch, and twice: scores are those of the network without.
template <bool Dropout>
struct joined {
  struct input {
    static constexpr auto tensor() {
      return std::array{ct::kernel::map_shape{1, 9, 9}, ct::kernel::map_shape{2, 7, 7}};
    }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    constexpr conv first{.filters = 6, .name = "first"};
    constexpr dense hidden{.units = 8, .name = "hidden"};
    if constexpr (Dropout) {
      return ct::nn::layers(branches(branch("left", first, relu{}, global_max_pool{}, dropout{}),
                                     branch("right", first, relu{}, dense{.units = 5}, relu{})),
                            dropout{}, dropout{}, hidden, relu{}, logits{.name = "last"});
    } else {
      return ct::nn::layers(branches(branch("left", first, relu{}, global_max_pool{}),
                                     branch("right", first, relu{}, dense{.units = 5}, relu{})),
                            hidden, relu{}, logits{.name = "last"});
    }
  }
};
TEST_CASE("dropout does nothing to a score, wherever it is") {
  using with = joined<true>;
  using without = joined<false>;
  constexpr std::size_t size = ct::nn::input_size<without>();
  ct::stream draw(4, 1, 9);
  std::vector<float> inputs(3 * size);
  for (float& x : inputs) x = draw.uniform();
  auto const plain = ct::nn::model<without>::random(2);
  ct::nn::model<with> const same(std::vector<float>(plain.parameters().begin(), plain.parameters().end()));
  ct::session<without, ct::exec::scalar> expected(plain);
  ct::session<with, ct::exec::scalar> score(same);
  ct::session<with> fast(same);
  std::vector<std::array<float, 2>> scores;
  for (std::size_t i = 0; i < 3; ++i) {
    auto const input = std::span<float const>(inputs).subspan(i * size, size);
    scores.push_back(expected(input));
    CHECK(score(input) == scores.back());
    CHECK(fast(input) == scores.back());
  }
  CHECK(scores[0] != scores[1]);
  CHECK(scores[1] != scores[2]);
}

// A second input plane is read after the first one's small maps.
struct two_planes {
  struct input {
    static constexpr auto tensor() {
      return std::array{ct::kernel::map_shape{1, 18, 18}, ct::kernel::map_shape{1, 18, 18}};
    }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    constexpr auto trunk =
        ct::nn::layers(conv{.filters = 16, .kernel = 3, .padding = 1}, relu{}, max_pool{},
                       residual{.filters = 16, .stride = 2}, residual{.filters = 16}, global_max_pool{});
    return ct::nn::layers(branches(branch("first", trunk), branch("second", trunk)), logits{});
  }
};

TEST_CASE("nothing goes together where an input plane is read after the first small map") {
  using winograd = ct::exec::cpu<ct::exec::best_arch, ct::exec::single, ct::exec::winograd>;
  static_assert(!ct::nn::inference_engine<two_planes, winograd>::gains_together);
  constexpr std::size_t size = ct::nn::input_size<two_planes>(), count = 3;
  std::vector<float> inputs(count * size);
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = static_cast<float>(i % 13);
  auto const model = ct::nn::model<two_planes>::random(3);
  ct::session<two_planes, winograd> alone(model), several(model, {}, count);
  std::vector<ct::session<two_planes, winograd>::scores> got(count);
  several(std::span<float const>(inputs), std::span(got));
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(got[i] == alone(std::span<float const>(inputs).subspan(i * size, size)));
  }
}

// Few crystals, so that most of an image is the empty event's.
ct::event event_of(int crystals, std::uint64_t number) {
  ct::stream draw(12, number, 78);
  ct::event e;
  using eb = ct::segmentation<ct::cms::eb>;
  for (int i = 0; i < crystals; ++i) {
    auto const cell = static_cast<int>(draw.below(static_cast<std::uint32_t>(eb::size())));
    e.hit_lists[eb::collection].push_back({eb::pack(cell), 1 + 5 * draw.uniform()});
  }
  e.photon_list = {{60, 0.3f, 0.1f, 62}, {50, -0.5f, 2.9f, 56}};
  return e;
}

// As the event paper's, with fewer blocks.
struct two_blocks {
  using input = ct::models::ecal_barrel_image;
  static constexpr auto classes() { return ct::models::event_classes(); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16, .kernel = 7, .stride = 2, .padding = 1}, relu{}, max_pool{},
                          residual{.filters = 16}, residual{.filters = 16},
                          residual{.filters = 32, .stride = 2}, global_max_pool{}, logits{});
  }
};

// Two engines side by side: one leaves out what an input does not reach; the other, whose parameters do not
// remember the empty event, computes every step whole.
template <class Policy>
struct part_and_whole {
  using engine = ct::nn::inference_engine<two_blocks, Policy>;
  static_assert(engine::template follows<2> && engine::template follows<3>);

  explicit part_and_whole(Policy policy) : part(policy), whole(policy), feed(policy) {
    auto const model = ct::nn::model<two_blocks>::random(3);
    for (auto* p : {&remember, &forget}) p->pack(model.parameters().data());
    remember.remember_empty_event(policy);
  }

  template <class Input>
  void check(Input const& input) {
    feed(input, part);
    float const* const got = part.run(remember, feed);
    float const* const want = (feed(input, whole), whole.run(forget, feed));
    for (int i = 0; i < engine::outputs; ++i) CHECK(same_bits(got[i], want[i]));
  }

  ct::nn::packed_parameters<two_blocks, Policy> remember, forget;
  engine part, whole;
  ct::nn::feed<two_blocks, Policy> feed;
};

template <class Policy>
void check_following(Policy policy) {
  part_and_whole<Policy> engines(policy);
  std::uint64_t number = 0;
  for (int crystals : {0, 1, 2, 40, 3, 9000, 0, 7, 300, 1, 61200, 5}) {
    CAPTURE(crystals);
    auto const e = event_of(crystals, ++number);
    long const before = made.load();
    engines.check(e);
    CHECK(made.load() == before);
    CHECK(engines.part.template partial<2>() == (crystals < 300));
    CHECK(engines.part.template partial<3>() == (crystals < 40));
    CHECK_FALSE(engines.whole.template partial<2>());
  }
}

TEST_CASE("what an event does not reach is taken from the empty event, with the same bits") {
  check_following(ct::exec::cpu<ct::exec::best_arch, ct::exec::single, ct::exec::winograd>{});
  check_following(ct::exec::cpu<ct::exec::best_arch, ct::exec::pool, ct::exec::winograd>{ct::exec::pool{3}});
}

// Numbers that no builder makes, at one pixel in so many: negative, -0 and not a number; infinite ones too,
// from which few logits come back finite.
std::vector<float> odd_numbers(std::size_t size, std::uint32_t one_in, bool infinite, std::uint64_t number) {
  constexpr float none = std::numeric_limits<float>::quiet_NaN(), big = std::numeric_limits<float>::max();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::array const odd{-0.f, -1.5f, none, -none, 2.f, big, -big, infinity, -infinity};
  ct::stream draw(13, number, 79);
  std::vector<float> x(size);
  for (float& v : x) {
    if (draw.below(one_in) == 0) v = odd[draw.below(infinite ? 9 : 5)];
  }
  return x;
}

// The reference takes every pixel as it comes.
template <class Net, class Policy>
void check_odd_numbers(Policy policy) {
  auto const model = ct::nn::model<Net>::random(3);
  ct::session<Net, Policy> score(model, policy);
  ct::session<Net, ct::exec::scalar> reference(model);
  int finite = 0;
  for (std::uint32_t one_in : {1u, 40u, 2000u}) {
    for (bool infinite : {false, true}) {
      CAPTURE(one_in);
      CAPTURE(infinite);
      auto const x = odd_numbers(ct::nn::input_size<Net>(), one_in, infinite, one_in);
      auto const got = score(x), want = reference(x);
      for (std::size_t i = 0; i < got.size(); ++i) {
        CHECK(same_bits(got[i], want[i]));
        CHECK(same_bits(score.logits()[i], reference.logits()[i]));
        finite += std::isfinite(want[i]);
      }
    }
  }
  CHECK(finite >= 3);
}

TEST_CASE("numbers that are negative, infinite or none count as they do for the reference") {
  check_odd_numbers<small_barrel>(ct::exec::cpu<>{});
  check_odd_numbers<small_barrel>(ct::exec::cpu<ct::exec::best_arch, ct::exec::pool>{ct::exec::pool{3}});
  check_odd_numbers<small_maps>(ct::exec::cpu<>{});
  check_odd_numbers<small_maps>(ct::exec::cpu<ct::exec::portable>{});
}

TEST_CASE("they do so under winograd: in part, and several together") {
  using winograd = ct::exec::cpu<ct::exec::best_arch, ct::exec::single, ct::exec::winograd>;
  part_and_whole<winograd> engines({});
  for (std::uint32_t one_in : {1u, 40u, 20000u}) {
    for (bool infinite : {false, true}) {
      CAPTURE(one_in);
      CAPTURE(infinite);
      auto const x = odd_numbers(ct::nn::input_size<two_blocks>(), one_in, infinite, one_in);
      engines.check(std::span<float const>(x));
      CHECK(engines.part.template partial<2>() == (one_in == 20000));
    }
  }
  constexpr std::size_t size = ct::nn::input_size<small_maps>(), count = 11;
  std::vector<float> inputs;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto const x = odd_numbers(size, 30, i % 2 == 1, i);
    inputs.insert(inputs.end(), x.begin(), x.end());
  }
  auto const model = ct::nn::model<small_maps>::random(3);
  ct::session<small_maps, winograd> alone(model), together(model, {}, 8);
  std::vector<ct::session<small_maps, winograd>::scores> got(count);
  together(inputs, got);
  for (std::size_t i = 0; i < count; ++i) {
    auto const want = alone(std::span<float const>(inputs).subspan(i * size, size));
    for (std::size_t c = 0; c < want.size(); ++c) CHECK(same_bits(got[i][c], want[c]));
  }
}

}  // namespace
