// The one place where the library prints: the first failure among some results, as one sentence on standard
// error.
#pragma once

#include <concepts>
#include <cstdio>

#include <calotype/core/result.hpp>

namespace calotype::io {

// Anything that can tell whether it failed: a `result<T>`, a file after it has been read.
template <class T>
concept fallible = requires(T const& subject) {
  { subject.error() } -> std::convertible_to<calotype::error const*>;
};

// Prints the first error, in the order of the arguments, and returns 1, the exit status of a failed program;
// prints nothing and returns 0 when nothing failed.
template <fallible... Subjects>
int complain(Subjects const&... subjects) {
  calotype::error const* first = nullptr;
  ((first = first != nullptr ? first : subjects.error()), ...);
  if (first == nullptr) return 0;
  std::fprintf(stderr, "error: %s\n", first->message().c_str());
  return 1;
}

}  // namespace calotype::io
