// Two libraries of one process that each describe a detector, an image and a network of the same names, with
// different content.
#pragma once

#include <cstdint>

std::uint64_t first_of_namesakes();
std::uint64_t second_of_namesakes();
