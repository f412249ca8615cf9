// Errors as values: one sentence that says what is wrong, where, and what to do.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace calotype {

// What went wrong, for a person. `where` names the file and the place in it; `remedy` says what to do.
struct error {
  std::string what;
  std::string where{};
  std::string remedy{};

  // "where: what; remedy"
  std::string message() const {
    std::string text = where.empty() ? what : where + ": " + what;
    if (!remedy.empty()) text += "; " + remedy;
    return text;
  }
};

// A value or an error. Never throws; dereferencing a failed result is a precondition violation.
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(calotype::error e) : state_(std::in_place_index<1>, std::move(e)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  T const& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  T const* operator->() const noexcept { return std::get_if<0>(&state_); }
  // The error, or null for a value.
  calotype::error const* error() const noexcept { return std::get_if<1>(&state_); }

 private:
  std::variant<T, calotype::error> state_;
};

// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
 public:
  result() = default;
  result(calotype::error e) : error_(std::in_place_index<1>, std::move(e)) {}

  explicit operator bool() const noexcept { return error_.index() == 0; }
  calotype::error const* error() const noexcept { return std::get_if<1>(&error_); }

 private:
  std::variant<std::monostate, calotype::error> error_;
};

}  // namespace calotype
