// The recorded events of 2012 (CALOTYPE_DATA, default ../shared/data); none where they are not.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "calotype_tree.hpp"

#include <calotype/image/event.hpp>
#include <calotype/io/ig.hpp>

namespace recorded_2012 {

using namespace calotype;

inline std::vector<event> const& recorded() {
  static std::vector<event> const events = [] {
    char const* const named = std::getenv("CALOTYPE_DATA");
    std::filesystem::path const folder = named != nullptr
                                             ? std::filesystem::path(named)
                                             : std::filesystem::path(CALOTYPE_SOURCE_DIR) / "../shared/data";
    std::vector<std::string> files;
    if (std::filesystem::is_directory(folder))
      for (auto const& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.path().extension() == ".ig" && entry.path().string().find("Run2012") != std::string::npos)
          files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    std::vector<event> all;
    for (auto const& file : files)
      if (auto opened = io::open_ig(file))
        for (event const& e : *opened) all.push_back(e);
    return all;
  }();
  return events;
}

}  // namespace recorded_2012
