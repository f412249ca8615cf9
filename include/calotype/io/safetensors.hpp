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

// What a file's header says of a tensor; its values are at begin .. end, counted in bytes from the first value.
struct tensor_entry {
  std::string name;
  std::vector<std::uint64_t> shape{};
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool is_f64 = false;

  // Numbers in it.
  std::uint64_t size() const noexcept { return (end - begin) / (is_f64 ? 8 : 4); }
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
    if (type_ != "F32" && type_ != "F64") return fail("has the type " + type_ + "; F32 and F64 are read");
    if (offsets_.size() != 2) return fail("has a shape or offsets that are no whole numbers");
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    entry_.is_f64 = type_ == "F64";
    std::uint64_t bytes = entry_.is_f64 ? 8 : 4;
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
// disagree with them, repeated names, types other than F32 and F64, text that is not JSON in UTF-8.
class safetensors_file {
 public:
  static result<safetensors_file> open(std::string const& path) {
    safetensors_file opened(path);
    struct stat found {};
    if (!opened.file_ || ::fstat(::fileno(opened.file_.get()), &found) != 0) {
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
    auto const bytes = static_cast<std::size_t>(entry.end - entry.begin);
    bool complete = ::fseeko(file_.get(), static_cast<::off_t>(values_at_ + entry.begin), SEEK_SET) == 0;
    std::vector<float> values;
    if (entry.is_f64) {
      std::vector<double> doubles(bytes / sizeof(double));
      complete = complete && read_bytes(doubles.data(), bytes);
      values.resize(doubles.size());
      std::transform(doubles.begin(), doubles.end(), values.begin(),
                     [](double v) { return static_cast<float>(v); });
    } else {
      values.resize(bytes / sizeof(float));
      complete = complete && read_bytes(values.data(), bytes);
    }
    if (!complete) return damaged("the values of the tensor '" + entry.name + "' cannot be read");
    return values;
  }

 private:
  explicit safetensors_file(std::string const& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {}

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
    all.tensors.push_back({entry.name, entry.shape, std::move(*values), entry.is_f64});
  }
  return all;
}

// Writes F32 tensors in the given order, values aligned to 8 bytes; the same content gives the same bytes. The
// file appears whole or not at all.
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
      if (!detail::is_utf8(key) || !detail::is_utf8(value)) return refuse("the metadata are not in UTF-8");
      put(text.back() == '{' ? "" : ",", quoted(key), ":", quoted(value));
    }
    put("}");
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
    put(text.size() > 1 ? "," : "", quoted(t.name), R"(:{"dtype":"F32","shape":[)");
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
    if (auto outcome = output->write(std::as_bytes(t.values)); !outcome) return outcome;
  }
  return output->commit();
}

}  // namespace calotype::io
