#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <calotype/nn/memory.hpp>
#include <calotype/nn/plan.hpp>

namespace {

namespace ct = calotype;
using ct::kernel::map_shape;

struct small_map {
  static constexpr auto tensor() { return std::array{map_shape{2, 12, 10}}; }
};
struct small {
  using input = small_map;
  static constexpr auto classes() { return ct::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 4, .kernel = 3, .padding = 1}, relu{}, max_pool{},
                          residual{.filters = 4}, residual{.filters = 8, .stride = 2}, global_max_pool{},
                          dropout{.rate = 0.25}, dense{.units = 5, .name = "hidden"}, relu{}, logits{});
  }
};
static_assert(ct::concepts::network<small>);

constexpr auto plan = ct::nn::plan_of<small>;

struct two_maps {
  static constexpr auto tensor() { return std::array{map_shape{1, 8, 8}, map_shape{1, 6, 6}}; }
};
struct branched {
  using input = two_maps;
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(branches(branch("left", conv{.filters = 3, .name = "c"}, relu{}, global_max_pool{}),
                                   branch("right", dense{.units = 2}, relu{})),
                          logits{});
  }
};

TEST_CASE("shapes and steps follow the layers") {
  REQUIRE(plan.problem.kind == ct::nn::problem_kind::none);
  CHECK(plan.step_count == 11);
  CHECK(plan.shape(plan.at(0).out) == map_shape{4, 12, 10});
  CHECK(plan.at(0).relu);
  CHECK(plan.shape(plan.at(1).out) == map_shape{4, 6, 5});
  CHECK(plan.at(3).shortcut == plan.at(2).in);  // identity
  CHECK(plan.at(5).kernel == 1);  // projection of the strided block, before its second convolution
  CHECK(plan.at(6).shortcut == plan.at(5).out);
  CHECK(plan.shape(plan.at(6).out) == map_shape{8, 3, 3});
  CHECK(plan.shape(plan.result) == map_shape{3, 1, 1});
}

TEST_CASE("parameters have PyTorch's names, order and places") {
  std::string names;
  int offset = 0;
  for (int i = 0; i < plan.parameter_count; ++i) {
    names += std::string(plan.parameter_at(i).name()) + " ";
    CHECK(plan.parameter_at(i).offset == offset);
    offset += plan.parameter_at(i).size();
  }
  CHECK(names ==
        "conv0.weight conv0.bias block3.conv1.weight block3.conv1.bias block3.conv2.weight block3.conv2.bias "
        "block3.shortcut.weight block3.shortcut.bias block4.conv1.weight block4.conv1.bias block4.conv2.weight "
        "block4.conv2.bias block4.shortcut.weight block4.shortcut.bias hidden.weight hidden.bias fc.weight "
        "fc.bias ");
  CHECK(plan.total_parameters() == offset);
  CHECK(plan.idle_parameters() == 4 * 4 + 4);
}

TEST_CASE("multiply-adds count every tap, padding included") {
  long long const want =
      12 * 10 * 4 * 2 * 9 + 2 * (6 * 5 * 4 * 4 * 9) + 3 * 3 * 8 * (4 * 9 + 8 * 9 + 4) + 8 * 5 + 5 * 3;
  CHECK(plan.multiply_adds() == want);
}

TEST_CASE("branches read one plane each and are joined in order") {
  constexpr auto p = ct::nn::plan_of<branched>;
  CHECK(std::string(p.parameter_at(0).name()) == "left.c.weight");
  CHECK(std::string(p.parameter_at(2).name()) == "right.dense6.weight");
  ct::nn::step const last = p.at(p.step_count - 1);
  CHECK(p.shape(last.in) == map_shape{5, 1, 1});
  int parts = 0;
  for (int v = 0; v < p.value_count; ++v) {
    if (p.value_at(v).parent != last.in) continue;
    CHECK(p.value_at(v).offset == (parts == 0 ? 0 : 3));
    ++parts;
  }
  CHECK(parts == 2);
}

TEST_CASE("buffers are shared in inference only between maps of one shape that are never needed together") {
  constexpr int capacity = static_cast<int>(plan.steps.size());
  constexpr auto m = ct::nn::detail::plan_memory(plan, false, std::array<bool, capacity>{});
  auto storage = [&](int v) { return ct::nn::detail::storage(plan, v, false); };
  for (int i = 0; i < plan.step_count; ++i) {
    ct::nn::step const s = plan.at(i);
    if (s.kind == ct::nn::op::dropout) continue;
    auto const slot = [&](int v) { return m.slot[static_cast<std::size_t>(v)]; };
    CHECK(slot(s.out) != slot(s.in));
    if (s.shortcut >= 0) CHECK(slot(s.out) != slot(s.shortcut));
    // Nothing that is read later is overwritten.
    for (int v = 0; v < plan.value_count; ++v) {
      if (storage(v) == storage(s.out) || slot(v) != slot(s.out)) continue;
      bool written = plan.value_at(v).input, needed = false;
      for (int j = 0; j < i; ++j) written = written || plan.at(j).out == v;
      for (int j = i + 1; j < plan.step_count; ++j)
        needed = needed || plan.at(j).in == v || plan.at(j).shortcut == v;
      CHECK_FALSE((written && needed));
    }
    CHECK(m.slot_shape[static_cast<std::size_t>(slot(s.out))] == plan.shape(s.out));
  }
  CHECK(m.slots < plan.value_count);
}

TEST_CASE("the signature changes with everything that changes the meaning of the parameters") {
  CHECK(ct::nn::signature<small> != ct::nn::signature<branched>);
  struct renamed {
    using input = small_map;
    static constexpr auto classes() { return ct::labels("a", "b", "d"); }
    static constexpr auto layers() { return small::layers(); }
  };
  struct same {
    using input = small_map;
    static constexpr auto classes() { return small::classes(); }
    static constexpr auto layers() { return small::layers(); }
  };
  CHECK(ct::nn::signature<small> != ct::nn::signature<renamed>);
  CHECK(ct::nn::signature<small> == ct::nn::signature<same>);
}

}  // namespace
