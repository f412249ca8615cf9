// Which simulation this is.
#pragma once

namespace calotype::sim {

// Grows when a seed comes to make other events; stands in the metadata of files and weights.
inline constexpr int revision = 2;

}  // namespace calotype::sim
