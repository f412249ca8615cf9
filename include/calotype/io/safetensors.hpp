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

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <calotype/core/half.hpp>
#include <calotype/core/result.hpp>
#include <calotype/core/utf8.hpp>
#include <calotype/io/output.hpp>

namespace calotype::io {

static_assert(std::endian::native == std::endian::little,
              "calotype::io: the formats are little-endian, and so must be the machine");

// How a file stores numbers; F16 and BF16 are those of core/half.hpp.
enum class number_type : unsigned char { f16, bf16, f32, f64 };

// As the format calls it.
constexpr std::string_view name_of(number_type t) {
  constexpr std::array<std::string_view, 4> names{"F16", "BF16", "F32", "F64"};
  return names[static_cast<std::size_t>(t)];
}
constexpr std::size_t bytes_of(number_type t) {
  return t == number_type::f64 ? 8 : t == number_type::f32 ? 4 : 2;
}

// The number that is left when x is stored.
inline float rounded_to(number_type t, float x) {
  return t == number_type::f16    ? binary16::value(binary16::rounded(x))
         : t == number_type::bf16 ? bfloat16::value(bfloat16::rounded(x))
                                  : x;
}

// A tensor in C order. F64 values are rounded to single precision when they are read.
struct tensor {
  std::string name;
  std::vector<std::uint64_t> shape{};  // empty for a single number
  std::vector<float> values{};
  number_type stored = number_type::f32;
};

// A tensor to be written; the values stay where they are.
struct tensor_view {
  std::string name;
  std::vector<std::uint64_t> shape{};
  std::span<float const> values{};
  number_type stored = number_type::f32;
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

// What a file's header says of a tensor; its values are at begin .. end, counted in bytes from the first value.
struct tensor_entry {
  std::string name;
  std::vector<std::uint64_t> shape{};
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  number_type stored = number_type::f32;

  // Numbers in it.
  std::uint64_t size() const noexcept { return (end - begin) / bytes_of(stored); }
};

namespace detail {

// The header of a file, read token by token and checked against the number of bytes that follow it. Messages
// have no place yet. Through nlohmann's interface, not as a template argument of its parser: one parser serves
// all of calotype's formats, which halves what they cost to compile.
class safetensors_header final : public nlohmann::json_sax<nlohmann::json> {
 public:
  static result<safetensors_header> parse(std::string const& text, std::uint64_t data_size) {
    safetensors_header header;
    if (!nlohmann::json::sax_parse(text, static_cast<nlohmann::json_sax<nlohmann::json>*>(&header))) {
      return calotype::error{std::move(header.problem_)};
    }
    if (auto outcome = header.check_layout(data_size); !outcome) return *outcome.error();
    return header;
  }

  std::map<std::string, std::string> metadata{};
  std::vector<tensor_entry> entries{};  // by rising offset

  bool null() override { return wrong_value(); }
  bool boolean(bool) override { return wrong_value(); }
  bool number_integer(number_integer_t) override { return wrong_value(); }
  bool number_float(number_float_t, string_t const&) override { return wrong_value(); }
  bool binary(binary_t&) override { return wrong_value(); }

  bool number_unsigned(number_unsigned_t number) override {
    if (depth_ != 3) return wrong_value();
    (field_ == field::shape ? entry_.shape : offsets_).push_back(number);
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ == 2 && field_ == field::metadata) { return metadata.emplace(key_, text).second || twice(key_); }
    if (depth_ != 2 || field_ != field::type) return wrong_value();
    type_ = text;
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ >= 2) return wrong_value();
    ++depth_;
    return true;
  }
  bool key(string_t& name) override {
    key_ = name;
    if (depth_ == 1) {
      if (!names_.insert(name).second) return twice(name);
      field_ = name == "__metadata__" ? field::metadata : field::none;
      entry_ = {.name = name};
      offsets_.clear();
      seen_ = {};
    } else if (field_ != field::metadata) {
      field_ = name == "dtype"          ? field::type
               : name == "shape"        ? field::shape
               : name == "data_offsets" ? field::offsets
                                        : field::none;
      if (field_ == field::none) return undescribed();
      if (std::exchange(seen_[static_cast<std::size_t>(field_)], true)) return twice(name);
    }
    return true;
  }
  bool end_object() override { return --depth_ != 1 || entry_.name == "__metadata__" || finish_entry(); }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || (field_ != field::shape && field_ != field::offsets)) return wrong_value();
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t, std::string const&, nlohmann::json::exception const&) override {
    return refuse("the header is not a JSON object");
  }

 private:
  enum class field : unsigned char { type, shape, offsets, metadata, none };

  bool refuse(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
    return false;
  }
  bool fail(std::string const& what) { return refuse("the tensor '" + entry_.name + "' " + what); }
  bool twice(std::string const& name) { return refuse("the name '" + name + "' occurs twice in the header"); }
  bool undescribed() { return fail("is not described by dtype, shape and data_offsets"); }
  // A value that has no business where it stands.
  bool wrong_value() {
    if (depth_ == 0) return refuse("the header is not a JSON object");
    if (field_ == field::metadata && depth_ == 1) return refuse("the metadata are no JSON object");
    if (field_ == field::metadata) return refuse("the metadata entry '" + key_ + "' is no text");
    if (depth_ == 1) return undescribed();
    if (field_ == field::type) return fail("has no type");
    return fail("has a shape or offsets that are no whole numbers");
  }

  bool finish_entry() {
    if (!seen_[0] || !seen_[1] || !seen_[2]) return undescribed();
    using enum number_type;
    constexpr std::array types{f16, bf16, f32, f64};
    auto const type = std::find_if(types.begin(), types.end(), [&](auto t) { return name_of(t) == type_; });
    if (type == types.end()) return fail("has the type " + type_ + "; F16, BF16, F32 and F64 are read");
    if (offsets_.size() != 2) return fail("has a shape or offsets that are no whole numbers");
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    entry_.stored = *type;
    std::uint64_t bytes = bytes_of(*type);
    bool const has_zero = std::find(entry_.shape.begin(), entry_.shape.end(), 0u) != entry_.shape.end();
    for (auto const extent : entry_.shape) {
      if (has_zero) {
        bytes = 0;
      } else if (__builtin_mul_overflow(bytes, extent, &bytes)) {
        return fail("has a shape that is too large for a computer");
      }
    }
    if (entry_.begin > entry_.end || entry_.end - entry_.begin != bytes) {
      return fail("has offsets " + std::to_string(entry_.begin) + ".." + std::to_string(entry_.end) +
                  " where its shape takes " + std::to_string(bytes) + " bytes");
    }
    entries.push_back(std::move(entry_));
    return true;
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

  int depth_ = 0;  // 1 the root, 2 a tensor or the metadata, 3 a list of numbers
  field field_ = field::none;
  std::set<std::string> names_{};
  std::string key_{};
  tensor_entry entry_{};  // being read, with its type and offsets
  std::string type_{};
  std::vector<std::uint64_t> offsets_{};
  std::array<bool, 3> seen_{};
  std::string problem_{};
};

}  // namespace detail

// A file that is open for reading: its header, checked in full, and its values one tensor at a time. Opening
// fails if the file is missing or cut short, or if anything in its header is not exactly so: sizes beyond the
// file (nothing is reserved on a header's word), offsets out of range, overlapping or with holes, shapes that
// disagree with them, repeated names, types other than the four, text that is not JSON in UTF-8.
class safetensors_file {
 public:
  static result<safetensors_file> open(std::string const& path) {
    safetensors_file opened(path);
    // Without waiting, as a pipe would make it.
    int const descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0) opened.file_.reset(::fdopen(descriptor, "rb"));
    struct stat found {};
    if (!opened.file_ || ::fstat(descriptor, &found) != 0) {
      return calotype::error{"the file cannot be read (" + detail::system_reason(errno) + ")", path,
                             "check the name"};
    }
    if (!S_ISREG(found.st_mode))
      return calotype::error{"this is not a plain file", path, "name a safetensors file"};
    auto const size = static_cast<std::uint64_t>(found.st_size);

    std::uint64_t header_size = 0;
    if (size < sizeof header_size || !opened.read_bytes(&header_size, sizeof header_size)) {
      return opened.damaged("this is not a safetensors file, it is too short");
    }
    constexpr std::uint64_t longest_header = 100'000'000;  // the format's own limit
    if (header_size > size - sizeof header_size || header_size > longest_header) {
      return opened.damaged("this is not a safetensors file, or it is cut short: its header claims " +
                            std::to_string(header_size) + " bytes");
    }
    std::string text(static_cast<std::size_t>(header_size), '\0');
    if (!opened.read_bytes(text.data(), text.size())) return opened.damaged("the header cannot be read");
    opened.values_at_ = sizeof header_size + header_size;
    auto header = detail::safetensors_header::parse(text, size - opened.values_at_);
    if (!header) return opened.damaged(header.error()->what);
    opened.metadata_ = std::move(header->metadata);
    opened.entries_ = std::move(header->entries);
    return opened;
  }

  std::string const& path() const noexcept { return path_; }
  std::map<std::string, std::string> const& metadata() const noexcept { return metadata_; }
  std::vector<tensor_entry> const& entries() const noexcept { return entries_; }  // by rising offset

  // The values of one of the entries; they may be anything, NaN included.
  result<std::vector<float>> read(tensor_entry const& entry) {
    bool complete = ::fseeko(file_.get(), static_cast<::off_t>(values_at_ + entry.begin), SEEK_SET) == 0;
    std::vector<float> values(static_cast<std::size_t>(entry.size()));
    auto const read_as = [&]<class Number>(Number, auto value) {
      std::vector<Number> numbers(values.size());
      complete = complete && read_bytes(numbers.data(), numbers.size() * sizeof(Number));
      std::transform(numbers.begin(), numbers.end(), values.begin(), value);
    };
    switch (entry.stored) {
      case number_type::f16:
        read_as(std::uint16_t{}, [](std::uint16_t bits) { return binary16::value(bits); });
        break;
      case number_type::bf16:
        read_as(std::uint16_t{}, [](std::uint16_t bits) { return bfloat16::value(bits); });
        break;
      case number_type::f32:
        complete = complete && read_bytes(values.data(), values.size() * sizeof(float));
        break;
      case number_type::f64:
        read_as(double{}, [](double v) { return static_cast<float>(v); });
        break;
    }
    if (!complete) return damaged("the values of the tensor '" + entry.name + "' cannot be read");
    return values;
  }

 private:
  explicit safetensors_file(std::string const& path) : path_(path) {}

  bool read_bytes(void* into, std::size_t bytes) { return std::fread(into, 1, bytes, file_.get()) == bytes; }
  calotype::error damaged(std::string what) const {
    return {std::move(what), path_, "write or fetch the file again"};
  }

  struct closer {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, closer> file_;
  std::uint64_t values_at_ = 0;
  std::map<std::string, std::string> metadata_{};
  std::vector<tensor_entry> entries_{};
};

// Reads a whole file.
inline result<tensor_file> read_safetensors(std::string const& path) {
  auto file = safetensors_file::open(path);
  if (!file) return *file.error();
  tensor_file all{.metadata = file->metadata()};
  for (auto const& entry : file->entries()) {
    auto values = file->read(entry);
    if (!values) return *values.error();
    all.tensors.push_back({entry.name, entry.shape, std::move(*values), entry.stored});
  }
  return all;
}

// Writes tensors in the given order, the first one aligned to 8 bytes; the same content gives the same bytes.
// Nothing is rounded: a number that the tensor's type does not have (rounded_to makes it one) is refused; a NaN
// stays one. The file appears whole or not at all.
inline result<void> write_safetensors(std::string const& path, std::span<tensor_view const> tensors,
                                      std::map<std::string, std::string> const& metadata = {},
                                      output_options options = {}) {
  auto const refuse = [&](std::string what) {
    return calotype::error{std::move(what), path, "correct the tensors to be written"};
  };
  std::string text = "{";
  // One piece after the other: g++ 12 warns of sums of texts at -O3.
  auto const put = [&text](auto const&... piece) { ((text += piece), ...); };
  auto const quoted = [](std::string const& plain) { return nlohmann::json(plain).dump(); };
  if (!metadata.empty()) {
    put("\"__metadata__\":{");
    for (auto const& [key, value] : metadata) {
      if (!is_utf8(key) || !is_utf8(value)) {
        return calotype::error{"the metadata entry '" + as_utf8(key) + "' is not in UTF-8", path,
                               "correct its text"};
      }
      put(text.back() == '{' ? "" : ",", quoted(key), ":", quoted(value));
    }
    put("}");
  }
  std::set<std::string_view> names;
  std::uint64_t at = 0;
  for (auto const& t : tensors) {
    std::uint64_t count = 1;
    bool fits = true;
    for (auto const extent : t.shape) fits = !__builtin_mul_overflow(count, extent, &count) && fits;
    bool const is_empty = std::find(t.shape.begin(), t.shape.end(), 0u) != t.shape.end();
    if (is_empty ? !t.values.empty() : !fits || count != t.values.size())
      return refuse("the shape of the tensor '" + t.name + "' disagrees with its values");
    if (t.name == "__metadata__" || !is_utf8(t.name) || !names.insert(t.name).second) {
      return refuse("the name of the tensor '" + t.name + "' is reserved, repeated or not in UTF-8");
    }
    for (float const x : t.values) {
      if (!(rounded_to(t.stored, x) == x) && !std::isnan(x)) {
        return refuse("the tensor '" + t.name + "' holds a number that is none of " +
                      std::string(name_of(t.stored)));
      }
    }
    auto const end = at + t.values.size() * bytes_of(t.stored);
    put(text.size() > 1 ? "," : "", quoted(t.name), R"(:{"dtype":")", name_of(t.stored), R"(","shape":[)");
    for (auto const& extent : t.shape) put(&extent == t.shape.data() ? "" : ",", std::to_string(extent));
    put(R"(],"data_offsets":[)", std::to_string(at), ",", std::to_string(end), "]}");
    at = end;
  }
  put("}");
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::uint64_t const header_size = text.size();

  auto output = output_file::create(path, options);
  if (!output) return *output.error();
  if (auto outcome = output->write(std::as_bytes(std::span(&header_size, 1))); !outcome) return outcome;
  if (auto outcome = output->write(text); !outcome) return outcome;
  for (auto const& t : tensors) {
    auto const write_as = [&](auto bits) {
      std::vector<decltype(bits(0.F))> numbers(t.values.size());
      std::transform(t.values.begin(), t.values.end(), numbers.begin(), bits);
      return output->write(std::as_bytes(std::span(numbers)));
    };
    result<void> outcome;
    switch (t.stored) {
      case number_type::f16:
        outcome = write_as([](float x) { return binary16::rounded(x); });
        break;
      case number_type::bf16:
        outcome = write_as([](float x) { return bfloat16::rounded(x); });
        break;
      case number_type::f32:
        outcome = output->write(std::as_bytes(t.values));
        break;
      case number_type::f64:
        outcome = write_as([](float x) { return double{x}; });
        break;
    }
    if (!outcome) return outcome;
  }
  return output->commit();
}

}  // namespace calotype::io
