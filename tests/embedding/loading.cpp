// Reads weights without exceptions and run-time type information; what cannot be read is an error, as ever.
#include <cstdio>

#include "tagger.hpp"

#include <calotype/io/model.hpp>

int main(int argc, char** argv) {
  namespace ct = calotype;
  if (argc != 3) return 2;
  auto const model = ct::io::load<user::tagger>(argv[1]);
  if (!model) return std::puts(model.error()->message().c_str()), 1;
  ct::session<user::tagger> score(*model);
  auto const p = score(user::sample_event(1));
  std::printf("first %a %a %a\n", static_cast<double>(p[0]), static_cast<double>(p[1]),
              static_cast<double>(p[2]));
  auto const damaged = ct::io::load<user::tagger>(argv[2]);
  if (damaged) return std::puts("damaged weights were read"), 1;
  std::printf("refused: %s\n", damaged.error()->message().c_str());
}
