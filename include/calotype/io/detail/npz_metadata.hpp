// The array 'metadata' of archives of events: a JSON object of texts.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include <calotype/core/result.hpp>
#include <calotype/core/utf8.hpp>
#include <calotype/io/npz.hpp>

namespace calotype::io::detail {

inline result<void> write_metadata(npz_writer& npz, std::map<std::string, std::string> const& metadata) {
  for (auto const& [key, text] : metadata) {
    if (!is_utf8(key) || !is_utf8(text)) {
      return calotype::error{"the metadata are not in UTF-8", npz.path(), "correct the metadata"};
    }
  }
  std::string const text = nlohmann::json(metadata).dump();
  auto const* const bytes = reinterpret_cast<std::uint8_t const*>(text.data());
  return npz.append(npz.add<std::uint8_t>("metadata"), std::span(bytes, text.size()));
}

// Empty where the archive has none.
inline result<std::map<std::string, std::string>> read_metadata(npz_file const& npz) {
  std::map<std::string, std::string> metadata;
  if (npz.find("metadata") == nullptr) return metadata;
  constexpr std::uint64_t longest = 1 << 24;
  auto const malformed = [&] {
    return calotype::error{"the metadata are no JSON object of texts", npz.path(), "write the file again"};
  };
  if (npz.find("metadata")->size() > longest) return malformed();
  auto const bytes = npz.read<std::uint8_t>("metadata");
  if (!bytes) return *bytes.error();
  auto const json = nlohmann::json::parse(bytes->begin(), bytes->end(), nullptr, false);
  if (!json.is_object()) return malformed();
  for (auto const& [key, text] : json.items()) {
    if (!text.is_string()) return malformed();
    metadata.emplace(key, text.get_ref<std::string const&>());
  }
  return metadata;
}

}  // namespace calotype::io::detail
