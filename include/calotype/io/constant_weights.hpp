// Weights as a C++ header: constant data for programs without files (docs/embedding.md).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <calotype/core/result.hpp>
#include <calotype/io/detail/number_text.hpp>
#include <calotype/io/model.hpp>
#include <calotype/io/output.hpp>
#include <calotype/nn/self_test.hpp>

namespace calotype::io {

// What the constant is called: `name` in namespace `scope`, which may be nested (a::b).
struct constant_name {
  std::string scope = "weights";
  std::string name;
};

namespace detail {

inline bool is_identifier(std::string_view text) {
  constexpr std::array<std::string_view, 97> keywords{
      "alignas",     "alignof",  "and",        "and_eq",    "asm",       "auto",         "bitand",
      "bitor",       "bool",     "break",      "case",      "catch",     "char",         "char16_t",
      "char32_t",    "char8_t",  "class",      "co_await",  "co_return", "co_yield",     "compl",
      "concept",     "const",    "const_cast", "consteval", "constexpr", "constinit",    "continue",
      "decltype",    "default",  "delete",     "do",        "double",    "dynamic_cast", "else",
      "enum",        "explicit", "export",     "extern",    "false",     "float",        "for",
      "friend",      "goto",     "if",         "inline",    "int",       "long",         "mutable",
      "namespace",   "new",      "noexcept",   "not",       "not_eq",    "nullptr",      "operator",
      "or",          "or_eq",    "private",    "protected", "public",    "register",     "reinterpret_cast",
      "requires",    "return",   "short",      "signed",    "sizeof",    "static",       "static_assert",
      "static_cast", "struct",   "switch",     "template",  "this",      "thread_local", "throw",
      "true",        "try",      "typedef",    "typeid",    "typename",  "union",        "unsigned",
      "using",       "virtual",  "void",       "volatile",  "wchar_t",   "while",        "xor",
      "xor_eq",      "std",      "main",       "linux",     "unix",      "calotype"};
  auto const letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  auto const digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !letter(text[0])) return false;
  if (!std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || digit(c); })) return false;
  // Names that belong to the compiler.
  if (text.find("__") != text.npos || (text[0] == '_' && text.size() > 1 && text[1] >= 'A' && text[1] <= 'Z')) {
    return false;
  }
  return std::find(keywords.begin(), keywords.end(), text) == keywords.end();
}

// a, a::b, a::b::c
inline bool is_scope(std::string_view text) {
  for (;;) {
    auto const colons = text.find("::");
    if (!is_identifier(text.substr(0, colons))) return false;
    if (colons == text.npos) return true;
    text.remove_prefix(colons + 2);
  }
}

// Text for a line of comment: nothing that would end it, or go on with it on the next line.
inline std::string comment_text(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\\') c = '?';
  }
  return text;
}

}  // namespace detail

// Writes a model as a header that defines one nn::constant_weights; the file appears whole or not at all. The
// numbers are hexadecimal and exact. It includes <calotype/nn/constant_weights.hpp>, or the single header
// <calotype.hpp> where the former is not found.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<void> save_constant(std::string const& path, nn::model<Net> const& model, constant_name const& what,
                           provenance const& how = {}, output_options options = {}) {
  if (!detail::is_scope(what.scope)) {
    return error{"'" + what.scope + "' is no name of a C++ namespace", path,
                 "choose letters, digits and _, beginning with a letter, and no word of the language"};
  }
  if (!detail::is_identifier(what.name)) {
    return error{"'" + what.name + "' is no name of a C++ constant", path,
                 "choose letters, digits and _, beginning with a letter, and no word of the language"};
  }
  if (auto good = detail::check_finite(model, path); !good) return good;
  constexpr auto const& plan = nn::plan_of<Net>;
  using input = typename Net::input;
  auto const logits = nn::self_test_logits<Net>(model, detail::self_test_seed);

  std::string text =
      "// Weights of a network as constant data: " + std::to_string(plan.total_parameters()) + " parameters.\n";
  auto const note = [&text](std::string_view key, std::string value) {
    text += "//   " + detail::comment_text(std::string(key) + ": " + std::move(value)) + "\n";
  };
  note("input", detail::describe_input<input>());
  note("preprocessing", detail::describe_preprocessing<input>());
  note("classes", detail::class_names<Net>());
  for (auto const& [key, value] : how) note(key, value);
  text +=
      "#pragma once\n\n#if __has_include(<calotype/nn/constant_weights.hpp>)\n"
      "#include <calotype/nn/constant_weights.hpp>\n#else\n#include <calotype.hpp>\n#endif\n\n";
  text += "namespace " + what.scope + " {\n\n// clang-format off\n";
  text += "[[maybe_unused]] static constexpr calotype::nn::constant_weights<\n    0x" +
          detail::hexadecimal(nn::input_traits<input>::signature()) + "ULL, 0x" +
          detail::hexadecimal(nn::signature<Net>) + "ULL, " + std::to_string(plan.total_parameters()) + ", " +
          std::to_string(logits.size()) + "> " + what.name + " = {\n";
  text += "    0x" + detail::hexadecimal(detail::self_test_seed) + "ULL, {";
  for (std::size_t i = 0; i < logits.size(); ++i) {
    text += (i == 0 ? "" : ", ") + detail::exact_text(logits[i]) + "f";
  }
  text += "}, {\n";
  for (int i = 0; i < plan.parameter_count; ++i) {
    nn::parameter const& p = plan.parameter_at(i);
    text += "// " + std::string(p.name());
    for (int k = 0; k < p.rank; ++k) {
      text += (k == 0 ? ", " : "x") + std::to_string(p.extent[static_cast<std::size_t>(k)]);
    }
    text += '\n';
    auto const numbers =
        model.parameters().subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size()));
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      text += detail::exact_text(numbers[k]);
      text += k % 8 == 7 || k + 1 == numbers.size() ? "f,\n" : "f, ";
    }
  }
  text += "}};\n// clang-format on\n\n}  // namespace " + what.scope + "\n";

  auto output = output_file::create(path, options);
  if (!output) return *output.error();
  if (auto outcome = output->write(text); !outcome) return outcome;
  return output->commit();
}

}  // namespace calotype::io
