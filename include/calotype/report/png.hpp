// Pictures as PNG files, through libpng.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <png.h>

#include <calotype/core/result.hpp>
#include <calotype/io/output.hpp>
#include <calotype/report/picture.hpp>

namespace calotype::report {

// The bytes of a PNG file, 8 bits per channel. Fails for a picture without pixels.
inline result<std::vector<std::byte>> encode_png(picture const& p) {
  static_assert(sizeof(color) == 3);
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(p.width());
  header.height = static_cast<png_uint_32>(p.height());
  header.format = PNG_FORMAT_RGB;
  auto const failed = [&] {
    return error{std::string("libpng: ") + header.message, "picture", "make it smaller"};
  };
  if (p.width() <= 0 || p.height() <= 0) return error{"the picture has no pixels", "picture", "make it larger"};
  png_alloc_size_t size = 0;
  if (png_image_write_to_memory(&header, nullptr, &size, 0, p.row(0).data(), 0, nullptr) == 0) return failed();
  std::vector<std::byte> bytes(size);
  if (png_image_write_to_memory(&header, bytes.data(), &size, 0, p.row(0).data(), 0, nullptr) == 0)
    return failed();
  bytes.resize(size);
  return bytes;
}

// Writes the picture as a whole or not at all.
inline result<void> write_png(picture const& p, std::string path, io::output_options options = {}) {
  auto const bytes = encode_png(p);
  if (!bytes) return *bytes.error();
  auto file = io::output_file::create(std::move(path), options);
  if (!file) return *file.error();
  if (auto written = file->write(std::span<std::byte const>(*bytes)); !written) return written;
  return file->commit();
}

}  // namespace calotype::report
