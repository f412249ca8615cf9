// What each translation unit computes through the library: a signature of the result's bits.
#pragma once

#include <cstdint>

std::uint64_t baseline();
std::uint64_t native();
