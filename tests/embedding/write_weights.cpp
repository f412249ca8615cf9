// Writes first.hpp and second.hpp, two models of one network under one name, and first.safetensors, into the
// folder that the command line names; then the scores of event 1 with each, which embedded programs must
// repeat.
#include <cstdio>
#include <string>

#include "tagger.hpp"

#include <calotype/io/constant_weights.hpp>

int main(int argc, char** argv) {
  namespace ct = calotype;
  if (argc != 2) return 2;
  std::string const folder = argv[1];
  for (auto const& [name, seed] : {std::pair{"first", 1u}, std::pair{"second", 2u}}) {
    auto const model = ct::nn::model<user::tagger>::random(seed);
    std::string const path = folder + "/" + name;
    auto const header = ct::io::save_constant(
        path + ".hpp", model, {.scope = "user::trained", .name = "tagger"}, {{"name", name}}, {.force = true});
    auto const file = ct::io::save(path + ".safetensors", model, {}, {.force = true});
    if (!header || !file) return std::puts("the weights could not be written"), 1;
    ct::session<user::tagger> score(model);
    auto const p = score(user::sample_event(1));
    std::printf("%s %a %a %a\n", name, static_cast<double>(p[0]), static_cast<double>(p[1]),
                static_cast<double>(p[2]));
  }
}
