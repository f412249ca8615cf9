// JSON read token by token.
#pragma once

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace calotype::io::detail {

// Hands a text's tokens to a handler until it refuses one; whether it took all. Through nlohmann's interface,
// not as a template argument of its parser: one parser serves all of calotype's formats. And by the parser
// itself where the library has it as versions 3.9 to 3.12 do: json::sax_parse holds the readers of five binary
// formats as well, a second of compile time in every program that reads events or weights.
template <class Json = nlohmann::json>
bool parse_json(std::string const& text, nlohmann::json_sax<Json>& handler) {
  if constexpr (requires {
                  nlohmann::detail::parser<Json, decltype(nlohmann::detail::input_adapter(text))>(
                      nlohmann::detail::input_adapter(text))
                      .sax_parse(&handler);
                }) {
    return nlohmann::detail::parser<Json, decltype(nlohmann::detail::input_adapter(text))>(
               nlohmann::detail::input_adapter(text))
        .sax_parse(&handler);
  } else {
    return Json::sax_parse(text, &handler);
  }
}

}  // namespace calotype::io::detail
