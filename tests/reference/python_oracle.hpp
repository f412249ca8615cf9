// Figures that a script of another tool prints, for the tests beside it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>

// "set name value" of every line, by set and name.
using oracle_figures = std::map<std::pair<std::size_t, std::string>, double>;

// A Python that has the module: that of build/peers-venv, where packages of PyPI go, or Debian's. Tells how to
// get it where there is none.
inline std::optional<std::string> python_with(std::string const& module, std::string const& remedy) {
  for (std::string const& python :
       {std::string(CALOTYPE_SOURCE_DIR) + "/build/peers-venv/bin/python", std::string("/usr/bin/python3")}) {
    std::string const probe = "'" + python + "' -c 'import " + module + "' 2>/dev/null";
    if (std::filesystem::exists(python) && std::system(probe.c_str()) == 0) return python;
  }
  MESSAGE("SKIPPED: " << module << " is not installed (" << remedy << ")");
  return std::nullopt;
}

// Runs "python tests/reference/SCRIPT [MODE] FILE", FILE holding what `write` puts there.
template <class Write>
oracle_figures ask_oracle(std::string const& python, std::string const& script, std::string const& mode,
                          Write write) {
  auto const folder =
      std::filesystem::temp_directory_path() / ("calotype_oracle_" + std::to_string(std::random_device{}()));
  std::filesystem::create_directories(folder);
  {
    std::ofstream out(folder / "samples");
    out.precision(17);
    write(out);
  }
  std::string const command = "'" + python + "' '" + CALOTYPE_SOURCE_DIR + "/tests/reference/" + script + "' " +
                              mode + " '" + (folder / "samples").string() + "' > '" +
                              (folder / "figures").string() + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  oracle_figures all;
  std::ifstream figures(folder / "figures");
  std::size_t set = 0;
  std::string name;
  std::string value;
  while (figures >> set >> name >> value) all[{set, name}] = std::stod(value);
  figures.close();
  std::filesystem::remove_all(folder);
  return all;
}
