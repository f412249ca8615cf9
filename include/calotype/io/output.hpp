// Files that appear whole or not at all: written under a temporary name beside the target, renamed when
// complete.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <calotype/core/result.hpp>

namespace calotype::io {

struct output_options {
  bool force = false;  // replace an existing file
};

namespace detail {

inline std::string system_reason(int code) { return std::error_code(code, std::generic_category()).message(); }

// A write beyond the process's file-size limit raises SIGXFSZ, which ends a program that does not expect it.
// Within the life of this object the calling thread sees EFBIG instead; the thread's signal mask is restored
// afterwards.
class file_size_signal_held {
 public:
  file_size_signal_held() noexcept {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGXFSZ) == 1;
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~file_size_signal_held() {
    timespec const at_once{};
    if (!was_pending_) {
      while (sigtimedwait(&signal_, nullptr, &at_once) == -1 && errno == EINTR) {}
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  file_size_signal_held(file_size_signal_held const&) = delete;
  file_size_signal_held& operator=(file_size_signal_held const&) = delete;

 private:
  sigset_t signal_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

// A buffered descriptor: small appends are gathered, the first failure is kept and everything after it refused.
class buffered_descriptor {
 public:
  buffered_descriptor() = default;
  explicit buffered_descriptor(int descriptor) : descriptor_(descriptor) {}
  buffered_descriptor(buffered_descriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        failure_(other.failure_),
        buffer_(std::move(other.buffer_)) {}
  buffered_descriptor& operator=(buffered_descriptor&& other) noexcept {
    if (this != &other) {
      close();
      descriptor_ = std::exchange(other.descriptor_, -1);
      failure_ = other.failure_;
      buffer_ = std::move(other.buffer_);
    }
    return *this;
  }
  ~buffered_descriptor() { close(); }

  int descriptor() const noexcept { return descriptor_; }

  // Each returns 0 or the errno of the first failure.
  int append(std::span<std::byte const> bytes) {
    if (buffer_.size() + bytes.size() > buffer_size) flush();
    if (bytes.size() >= buffer_size) {
      write(bytes);
    } else {
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    }
    return failure_;
  }
  int flush() {
    write(buffer_);
    buffer_.clear();
    return failure_;
  }
  // Flushes and replaces what stands at the start of the file.
  int overwrite_start(std::span<std::byte const> bytes) {
    flush();
    if (failure_ == 0 && ::lseek(descriptor_, 0, SEEK_SET) != 0) failure_ = errno;
    write(bytes);
    return failure_;
  }
  // Gives the descriptor away, flushed; -1 after a failure.
  int release() {
    flush();
    return failure_ == 0 ? std::exchange(descriptor_, -1) : -1;
  }
  int close() noexcept {
    int const descriptor = std::exchange(descriptor_, -1);
    if (descriptor >= 0 && ::close(descriptor) != 0 && failure_ == 0) failure_ = errno;
    return failure_;
  }

 private:
  static constexpr std::size_t buffer_size = 1 << 16;

  void write(std::span<std::byte const> bytes) {
    if (bytes.empty() || failure_ != 0) return;
    file_size_signal_held const held;
    while (!bytes.empty()) {
      auto const written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        failure_ = written < 0 ? errno : ENOSPC;
        return;
      }
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  int descriptor_ = -1;
  int failure_ = 0;
  std::vector<std::byte> buffer_{};
};

// A new file of its own beside `path`, under a name that `suffix` tells apart; -1 and errno if that fails.
inline int create_beside(std::string const& path, std::string const& suffix, std::string& name) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    name = path + ".partial-" + std::to_string(::getpid()) + "-" + std::to_string(attempt) + suffix;
    int const descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST) return descriptor;
  }
  return -1;
}

// Renames a file unless something has its new name: 0 or an errno, EEXIST then.
inline int rename_to_new(std::string const& from, std::string const& to) noexcept {
#ifdef RENAME_NOREPLACE
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
#endif
  // A file system that cannot do it at once may give the file a second name; where it cannot either, the
  // caller's own look must do.
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return 0;
  }
  if (errno == EEXIST) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

// What a name stands for, through symbolic links; the name itself where there is nothing yet.
inline std::string resolved(std::string const& path) {
  std::unique_ptr<char, decltype(&std::free)> const real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : path;
}

inline calotype::error write_error(std::string const& path, int code) {
  std::string remedy = "nothing was left behind; check the place and its permissions";
  if (code == ENOSPC || code == EDQUOT || code == EFBIG) {
    remedy = "nothing was left behind; free some space or write elsewhere";
  }
  return {"could not write the file (" + system_reason(code) + ")", path, remedy};
}

}  // namespace detail

// A file being written. Until `commit` the target is untouched; an object that goes away uncommitted removes
// what it wrote. With `force` a symbolic link stays, and the file that it points to is replaced. Not for
// concurrent use.
class output_file {
 public:
  // Fails if the target is a folder or another thing that is no plain file, exists (without `force`), or lies
  // in a folder that does not exist or cannot be written.
  static result<output_file> create(std::string path, output_options options = {}) {
    if (auto const refused = check_target(path, options.force)) return *refused;
    std::string temporary, target = options.force ? detail::resolved(path) : path;
    int const descriptor = detail::create_beside(target, {}, temporary);
    if (descriptor < 0) return open_error(path, errno);
    return output_file(std::move(path), std::move(target), std::move(temporary), descriptor, options.force);
  }

  output_file(output_file&& other) noexcept
      : path_(std::move(other.path_)),
        target_(std::move(other.target_)),
        temporary_(std::exchange(other.temporary_, {})),
        stream_(std::move(other.stream_)),
        force_(other.force_) {}
  output_file& operator=(output_file&& other) noexcept {
    if (this != &other) {
      discard();
      path_ = std::move(other.path_);
      target_ = std::move(other.target_);
      temporary_ = std::exchange(other.temporary_, {});
      stream_ = std::move(other.stream_);
      force_ = other.force_;
    }
    return *this;
  }
  ~output_file() { discard(); }

  std::string const& path() const noexcept { return path_; }
  // The name under which the bytes gather; a library that writes files by name may write here before `commit`.
  std::string const& temporary() const noexcept { return temporary_; }

  result<void> write(std::span<std::byte const> bytes) {
    if (int const code = stream_.append(bytes)) return detail::write_error(path_, code);
    return {};
  }
  result<void> write(std::string_view text) {
    return write(std::as_bytes(std::span(text.data(), text.size())));
  }

  // Puts the bytes on the disk and the file in its place. After an error nothing of it remains.
  result<void> commit() {
    int code = stream_.flush();
    if (int const closed = stream_.close(); code == 0) code = closed;
    if (code == 0) code = sync(temporary_);
    if (code == 0) {
      if (auto const refused = check_target(path_, force_)) {
        discard();
        return *refused;
      }
      if (force_) {
        if (::rename(temporary_.c_str(), target_.c_str()) != 0) code = errno;
      } else {
        code = detail::rename_to_new(temporary_, target_);
      }
    }
    if (code == EEXIST) {  // since that check
      discard();
      return exists_already(path_);
    }
    if (code != 0) {
      discard();
      return detail::write_error(path_, code);
    }
    temporary_.clear();
    return {};
  }

 private:
  output_file(std::string path, std::string target, std::string temporary, int descriptor, bool force)
      : path_(std::move(path)),
        target_(std::move(target)),
        temporary_(std::move(temporary)),
        stream_(descriptor),
        force_(force) {}

  static calotype::error exists_already(std::string const& path) {
    return {"the output file exists already", path, "choose another name, or replace it with force (--force)"};
  }

  // Why no file may be put there, if so.
  static std::optional<calotype::error> check_target(std::string const& path, bool force) {
    if (path.empty()) return calotype::error{"the name of the output file is empty", {}, "name a file"};
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) {
      if (errno != ENOENT) return open_error(path, errno);
      bool const leads_nowhere = ::lstat(path.c_str(), &found) == 0;
      if (leads_nowhere && !force) return exists_already(path);
      return std::nullopt;
    }
    if (S_ISDIR(found.st_mode)) {
      return calotype::error{"the output path is a folder", path, "name a file in it"};
    }
    if (!S_ISREG(found.st_mode)) {
      return calotype::error{"the output path is a device or pipe", path, "name a plain file"};
    }
    if (!force) return exists_already(path);
    return std::nullopt;
  }

  static calotype::error open_error(std::string const& path, int code) {
    if (code == ENOENT) { return {"the folder to write into does not exist", path, "create the folder first"}; }
    return {"cannot create the file (" + detail::system_reason(code) + ")", path,
            "choose a place that can be written"};
  }

  // 0 once the contents of the file are on the disk, else an errno.
  static int sync(std::string const& path) noexcept {
    int const descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return errno;
    int code = ::fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
    if (::close(descriptor) != 0 && code == 0) code = errno;
    return code;
  }

  void discard() noexcept {
    stream_.close();
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  std::string path_;
  std::string target_;  // what `path` stands for
  std::string temporary_;
  detail::buffered_descriptor stream_;
  bool force_ = false;
};

}  // namespace calotype::io
