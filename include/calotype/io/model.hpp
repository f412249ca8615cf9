// Trained networks on disk: parameters under PyTorch's names in a safetensors file, with metadata that say what
// they mean and a self-test that proves on loading that this machine computes what the author's did.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/core/utf8.hpp>
#include <calotype/io/detail/number_text.hpp>
#include <calotype/io/safetensors.hpp>
#include <calotype/nn/content_range.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/self_test.hpp>

namespace calotype::io {

struct save_options {
  bool force = false;                      // replace an existing file
  number_type numbers = number_type::f32;  // in the file; the self-test is of parameters rounded to these
};

// How weights came about: anything a later reader should know, e.g. {"command", "calotype train ..."}. What is
// not UTF-8 in a text, such as the name of a file, is saved as U+FFFD.
using provenance = std::map<std::string, std::string>;

namespace detail {

inline constexpr std::string_view model_format = "calotype-model";
inline constexpr std::string_view model_format_version = "1";
inline constexpr std::string_view range_prefix = "training_range.";
inline constexpr std::uint64_t self_test_seed = 0x63616c6f74797065;  // any number

inline std::string hexadecimal(std::uint64_t number) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return text.data();
}
// What the numbers of an input mean, for people.
template <class Input, std::uint64_t Signature = nn::input_traits<Input>::signature()>
std::string describe_input() {
  std::string text;
  auto append_shape = [&text](kernel::map_shape s) {
    text += std::to_string(s.channels) + "x" + std::to_string(s.rows) + "x" + std::to_string(s.cols);
  };
  using traits = nn::input_traits<Input>;
  if constexpr (traits::is_features) {
    constexpr auto names = Input::features().names;
    for (auto name : names) {
      if (!text.empty()) text += ", ";
      text += name;
    }
  } else {
    if constexpr (traits::is_image) text += std::string(image_traits<Input>::name) + " ";
    for (int p = 0; p < traits::planes(); ++p) {
      if (p > 0) text += " + ";
      append_shape(traits::plane(p));
    }
  }
  return text;
}

// How pixels are made from energies, for people.
template <class Input, std::uint64_t Signature = nn::input_traits<Input>::signature()>
std::string describe_preprocessing() {
  if constexpr (requires { Input::meaning(); }) {
    constexpr std::string_view meaning = Input::meaning();
    return std::string(meaning);
  } else if constexpr (!nn::input_traits<Input>::is_image) {
    return "none";
  } else {
    using image = image_traits<Input>;
    std::string text;
    for (int c = 0; c < image::channels; ++c) {
      channel const ch = image::channel(c);
      if (c > 0) text += "; ";
      text += ch.name;
      text += " [";
      text += ch.unit;
      text += "] x " + short_text(ch.scale) + ", zero below " + short_text(ch.zero_suppression);
    }
    constexpr divisor d = image::options.divide_by;
    text += d == divisor::m_gg     ? "; divided by m_gg"
            : d == divisor::sum_pt ? "; divided by the sum of the photons' pT"
                                   : "";
    return text;
  }
}

template <class Net, std::uint64_t Signature = nn::signature<Net>>
std::string class_names() {
  std::string text;
  constexpr auto names = Net::classes().names;
  for (auto name : names) {
    if (!text.empty()) text += '|';
    text += name;
  }
  return text;
}

template <class Net, std::uint64_t Signature = nn::signature<Net>>
std::string self_test_text(nn::model<Net> const& model, std::uint64_t seed) {
  std::string text;
  for (float l : nn::self_test_logits<Net>(model, seed)) {
    if (!text.empty()) text += ' ';
    text += exact_text(l);
  }
  return text;
}

// No file shall hold numbers that load() refuses, no header ones that do not compile.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<void> check_finite(nn::model<Net> const& model, std::string const& path) {
  if (nn::all_finite(model.parameters())) return {};
  return error{"a parameter is not a finite number", path, "train with a smaller learning rate"};
}

// The model that is left when its parameters are stored as numbers of a type.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<nn::model<Net>> rounded_model(nn::model<Net> const& model, number_type type, std::string const& path) {
  std::vector<float> numbers(model.parameters().begin(), model.parameters().end());
  for (float& x : numbers) {
    float const rounded = rounded_to(type, x);
    // F16 has a largest number to which others are rounded, BF16 an infinity.
    if (!std::isfinite(rounded) || (type == number_type::f16 && std::abs(x) > binary16::largest)) {
      return error{"a parameter is larger than any number of " + std::string(name_of(type)), path,
                   "store the weights as F32"};
    }
    x = rounded;
  }
  return nn::model<Net>(std::move(numbers));
}

// Parameters by name and shape; every fault is listed.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<std::vector<float>> parameters_from(safetensors_file& file) {
  constexpr auto const& plan = nn::plan_of<Net>;
  std::string faults;
  auto fault = [&faults](std::string const& text) { faults += (faults.empty() ? "" : ", ") + text; };
  auto shape_text = [](auto const& extents) {
    std::string text;
    for (auto e : extents) {
      if (!text.empty()) text += 'x';
      text += std::to_string(e);
    }
    return text;
  };
  std::vector<float> numbers(static_cast<std::size_t>(plan.total_parameters()));
  for (int i = 0; i < plan.parameter_count; ++i) {
    nn::parameter const& p = plan.parameter_at(i);
    std::string const name(p.name());
    std::vector<std::uint64_t> const want(p.extent.begin(), p.extent.begin() + p.rank);
    auto const t = std::find_if(file.entries().begin(), file.entries().end(),
                                [&](tensor_entry const& e) { return e.name == name; });
    if (t == file.entries().end()) {
      fault("missing '" + name + "'");
    } else if (t->shape != want) {
      fault("'" + name + "' is " + shape_text(t->shape) + " instead of " + shape_text(want));
    } else {
      auto const values = file.read(*t);  // not larger than the network's own tensor
      if (!values) return *values.error();
      for (std::size_t k = 0; k < values->size(); ++k) {
        if (!std::isfinite((*values)[k])) {
          fault("'" + name + "' holds a number that is not finite at place " + std::to_string(k));
          break;
        }
        numbers[static_cast<std::size_t>(p.offset) + k] = (*values)[k];
      }
    }
  }
  for (tensor_entry const& t : file.entries()) {
    bool known = false;
    for (int i = 0; i < plan.parameter_count; ++i) known = known || plan.parameter_at(i).name() == t.name;
    if (!known) fault("unexpected '" + t.name + "'");
  }
  if (!faults.empty()) {
    return error{"the parameters do not fit the network (" + faults + ")", file.path(),
                 "use weights made for this network"};
  }
  return numbers;
}

}  // namespace detail

// Reads weights for Net by tensor names alone: no check of what the numbers mean. For files of other programs,
// and where start-up time counts.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<nn::model<Net>> load_unverified(safetensors_file& file) {
  auto numbers = detail::parameters_from<Net>(file);
  if (!numbers) return *numbers.error();
  return nn::model<Net>(std::move(*numbers));
}
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<nn::model<Net>> load_unverified(std::string const& path) {
  auto file = safetensors_file::open(path);
  if (!file) return *file.error();
  return load_unverified<Net>(*file);
}

// Reads weights for Net. Refused with one sentence: a damaged file; parameters that are missing, unexpected,
// misshapen or not finite (all of them named); weights for another layout, preprocessing, set of classes or
// network; a self-test whose logits are not reproduced bit for bit.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<nn::model<Net>> load(safetensors_file& file) {
  std::string const& path = file.path();
  auto meta = [&file](char const* key) {
    auto const found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  if (meta("format") != detail::model_format) {
    return error{"the file does not say which network its weights belong to", path,
                 "use weights that calotype has written; others are taken on your word by 'calotype convert "
                 "--unverified' and load_unverified"};
  }
  if (meta("format_version") != detail::model_format_version) {
    return error{"the file has the model format version '" + meta("format_version") +
                     "' and this library reads version " + std::string(detail::model_format_version),
                 path, "use a matching version of calotype"};
  }
  using input = typename Net::input;
  if (meta("layout_signature") != detail::hexadecimal(nn::input_traits<input>::signature())) {
    return error{"the weights are for another input: the file has " + meta("layout") + " (" +
                     meta("preprocessing") + "), the network reads " + detail::describe_input<input>() + " (" +
                     detail::describe_preprocessing<input>() + ")",
                 path, "use the weights of this layout and preprocessing"};
  }
  if (meta("classes") != detail::class_names<Net>()) {
    return error{"the weights are for the classes " + meta("classes") + ", the network has " +
                     detail::class_names<Net>(),
                 path, "use the weights of this network"};
  }
  auto numbers = detail::parameters_from<Net>(file);
  if (!numbers) return *numbers.error();
  if (meta("network_signature") != detail::hexadecimal(nn::signature<Net>)) {
    return error{"the weights are for a network with other layers", path, "use the weights of this network"};
  }
  nn::model<Net> model(std::move(*numbers));
  auto const seed = detail::whole_number(meta("self_test_seed"), 16);
  if (!seed) return error{"the self-test has no seed", path, "save the weights again with calotype"};
  std::string const got = detail::self_test_text(model, *seed);
  if (got != meta("self_test_logits")) {
    return error{"the self-test fails: the logits are " + got + " instead of " + meta("self_test_logits"), path,
                 "fetch the file again, or report the machine and compiler"};
  }
  return model;
}
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<nn::model<Net>> load(std::string const& path) {
  auto file = safetensors_file::open(path);
  if (!file) return *file.error();
  return load<Net>(*file);
}

// The ranges of the training events that save() wrote beside the weights; empty for weights that have none.
// Refused with one sentence: a range that is no pair of finite numbers, the lower one first.
inline result<nn::content_ranges> training_ranges(safetensors_file const& file) {
  nn::content_ranges ranges;
  for (auto const& [key, text] : file.metadata()) {
    if (!key.starts_with(detail::range_prefix)) continue;
    std::string const name = key.substr(detail::range_prefix.size());
    auto const blank = text.find(' ');
    auto const low = detail::finite_number(text.substr(0, blank));
    auto const high = detail::finite_number(blank == text.npos ? "" : text.substr(blank + 1));
    if (!low || !high || *low > *high) {
      return error{"the training range of '" + name + "' is no pair of numbers, but '" + text + "'",
                   file.path(), "fetch the file again, or train anew"};
    }
    ranges[name] = {*low, *high};
  }
  return ranges;
}
inline result<nn::content_ranges> training_ranges(std::string const& path) {
  auto file = safetensors_file::open(path);
  if (!file) return *file.error();
  return training_ranges(*file);
}

// Writes a model so that load() can verify it; the file appears whole or not at all. `ranges` are those of the
// events it was trained on (nn::ranges_of). In F16 or BF16 the file has half the size, and the model that is
// loaded from it parameters that are off by up to one part in 2,048 or 256 (F16 below 6e-5: by up to 3e-8).
// Refused with one sentence: parameters that are not finite, or too large for the type.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<void> save(std::string const& path, nn::model<Net> const& model, provenance const& how = {},
                  save_options options = {}, nn::content_ranges const& ranges = {}) {
  constexpr auto const& plan = nn::plan_of<Net>;
  constexpr std::uint64_t seed = detail::self_test_seed;
  if (auto good = detail::check_finite(model, path); !good) return good;
  auto const stored = detail::rounded_model(model, options.numbers, path);
  if (!stored) return *stored.error();
  using input = typename Net::input;
  std::map<std::string, std::string> metadata{
      {"format", std::string(detail::model_format)},
      {"format_version", std::string(detail::model_format_version)},
      {"layout", detail::describe_input<input>()},
      {"layout_signature", detail::hexadecimal(nn::input_traits<input>::signature())},
      {"preprocessing", detail::describe_preprocessing<input>()},
      {"classes", detail::class_names<Net>()},
      {"network_signature", detail::hexadecimal(nn::signature<Net>)},
      {"self_test_seed", detail::hexadecimal(seed)},
      {"self_test_logits", detail::self_test_text(*stored, seed)},
  };
  for (auto const& [key, text] : how) metadata.emplace("provenance." + key, as_utf8(text));
  for (auto const& [name, range] : ranges) {
    metadata.emplace(std::string(detail::range_prefix) + name,
                     detail::short_text(range.low) + ' ' + detail::short_text(range.high));
  }
  std::vector<tensor_view> tensors;
  for (int i = 0; i < plan.parameter_count; ++i) {
    nn::parameter const& p = plan.parameter_at(i);
    tensors.push_back(
        {std::string(p.name()),
         {p.extent.begin(), p.extent.begin() + p.rank},
         stored->parameters().subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size())),
         options.numbers});
  }
  return write_safetensors(path, tensors, metadata, {.force = options.force});
}

}  // namespace calotype::io
