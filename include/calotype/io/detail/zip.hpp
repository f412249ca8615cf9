// Reading zip archives: members listed once, read as streams, every failure a sentence.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <zip.h>

#include <calotype/core/result.hpp>

namespace calotype::io::detail {

struct zip_closer {
  void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
  void operator()(zip_file_t* member) const noexcept { zip_fclose(member); }
};

struct zip_member {
  std::string name;
  std::uint64_t index = 0;
  std::uint64_t size = 0;  // unpacked, as the archive claims; never more than its packed bytes could hold
};

// The unpacked bytes of one member, in order. The archive must outlive it.
class zip_stream {
 public:
  zip_stream(zip_file_t* file, std::string where, std::uint64_t size)
      : file_(file), where_(std::move(where)), left_(size) {}

  // Bytes not read yet.
  std::uint64_t left() const noexcept { return left_; }

  // Fills `bytes` completely. Reading the last byte verifies the checksum.
  result<void> read(std::span<std::byte> bytes) {
    if (bytes.size() > left_) return damaged("is shorter than its header says");
    while (!bytes.empty()) {
      auto const count = zip_fread(file_.get(), bytes.data(), bytes.size());
      if (count <= 0) return damaged(count < 0 ? reason() : "ends too early");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      left_ -= static_cast<std::uint64_t>(count);
    }
    if (left_ == 0) {
      std::byte beyond{};
      auto const count = zip_fread(file_.get(), &beyond, 1);
      if (count != 0) return damaged(count < 0 ? reason() : "is longer than the archive says");
    }
    return {};
  }

 private:
  std::string reason() const { return std::string("cannot be unpacked: ") + zip_file_strerror(file_.get()); }
  calotype::error damaged(std::string const& how) const {
    return {"this member of the archive is damaged, it " + how, where_, "fetch the file again"};
  }

  std::unique_ptr<zip_file_t, zip_closer> file_;
  std::string where_;
  std::uint64_t left_ = 0;
};

// A zip archive open for reading.
class zip_archive {
 public:
  zip_archive(zip_archive&&) noexcept = default;
  zip_archive& operator=(zip_archive&&) noexcept = default;

  static result<zip_archive> open(std::string path) {
    struct stat entry {};
    bool const exists = ::stat(path.c_str(), &entry) == 0;
    if (exists && S_ISDIR(entry.st_mode)) return calotype::error{"this is a folder", path, "name a file in it"};
    if (exists && !S_ISREG(entry.st_mode)) {  // which zip_open would wait for
      return calotype::error{"this is a pipe or device", path, "copy its content to a plain file"};
    }
    int code = 0;
    zip_archive archive;
    archive.archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
    if (!archive.archive_) return open_error(path, code);
    auto packed_left = static_cast<zip_uint64_t>(entry.st_size);  // bytes that no member has claimed
    auto const count = zip_get_num_entries(archive.archive_.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      zip_stat_t found;
      auto const index = static_cast<zip_uint64_t>(i);
      if (zip_stat_index(archive.archive_.get(), index, ZIP_FL_ENC_RAW, &found) != 0 ||
          (found.valid & all_fields) != all_fields) {
        return calotype::error{"the archive's list of members is damaged", path, "fetch the file again"};
      }
      if (found.comp_method != ZIP_CM_STORE && found.comp_method != ZIP_CM_DEFLATE) {
        return calotype::error{"this member of the archive is packed by another method than stored or deflate",
                               path + ", member " + found.name,
                               "pack the archive again with an ordinary zip program"};
      }
      if (found.comp_size > packed_left || !plausible(found)) {
        return calotype::error{"the archive claims more bytes for this member than it can hold",
                               path + ", member " + found.name, "fetch the file again"};
      }
      packed_left -= found.comp_size;
      archive.members_.push_back({found.name, index, found.size});
    }
    archive.path_ = std::move(path);
    return archive;
  }

  std::string const& path() const noexcept { return path_; }
  std::span<zip_member const> members() const noexcept { return members_; }

  std::string where(zip_member const& member) const { return path_ + ", member " + member.name; }

  result<zip_stream> stream(zip_member const& member) const {
    auto* const file = zip_fopen_index(archive_.get(), member.index, 0);
    if (file == nullptr) {
      return calotype::error{
          std::string("this member of the archive cannot be opened: ") + zip_strerror(archive_.get()),
          where(member), "fetch the file again"};
    }
    return zip_stream(file, where(member), member.size);
  }

 private:
  zip_archive() = default;

  static constexpr zip_uint64_t all_fields =
      ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;

  // Deflate packs at best 1032 to 1, so a claim beyond that is a lie and no reason to reserve memory.
  static bool plausible(zip_stat_t const& found) {
    if (found.comp_method == ZIP_CM_STORE) return found.size == found.comp_size;
    return found.size / 1032 <= found.comp_size + 1;
  }

  static calotype::error open_error(std::string const& path, int code) {
    zip_error_t reason;
    zip_error_init_with_code(&reason, code);
    std::string const text = zip_error_strerror(&reason);
    zip_error_fini(&reason);
    if (code == ZIP_ER_NOENT) return {"there is no such file", path, "check the name"};
    if (code == ZIP_ER_NOZIP || code == ZIP_ER_INCONS) {
      if (begins_like_zip(path))
        return {"this zip archive is cut short or damaged", path, "fetch the file again"};
      return {"this is not a zip archive", path, "give an .npz or .ig file"};
    }
    return {"the file cannot be opened as a zip archive (" + text + ")", path,
            "check the name and its permissions"};
  }

  static bool begins_like_zip(std::string const& path) {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::fopen(path.c_str(), "rb"), &std::fclose);
    char start[4] = {};
    return file && std::fread(start, 1, sizeof start, file.get()) == sizeof start &&
           std::string_view(start, sizeof start) == "PK\x03\x04";
  }

  std::string path_;
  std::unique_ptr<zip_t, zip_closer> archive_;
  std::vector<zip_member> members_;
};

}  // namespace calotype::io::detail
