// Helpers of the io tests: a folder that goes away, zip archives made of texts, file contents.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>
#include <zip.h>

namespace scratch {

// A temporary folder, removed with everything in it.
class folder {
 public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "calotype-io-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~folder() { std::filesystem::remove_all(path_); }
  folder(folder const&) = delete;
  folder& operator=(folder const&) = delete;

  std::string operator/(std::string const& name) const { return (path_ / name).string(); }
  // The names of everything in it.
  std::vector<std::string> list() const {
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename());
    return names;
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline std::string slurp(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void spill(std::string const& path, std::string const& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Writes an archive of (name, content).
inline void make_zip(std::string const& path, std::vector<std::pair<std::string, std::string>> const& members,
                     bool compress = true) {
  int code = 0;
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  for (auto const& [name, content] : members) {
    auto* const source = zip_source_buffer(archive, content.data(), content.size(), 0);
    auto const index = zip_file_add(archive, name.c_str(), source, ZIP_FL_OVERWRITE);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index),
                             compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  zip_close(archive);
}

}  // namespace scratch
