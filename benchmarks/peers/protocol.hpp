// What a measured program does for scripts/figures: it reads requests from standard input, one a line, and
// answers each with one line, "ok ..." or "error <why>".
//
//   setup ID TASK NET IMAGES BATCH THREADS VARIANT
//       ok <floating point operations of a call> <different inputs>
//   outputs ID
//       ok <what it computes from each input, as numbers>
//   time ID CALLS SECONDS
//       ok <seconds of every call>; stops early after SECONDS
//   drop ID
//       ok
//
// ID is any word. benchmarks/peers/worker.py is the same for peers in Python.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace peers {

struct request {
  std::string task, net, images;
  int batch = 1, threads = 1;
  std::string variant;
};

// Something whose calls are timed.
class contestant {
 public:
  contestant() = default;
  contestant(contestant const&) = delete;
  contestant& operator=(contestant const&) = delete;
  virtual ~contestant() = default;
  // Floating point operations of a call, two for a multiply-add; 0 where nobody counts them.
  virtual double work() const { return 0; }
  // How many different inputs there are; calls go round them.
  virtual std::size_t inputs() const { return 1; }
  // Puts an input where a caller would have it; not timed.
  virtual void load(std::size_t) {}
  virtual void run() = 0;
  virtual std::vector<float> outputs() = 0;
};

// One engine's inputs: all images of a set, one after the other, channel x row x column, float32.
inline std::vector<float> read_images(std::string const& folder, request const& r) {
  std::string const path = folder + "/" + r.net + "-" + r.images + ".f32";
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<float> numbers(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(numbers.data()),  // NOLINT: bytes of floats
            static_cast<std::streamsize>(numbers.size() * sizeof(float)));
  return numbers;
}

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace detail {

inline std::string answer(std::map<std::string, std::unique_ptr<contestant>>& known,
                          std::function<std::unique_ptr<contestant>(request const&)> const& make,
                          std::string const& line) {
  std::istringstream words(line);
  std::string verb, id;
  words >> verb >> id;
  std::ostringstream out;
  out.precision(9);
  out << "ok";
  if (verb == "setup") {
    request r;
    if (!(words >> r.task >> r.net >> r.images >> r.batch >> r.threads >> r.variant)) {
      throw std::runtime_error("setup wants ID TASK NET IMAGES BATCH THREADS VARIANT");
    }
    known.erase(id);
    auto fresh = make(r);
    out << ' ' << fresh->work() << ' ' << fresh->inputs();
    known[id] = std::move(fresh);
    return out.str();
  }
  auto const found = known.find(id);
  if (found == known.end()) throw std::runtime_error("nothing is set up as '" + id + "'");
  contestant& c = *found->second;
  if (verb == "outputs") {
    for (float x : c.outputs()) out << ' ' << x;
  } else if (verb == "time") {
    long calls = 0;
    double limit = 0;
    if (!(words >> calls >> limit)) throw std::runtime_error("time wants ID CALLS SECONDS");
    double const start = seconds();
    std::vector<double> times;
    for (long i = 0; i < calls; ++i) {
      c.load(static_cast<std::size_t>(i) % c.inputs());
      double const before = seconds();
      c.run();
      double const after = seconds();
      times.push_back(after - before);
      if (after - start > limit) break;
    }
    for (double t : times) out << ' ' << t;
  } else if (verb == "drop") {
    known.erase(found);
  } else {
    throw std::runtime_error("no such request: " + verb);
  }
  return out.str();
}

}  // namespace detail

// Answers until standard input ends.
inline int serve(std::function<std::unique_ptr<contestant>(request const&)> const& make) {
  std::map<std::string, std::unique_ptr<contestant>> known;
  for (std::string line; std::getline(std::cin, line);) {
    std::string text;
    try {
      text = detail::answer(known, make, line);
    } catch (std::exception const& e) { text = std::string("error ") + e.what(); }
    std::cout << text << std::endl;
  }
  return 0;
}

}  // namespace peers
