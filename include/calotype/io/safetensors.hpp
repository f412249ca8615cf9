// Tensors by name in the safetensors format (github.com/huggingface/safetensors): an 8-byte length, a JSON
// header, raw little-endian numbers. Names, shapes, values and metadata only; what they mean to a network is
// decided elsewhere.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <calotype/core/result.hpp>
#include <calotype/io/detail/utf8.hpp>
#include <calotype/io/output.hpp>

namespace calotype::io {

static_assert(std::endian::native == std::endian::little,
              "calotype::io: the formats are little-endian, and so must be the machine");

// A tensor in C order. F64 values are rounded to single precision when they are read.
struct tensor {
  std::string name;
  std::vector<std::uint64_t> shape{};  // empty for a single number
  std::vector<float> values{};
  bool is_f64 = false;  // how the file stores it
};

// A tensor to be written; the values stay where they are.
struct tensor_view {
  std::string name;
  std::vector<std::uint64_t> shape{};
  std::span<float const> values{};
};

struct tensor_file {
  std::map<std::string, std::string> metadata{};
  std::vector<tensor> tensors{};  // in the order of their values in the file

  // The tensor of that name, or null.
  tensor const* find(std::string_view name) const noexcept {
    auto const found =
        std::find_if(tensors.begin(), tensors.end(), [&](auto const& t) { return t.name == name; });
    return found != tensors.end() ? &*found : nullptr;
  }
};

namespace detail {

struct tensor_entry {
  std::string name;
  std::vector<std::uint64_t> shape{};
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool is_f64 = false;
};

// The header of a file, checked against the number of bytes that follow it. Messages have no place yet.
class safetensors_header {
 public:
  static result<safetensors_header> parse(std::string_view text, std::uint64_t data_size) {
    safetensors_header header;
    std::string repeated;
    auto const json = parse_json(text, repeated);
    if (!repeated.empty()) return calotype::error{"the name '" + repeated + "' occurs twice in the header"};
    if (!json.is_object()) return calotype::error{"the header is not a JSON object"};
    for (auto const& [name, value] : json.items()) {
      auto outcome = name == "__metadata__" ? header.read_metadata(value) : header.read_entry(name, value);
      if (!outcome) return *outcome.error();
    }
    if (auto outcome = header.check_layout(data_size); !outcome) return *outcome.error();
    return header;
  }

  std::map<std::string, std::string> metadata{};
  std::vector<tensor_entry> entries{};  // by rising offset

 private:
  // The parsed text, or null if it is no JSON in UTF-8. `repeated` is a key that occurs twice in one object.
  static nlohmann::json parse_json(std::string_view text, std::string& repeated) {
    using event_type = nlohmann::json::parse_event_t;
    std::vector<std::set<std::string>> keys;
    return nlohmann::json::parse(
        text.begin(), text.end(),
        [&](int, event_type event, nlohmann::json& value) {
          if (event == event_type::object_start) keys.emplace_back();
          if (event == event_type::object_end) keys.pop_back();
          if (event == event_type::key && !keys.back().insert(value.get_ref<std::string const&>()).second) {
            repeated = value.get_ref<std::string const&>();
          }
          return true;
        },
        false);
  }

  result<void> read_metadata(nlohmann::json const& value) {
    if (!value.is_object()) return calotype::error{"the metadata are no JSON object"};
    for (auto const& [key, text] : value.items()) {
      if (!text.is_string()) return calotype::error{"the metadata entry '" + key + "' is no text"};
      metadata.emplace(key, text.get_ref<std::string const&>());
    }
    return {};
  }

  result<void> read_entry(std::string const& name, nlohmann::json const& value) {
    auto const fail = [&](std::string const& what) {
      return calotype::error{"the tensor '" + name + "' " + what};
    };
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets")) {
      return fail("is not described by dtype, shape and data_offsets");
    }
    auto const& type = value["dtype"];
    auto const& shape = value["shape"];
    auto const& offsets = value["data_offsets"];
    if (!type.is_string()) return fail("has no type");
    auto const& type_name = type.get_ref<std::string const&>();
    if (type_name != "F32" && type_name != "F64")
      return fail("has the type " + type_name + "; F32 and F64 are read");
    if (!is_sizes(shape) || !is_sizes(offsets) || offsets.size() != 2) {
      return fail("has a shape or offsets that are no whole numbers");
    }
    tensor_entry entry{name, shape.get<std::vector<std::uint64_t>>(), offsets[0].get<std::uint64_t>(),
                       offsets[1].get<std::uint64_t>(), type_name == "F64"};
    std::uint64_t bytes = entry.is_f64 ? 8 : 4;
    bool const has_zero = std::find(entry.shape.begin(), entry.shape.end(), 0u) != entry.shape.end();
    for (auto const extent : entry.shape) {
      if (has_zero) {
        bytes = 0;
      } else if (__builtin_mul_overflow(bytes, extent, &bytes)) {
        return fail("has a shape that is too large for a computer");
      }
    }
    if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
      return fail("has offsets " + std::to_string(entry.begin) + ".." + std::to_string(entry.end) +
                  " where its shape takes " + std::to_string(bytes) + " bytes");
    }
    entries.push_back(std::move(entry));
    return {};
  }

  static bool is_sizes(nlohmann::json const& list) {
    return list.is_array() && std::all_of(list.begin(), list.end(),
                                          [](auto const& number) { return number.is_number_unsigned(); });
  }

  // The tensors must fill the bytes behind the header without hole, overlap or rest.
  result<void> check_layout(std::uint64_t data_size) {
    std::sort(entries.begin(), entries.end(), [](tensor_entry const& a, tensor_entry const& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    std::uint64_t at = 0;
    for (auto const& entry : entries) {
      if (entry.end > data_size) {
        return calotype::error{"the tensor '" + entry.name + "' ends at byte " + std::to_string(entry.end) +
                               " of the values, but there are " + std::to_string(data_size)};
      }
      if (entry.begin != at) {
        return calotype::error{"the tensor '" + entry.name + "' " +
                               (entry.begin < at ? "overlaps another" : "leaves a hole before it")};
      }
      at = entry.end;
    }
    if (at != data_size) {
      return calotype::error{"there are " + std::to_string(data_size - at) + " bytes that belong to no tensor"};
    }
    return {};
  }
};

}  // namespace detail

// Reads a whole file. Fails if it is missing or cut short, or if anything in its header is not exactly so:
// sizes beyond the file (nothing is reserved on a header's word), offsets out of range, overlapping or with
// holes, shapes that disagree with them, repeated names, types other than F32 and F64, text that is not JSON in
// UTF-8. Values may be anything, NaN included.
inline result<tensor_file> read_safetensors(std::string const& path) {
  auto const damaged = [&](std::string what) {
    return calotype::error{std::move(what), path, "write or fetch the file again"};
  };
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::fopen(path.c_str(), "rb"), &std::fclose);
  struct stat found {};
  if (!file || ::fstat(::fileno(file.get()), &found) != 0) {
    return calotype::error{"the file cannot be read (" + detail::system_reason(errno) + ")", path,
                           "check the name"};
  }
  if (!S_ISREG(found.st_mode))
    return calotype::error{"this is not a plain file", path, "name a safetensors file"};
  auto const size = static_cast<std::uint64_t>(found.st_size);
  auto const read = [&](void* into, std::size_t bytes) {
    return std::fread(into, 1, bytes, file.get()) == bytes;
  };

  std::uint64_t header_size = 0;
  if (size < sizeof header_size || !read(&header_size, sizeof header_size)) {
    return damaged("this is not a safetensors file, it is too short");
  }
  constexpr std::uint64_t longest_header = 100'000'000;  // the format's own limit
  if (header_size > size - sizeof header_size || header_size > longest_header) {
    return damaged("this is not a safetensors file, or it is cut short: its header claims " +
                   std::to_string(header_size) + " bytes");
  }
  std::string text(static_cast<std::size_t>(header_size), '\0');
  if (!read(text.data(), text.size())) return damaged("the header cannot be read");
  auto header = detail::safetensors_header::parse(text, size - sizeof header_size - header_size);
  if (!header) return damaged(header.error()->what);

  tensor_file result{.metadata = std::move(header->metadata)};
  std::vector<double> doubles;
  for (auto& entry : header->entries) {
    auto const bytes = static_cast<std::size_t>(entry.end - entry.begin);
    tensor t{std::move(entry.name), std::move(entry.shape), {}, entry.is_f64};
    bool complete = false;
    if (entry.is_f64) {
      doubles.resize(bytes / sizeof(double));
      complete = read(doubles.data(), bytes);
      t.values.resize(doubles.size());
      std::transform(doubles.begin(), doubles.end(), t.values.begin(),
                     [](double v) { return static_cast<float>(v); });
    } else {
      t.values.resize(bytes / sizeof(float));
      complete = read(t.values.data(), bytes);
    }
    if (!complete) return damaged("the values of the tensor '" + t.name + "' cannot be read");
    result.tensors.push_back(std::move(t));
  }
  return result;
}

// Writes F32 tensors in the given order, values aligned to 8 bytes; the same content gives the same bytes. The
// file appears whole or not at all.
inline result<void> write_safetensors(std::string const& path, std::span<tensor_view const> tensors,
                                      std::map<std::string, std::string> const& metadata = {},
                                      output_options options = {}) {
  auto const refuse = [&](std::string what) {
    return calotype::error{std::move(what), path, "correct the tensors to be written"};
  };
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (auto const& [key, text] : metadata) {
    if (!detail::is_utf8(key) || !detail::is_utf8(text)) return refuse("the metadata are not in UTF-8");
  }
  std::set<std::string_view> names;
  std::uint64_t at = 0;
  for (auto const& t : tensors) {
    std::uint64_t count = 1;
    for (auto const extent : t.shape) count *= extent;
    if (count != t.values.size())
      return refuse("the shape of the tensor '" + t.name + "' disagrees with its values");
    if (t.name == "__metadata__" || !detail::is_utf8(t.name) || !names.insert(t.name).second) {
      return refuse("the name of the tensor '" + t.name + "' is reserved, repeated or not in UTF-8");
    }
    auto const end = at + t.values.size_bytes();
    header[t.name] = {{"dtype", "F32"}, {"shape", t.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::uint64_t const header_size = text.size();

  auto output = output_file::create(path, options);
  if (!output) return *output.error();
  if (auto outcome = output->write(std::as_bytes(std::span(&header_size, 1))); !outcome) return outcome;
  if (auto outcome = output->write(text); !outcome) return outcome;
  for (auto const& t : tensors) {
    if (auto outcome = output->write(std::as_bytes(t.values)); !outcome) return outcome;
  }
  return output->commit();
}

}  // namespace calotype::io
