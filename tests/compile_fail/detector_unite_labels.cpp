// expect: calotype::unite: the parts must name their cells by the same number of labels
#include <calotype/detector/segmentation.hpp>

namespace ct = calotype;

// A layer has three labels, a bare grid two.
constexpr ct::grid barrel{.u = ct::regular{.bins = 10, .low = -1, .high = 1}, .v = ct::periodic{.bins = 72}};
constexpr auto both = ct::unite(ct::layer{.number = 1, .cells = barrel}, barrel);

int main() { return both.size(); }
