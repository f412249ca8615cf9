#pragma once

#include <array>

bool first(std::array<float, 3>& scores);
bool second(std::array<float, 3>& scores);
