// Arrays in NumPy's .npz archives: read as streams, written row by row; whole arrays need not fit in memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/io/detail/npy.hpp>
#include <calotype/io/detail/zip.hpp>
#include <calotype/io/output.hpp>

namespace calotype::io {

static_assert(std::endian::native == std::endian::little,
              "calotype::io: the formats are little-endian, and so must be the machine");

// The element types of arrays.
template <class T>
concept npy_number = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int32_t> ||
    std::same_as<T, std::int64_t> || std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t> ||
    std::same_as<T, std::uint8_t>;

template <npy_number T>
constexpr npy_type npy_type_of() noexcept {
  if constexpr (std::same_as<T, float>) return npy_type::f4;
  if constexpr (std::same_as<T, double>) return npy_type::f8;
  if constexpr (std::same_as<T, std::int32_t>) return npy_type::i4;
  if constexpr (std::same_as<T, std::int64_t>) return npy_type::i8;
  if constexpr (std::same_as<T, std::uint32_t>) return npy_type::u4;
  if constexpr (std::same_as<T, std::uint64_t>) return npy_type::u8;
  if constexpr (std::same_as<T, std::uint8_t>) return npy_type::u1;
}

// An array of an archive, without its values.
struct npz_array {
  std::string name;
  npy_type type = npy_type::f4;
  std::vector<std::uint64_t> shape{};

  std::uint64_t size() const noexcept { return detail::element_count(shape); }
  std::uint64_t rows() const noexcept { return shape.empty() ? 1 : shape[0]; }
};

// The values of one array in C order, as numbers of type T. The file it comes from must stay open.
template <npy_number T>
class npz_stream {
 public:
  npz_array const& array() const noexcept { return array_; }
  // Values not read yet.
  std::uint64_t left() const noexcept { return left_; }

  // Fills `values` with the next ones. Another stored type is converted: to floating point with rounding, to an
  // integer only if every value is that integer, else it is an error. Reading the last value verifies the
  // checksum.
  result<void> read(std::span<T> values) {
    if (values.size() > left_) {
      return calotype::error{"the array ends too early", where_,
                             "it has " + std::to_string(array_.size()) + " values"};
    }
    left_ -= values.size();
    if (array_.type == npy_type_of<T>()) return bytes_.read(std::as_writable_bytes(values));
    switch (array_.type) {
      case npy_type::f4:
        return convert<float>(values);
      case npy_type::f8:
        return convert<double>(values);
      case npy_type::i4:
        return convert<std::int32_t>(values);
      case npy_type::i8:
        return convert<std::int64_t>(values);
      case npy_type::u4:
        return convert<std::uint32_t>(values);
      case npy_type::u8:
        return convert<std::uint64_t>(values);
      case npy_type::u1:
        return convert<std::uint8_t>(values);
      case npy_type::unread:
        break;  // no stream is made of these
    }
    return {};
  }

  // Passes over values.
  result<void> skip(std::uint64_t count) {
    std::array<T, 512> buffer;
    while (count > 0) {
      auto const part = std::min<std::uint64_t>(count, buffer.size());
      if (auto outcome = read(std::span(buffer).first(static_cast<std::size_t>(part))); !outcome)
        return outcome;
      count -= part;
    }
    return {};
  }

 private:
  friend class npz_file;
  npz_stream(npz_array array, std::string where, detail::zip_stream bytes)
      : array_(std::move(array)), where_(std::move(where)), bytes_(std::move(bytes)), left_(array_.size()) {}

  template <class Stored>
  result<void> convert(std::span<T> values) {
    std::array<Stored, 1024> buffer;
    while (!values.empty()) {
      auto const part = std::span(buffer).first(std::min(values.size(), buffer.size()));
      if (auto outcome = bytes_.read(std::as_writable_bytes(part)); !outcome) return outcome;
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (!represent(part[i], values[i])) {
          return calotype::error{"the array holds a value that is no " + std::string(name_of(npy_type_of<T>())),
                                 where_, "it is stored as " + std::string(name_of(array_.type))};
        }
      }
      values = values.subspan(part.size());
    }
    return {};
  }

  template <class Stored>
  static bool represent(Stored from, T& to) noexcept {
    if constexpr (std::floating_point<T>) {
      to = static_cast<T>(from);
      return true;
    } else if constexpr (std::floating_point<Stored>) {
      constexpr double beyond = 2.0 * static_cast<double>(T{1} << (std::numeric_limits<T>::digits - 1));
      double const value = from;
      if (!(value >= static_cast<double>(std::numeric_limits<T>::min()) && value < beyond)) return false;
      to = static_cast<T>(value);
      return static_cast<double>(to) == value;
    } else {
      if (!std::in_range<T>(from)) return false;
      to = static_cast<T>(from);
      return true;
    }
  }

  npz_array array_;
  std::string where_;
  detail::zip_stream bytes_;
  std::uint64_t left_ = 0;
};

// An open .npz archive. Not for concurrent use.
class npz_file {
 public:
  std::string const& path() const noexcept { return archive_->path(); }
  // Every array of the archive, in its order.
  std::span<npz_array const> arrays() const noexcept { return arrays_; }
  // The array of that name, or null.
  npz_array const* find(std::string_view name) const noexcept {
    auto const found =
        std::find_if(arrays_.begin(), arrays_.end(), [&](auto const& a) { return a.name == name; });
    return found != arrays_.end() ? &*found : nullptr;
  }

  // The values of an array, piece by piece; several streams may be read in turn.
  template <npy_number T>
  result<npz_stream<T>> stream(std::string_view name) const {
    auto const* const array = find(name);
    if (array == nullptr) {
      return calotype::error{"there is no array '" + std::string(name) + "'", path(), "it has " + list()};
    }
    auto const& member = archive_->members()[members_[static_cast<std::size_t>(array - arrays_.data())]];
    auto opened = open_array(*archive_, member);
    if (!opened) return *opened.error();
    if (!opened->first.problem.empty()) return refused(opened->first.problem, archive_->where(member));
    return npz_stream<T>(*array, archive_->where(member), std::move(opened->second));
  }

  // All values of an array.
  template <npy_number T>
  result<std::vector<T>> read(std::string_view name) const {
    auto values = stream<T>(name);
    if (!values) return *values.error();
    std::vector<T> all(static_cast<std::size_t>(values->left()));
    if (auto outcome = values->read(all); !outcome) return *outcome.error();
    return all;
  }

 private:
  friend result<npz_file> open_npz(std::string path);
  explicit npz_file(detail::zip_archive archive)
      : archive_(std::make_unique<detail::zip_archive>(std::move(archive))) {}

  static calotype::error refused(std::string what, std::string where) {
    return {std::move(what), std::move(where), "write it with numpy.savez or calotype"};
  }

  // The header of an array and its bytes behind it.
  static result<std::pair<detail::npy_header, detail::zip_stream>> open_array(
      detail::zip_archive const& archive, detail::zip_member const& member) {
    auto const fail = [&](std::string what) { return refused(std::move(what), archive.where(member)); };
    auto stream = archive.stream(member);
    if (!stream) return *stream.error();
    std::array<unsigned char, detail::npy_prefix_size + 2> prefix{};
    auto const bytes = std::as_writable_bytes(std::span(prefix));
    if (stream->left() < detail::npy_prefix_size) return fail("this member is no array");
    if (auto outcome = stream->read(bytes.first(detail::npy_prefix_size)); !outcome) return *outcome.error();
    constexpr unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    if (std::memcmp(prefix.data(), magic, sizeof magic) != 0) return fail("this member is no array");
    int const version = prefix[6];
    if (version < 1 || version > 3) {
      return fail("the array's format version " + std::to_string(version) + " is not known");
    }
    std::size_t length = prefix[8] + std::size_t{256} * prefix[9];
    if (version > 1) {
      if (stream->left() < 2) return fail("the array is cut short");
      if (auto outcome = stream->read(bytes.subspan(detail::npy_prefix_size)); !outcome)
        return *outcome.error();
      length += std::size_t{65536} * prefix[10] + std::size_t{16777216} * prefix[11];
    }
    constexpr std::size_t longest_header = 1 << 16;
    if (length > longest_header || length > stream->left()) return fail("the array has a malformed header");
    std::string text(length, '\0');
    if (auto outcome = stream->read(std::as_writable_bytes(std::span(text))); !outcome) return *outcome.error();
    auto header = detail::npy_header_parser(text).parse();
    if (!header) return fail(header.error()->what);
    if (!header->problem.empty()) return std::pair(std::move(*header), std::move(*stream));
    auto const count = detail::element_count(header->shape);
    if (count > stream->left() || count * size_of(header->type) != stream->left()) {
      return fail("the array's shape does not agree with its size of " + std::to_string(stream->left()) +
                  " bytes");
    }
    return std::pair(std::move(*header), std::move(*stream));
  }

  std::string list() const {
    std::string names;
    for (auto const& array : arrays_) names += (names.empty() ? "" : ", ") + array.name;
    return names;
  }

  std::unique_ptr<detail::zip_archive> archive_;
  std::vector<npz_array> arrays_{};
  std::vector<std::size_t> members_{};  // where each array lies in the archive
};

// Opens an archive and reads the header of every array in it. Fails for archives that hold anything else, names
// that occur twice, shapes that do not agree with the sizes. Arrays of other types, in Fortran order or
// big-endian are refused when their values are asked for.
inline result<npz_file> open_npz(std::string path) {
  auto archive = detail::zip_archive::open(std::move(path));
  if (!archive) return *archive.error();
  npz_file file(std::move(*archive));
  auto const members = file.archive_->members();
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::string_view name = members[i].name;
    if (!name.ends_with(".npy")) {
      return calotype::error{"this member is no array", file.archive_->where(members[i]), "give an .npz file"};
    }
    name.remove_suffix(4);
    if (file.find(name) != nullptr) {
      return calotype::error{"the array occurs twice", file.archive_->where(members[i]),
                             "write the file again"};
    }
    auto opened = npz_file::open_array(*file.archive_, members[i]);
    if (!opened) return *opened.error();
    file.arrays_.push_back({std::string(name), opened->first.type, std::move(opened->first.shape)});
    file.members_.push_back(i);
  }
  if (members.empty()) return calotype::error{"the archive holds no arrays", file.path(), "give an .npz file"};
  return file;
}

struct npz_options {
  bool force = false;     // replace an existing file
  bool compress = false;  // deflate; images are mostly zeros and shrink fifty-fold, at the price of time
};

// An array being written by an `npz_writer`.
template <npy_number T>
struct npz_column {
  std::size_t index = 0;
};

// Writes an archive row by row: each array gathers in an unnamed file beside the target, `close` puts them
// together. Until then the target is untouched; a writer that goes away unclosed leaves nothing behind. Memory
// does not grow with the data, and the same data give the same bytes. The first error is kept: everything after
// it does nothing and returns it again. Not for concurrent use.
class npz_writer {
 public:
  static result<npz_writer> create(std::string path, npz_options options = {}) {
    auto output = output_file::create(std::move(path), {.force = options.force});
    if (!output) return *output.error();
    return npz_writer(std::move(*output), options.compress);
  }

  std::string const& path() const noexcept { return path_; }

  // A new array of shape (rows, trailing...); `append` decides on the rows.
  template <npy_number T>
  npz_column<T> add(std::string name, std::vector<std::uint64_t> trailing = {}) {
    column_state column{.name = std::move(name), .row_size = detail::element_count(trailing)};
    column.header.type = npy_type_of<T>();
    column.header.shape = std::move(trailing);
    column.header.shape.insert(column.header.shape.begin(), 0);
    std::string spool;
    int const descriptor = detail::create_beside(path_, "." + std::to_string(columns_.size()), spool);
    if (descriptor < 0) {
      keep(detail::write_error(path_, errno));
    } else {
      ::unlink(spool.c_str());
      column.bytes = detail::buffered_descriptor(descriptor);
      auto const header = detail::format_npy_header(column.header);
      column.bytes.append(std::as_bytes(std::span(header)));
    }
    columns_.push_back(std::move(column));
    return {columns_.size() - 1};
  }

  // Adds whole rows to an array: a vector, an array, anything that is a span of its numbers.
  template <npy_number T>
  result<void> append(npz_column<T> column, std::type_identity_t<std::span<T const>> values) {
    if (problem_) return *problem_;
    auto& state = columns_[column.index];
    if (state.row_size == 0 || values.size() % state.row_size != 0) {
      return keep({"the values appended to the array '" + state.name + "' are no whole number of rows", path_,
                   "a row has " + std::to_string(state.row_size) + " values"});
    }
    state.header.shape[0] += values.size() / state.row_size;
    if (int const code = state.bytes.append(std::as_bytes(values))) {
      return keep(detail::write_error(path_, code));
    }
    return {};
  }
  // Adds one value to an array of single values.
  template <npy_number T>
  result<void> append(npz_column<T> column, std::type_identity_t<T> value) {
    return append(column, std::span<T const>(&value, 1));
  }

  // Puts the archive in its place. Nothing may be appended afterwards.
  result<void> close() {
    if (!problem_) pack();
    if (!problem_) {
      if (auto outcome = output_.commit(); !outcome) keep(*outcome.error());
    }
    if (problem_) {
      auto const discarded = std::move(output_);
      return *problem_;
    }
    return {};
  }

 private:
  struct column_state {
    std::string name;
    std::uint64_t row_size = 1;
    detail::npy_header header{};
    detail::buffered_descriptor bytes{};
  };

  npz_writer(output_file output, bool compress)
      : path_(output.path()), output_(std::move(output)), compress_(compress) {}

  void pack() {
    int code = 0;
    std::unique_ptr<zip_t, detail::zip_closer> archive(
        zip_open(output_.temporary().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
    if (!archive) {
      keep(detail::write_error(path_, errno));
      return;
    }
    for (auto& column : columns_) {
      auto const header = detail::format_npy_header(column.header);
      column.bytes.overwrite_start(std::as_bytes(std::span(header)));
      if (int const failure = column.bytes.flush()) {
        keep(detail::write_error(path_, failure));
        return;
      }
      std::FILE* const spool = ::fdopen(column.bytes.release(), "rb");
      if (spool == nullptr || !add(*archive, column.name + ".npy", spool)) {
        keep(zip_failure(*archive));
        return;
      }
    }
    detail::file_size_signal_held const held;
    if (zip_close(archive.get()) != 0) {
      keep(zip_failure(*archive));
    } else {
      static_cast<void>(archive.release());
    }
  }

  // Hands an array's file over to the archive, which reads it from where it stands.
  bool add(zip_t& archive, std::string const& name, std::FILE* spool) const {
    std::rewind(spool);
    auto* const source = zip_source_filep(&archive, spool, 0, -1);
    if (source == nullptr) {
      std::fclose(spool);
      return false;
    }
    auto const index = zip_file_add(&archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      return false;
    }
    auto const entry = static_cast<zip_uint64_t>(index);
    constexpr zip_uint16_t first_day =
        (1 << 5) | 1;  // 1 January 1980, so that the bytes do not depend on the clock
    return zip_set_file_compression(&archive, entry, compress_ ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(&archive, entry, 0, first_day, 0) == 0;
  }

  calotype::error zip_failure(zip_t& archive) const {
    auto* const reason = zip_get_error(&archive);
    int const system = zip_error_code_system(reason);
    if (system != 0) return detail::write_error(path_, system);
    return {std::string("could not write the archive (") + zip_error_strerror(reason) + ")", path_,
            "nothing was left behind"};
  }

  calotype::error const& keep(calotype::error e) {
    if (!problem_) problem_ = std::move(e);
    return *problem_;
  }

  std::string path_;
  output_file output_;
  bool compress_ = false;
  std::vector<column_state> columns_{};
  std::optional<calotype::error> problem_{};
};

}  // namespace calotype::io
