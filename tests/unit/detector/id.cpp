#include <doctest/doctest.h>

#include <calotype/detector/id.hpp>

using namespace calotype;

TEST_CASE("id_field: magnitudes, signs and offsets") {
  id_field const ieta{.label = 0, .shift = 9, .bits = 7, .sign_bit = 16};
  CHECK(ieta.pack(-1) == 0x200);
  CHECK(ieta.pack(1) == 0x10200);
  CHECK(ieta.unpack(0x10200) == 1);
  CHECK(ieta.unpack(0x200) == -1);

  id_field const z{.label = 0, .sign_bit = 14, .offset = 1};  // a sign and nothing else
  CHECK(z.pack(1) == 0x4000);
  CHECK(z.pack(-1) == 0);
  CHECK(z.unpack(0x4000) == 1);
  CHECK(z.unpack(0) == -1);

  id_field const wafer{.label = 0, .shift = 10, .bits = 4, .sign_bit = 14, .set_if_negative = true};
  CHECK(wafer.unpack(wafer.pack(-7)) == -7);
  CHECK(wafer.pack(-7) == (0x4000 | 7 << 10));
  CHECK(wafer.pack(7) == 7 << 10);

  id_field const plane{.label = 0, .shift = 18, .bits = 1, .offset = 1};
  CHECK(plane.unpack(plane.pack(2)) == 2);
  CHECK(plane.pack(1) == 0);

  id_field const all{.label = 0, .shift = 0, .bits = 32};
  CHECK(all.used_bits() == 0xffffffffU);
}

TEST_CASE("id_layout: foreign and unused bits are refused") {
  constexpr id_layout<2> ids{
      .prefix = 0x32000000,
      .fields = {{{.label = 0, .shift = 9, .bits = 7, .sign_bit = 16}, {.label = 1, .shift = 0, .bits = 9}}}};
  static_assert(ids.valid());
  CHECK(ids.pack({-1, 1}) == 0x32000201U);
  CHECK(ids.accepts(0x32000201U));
  CHECK_FALSE(ids.accepts(0x34000201U));
  CHECK_FALSE(ids.accepts(0x32020201U));  // bit 17 means nothing here
  CHECK(ids.unpack(0x32000202U) == std::array{-1, 2});
}

TEST_CASE("id_layout: contradictions are seen") {
  using two = id_layout<2>;
  CHECK_FALSE(
      two{.prefix = 0, .fields = {{{.label = 0, .bits = 4}, {.label = 0, .shift = 4, .bits = 4}}}}.valid());
  CHECK_FALSE(
      two{.prefix = 0, .fields = {{{.label = 0, .bits = 4}, {.label = 1, .shift = 3, .bits = 4}}}}.valid());
  CHECK_FALSE(
      two{.prefix = 1, .fields = {{{.label = 0, .bits = 4}, {.label = 1, .shift = 4, .bits = 4}}}}.valid());
  CHECK_FALSE(
      two{.prefix = 0, .fields = {{{.label = 0, .bits = 4}, {.label = 2, .shift = 4, .bits = 4}}}}.valid());
  CHECK(two{.prefix = 256, .fields = {{{.label = 1, .bits = 4}, {.label = 0, .shift = 4, .bits = 4}}}}.valid());
}
