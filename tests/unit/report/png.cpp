#include <cstddef>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <png.h>

#include <calotype/report/png.hpp>

namespace {

using namespace calotype::report;
namespace fs = std::filesystem;

class scratch {
 public:
  scratch() : path_(fs::temp_directory_path() / ("calotype_png_" + std::to_string(std::random_device{}()))) {
    fs::create_directory(path_);
  }
  ~scratch() { fs::remove_all(path_); }
  std::string operator/(char const* name) const { return (path_ / name).string(); }
  std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator(path_), fs::directory_iterator());
  }

 private:
  fs::path path_;
};

picture colourful() {
  picture p(33, 17);
  for (int y = 0; y < 17; ++y) {
    for (int x = 0; x < 33; ++x) {
      p.at(x, y) = {static_cast<std::uint8_t>(7 * x), static_cast<std::uint8_t>(15 * y),
                    static_cast<std::uint8_t>(x * y)};
    }
  }
  return p;
}

TEST_CASE("libpng reads back every pixel") {
  scratch const folder;
  auto const p = colourful();
  REQUIRE(write_png(p, folder / "a.png"));
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_file(&header, (folder / "a.png").c_str()) != 0);
  header.format = PNG_FORMAT_RGB;
  REQUIRE(header.width == 33);
  REQUIRE(header.height == 17);
  std::vector<unsigned char> pixels(PNG_IMAGE_SIZE(header));
  REQUIRE(png_image_finish_read(&header, nullptr, pixels.data(), 0, nullptr) != 0);
  bool same = true;
  for (int y = 0; y < 17; ++y) {
    for (int x = 0; x < 33; ++x) {
      auto const* const c = pixels.data() + 3 * (33 * y + x);
      same = same && p.at(x, y) == color{c[0], c[1], c[2]};
    }
  }
  CHECK(same);
}

TEST_CASE("an existing file is kept unless it may be replaced, a folder always") {
  scratch const folder;
  REQUIRE(write_png(colourful(), folder / "a.png"));
  auto const size = fs::file_size(folder / "a.png");
  CHECK_FALSE(write_png(picture(200, 200), folder / "a.png"));
  CHECK(fs::file_size(folder / "a.png") == size);
  CHECK(write_png(picture(200, 200), folder / "a.png", {.force = true}));
  fs::create_directory(folder / "b.png");
  CHECK_FALSE(write_png(colourful(), folder / "b.png", {.force = true}));
  CHECK_FALSE(write_png(colourful(), folder / "nowhere/c.png"));
  CHECK(folder.files() == 2);
}

TEST_CASE("a picture without pixels is refused") {
  scratch const folder;
  CHECK(encode_png(picture(0, 10)).error() != nullptr);
  CHECK_FALSE(write_png(picture(10, 0), folder / "a.png"));
  CHECK(folder.files() == 0);
}

}  // namespace
