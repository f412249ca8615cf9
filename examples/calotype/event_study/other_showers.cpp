#include "other_showers.hpp"

#include <string_view>
#include <utility>

#include <calotype/io/model.hpp>

namespace program::event_study {

namespace {

constexpr std::string_view cnn = "shower-cnn", fcn = "shower-fcn";

template <class Net>
ct::result<void> judge(request const& asked, study const& done, std::string_view id, shower_list const& showers,
                       std::vector<judged_showers>& into) {
  if (done.find(id) == nullptr) return {};
  auto const model = ct::io::load<Net>(weights_of(asked, runs_of(asked, training_of(id)).front()));
  if (!model) return *model.error();
  ct::session<Net> score{*model};
  for (auto const& s : showers) {
    auto j = shower_samples::judge(score, s);
    if (!j) return *j.error();
    into.push_back({id, s.name, j->electrons, j->photons, std::move(j->curve)});
  }
  return {};
}

}  // namespace

ct::result<shower_list> read_showers(request const& asked) {
  if (!asked.showers.empty() && runs_of(asked, training_of(cnn)).empty() &&
      runs_of(asked, training_of(fcn)).empty()) {
    return ct::error{"--showers has no effect without the weights of shower-cnn or shower-fcn", asked.weights,
                     "leave the option out, or --no-training"};
  }
  return shower_samples::read(asked.showers);
}

ct::result<std::vector<judged_showers>> judge_showers(request const& asked, study const& done,
                                                      shower_list const& showers) {
  std::vector<judged_showers> all;
  auto judged = judge<ct::models::shower_cnn>(asked, done, cnn, showers, all);
  if (judged) judged = judge<ct::models::shower_fcn>(asked, done, fcn, showers, all);
  if (!judged) return *judged.error();
  return all;
}

}  // namespace program::event_study
