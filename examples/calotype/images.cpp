// calotype images: events as arrays of pixels.
#include "images.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "common.hpp"
#include "events.hpp"
#include <nlohmann/json.hpp>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/io/npz.hpp>

namespace program {

namespace {

enum class preprocessing { none, mgg, jet };

struct images_options {
  std::string file;
  range events;
  std::string out;
  layout where = layout::central;
  preprocessing preprocess = preprocessing::none;
  std::optional<ct::smear> ee_smear;
  std::optional<ct::upsample> hcal_upsample;
  std::optional<ct::hcal_source> hcal;
  std::optional<ct::track_selection> tracks;
  std::vector<std::size_t> channels{0, 1, 2};
  bool compress = false;
  bool force = false;
  bool json = false;
};

choices<preprocessing> const preprocessings{
    {"none", preprocessing::none}, {"mgg", preprocessing::mgg}, {"jet", preprocessing::jet}};
choices<ct::smear> const smears{{"none", ct::smear::none},
                                {"conserve", ct::smear::conserve},
                                {"legacy_quarter", ct::smear::legacy_quarter}};
choices<ct::upsample> const upsamples{{"copy", ct::upsample::copy}, {"divide", ct::upsample::divide}};
choices<ct::track_selection> const track_selections{{"all", ct::track_selection::all},
                                                    {"high-purity", ct::track_selection::high_purity}};
// Places of the channels in an image_maker's planes.
constexpr std::size_t tracks = 0, ecal = 1, hcal = 2;
choices<std::size_t> const channel_names{{"tracks", tracks}, {"ecal", ecal}, {"hcal", hcal}};

// What becomes of the raw pixels of a channel, as in the library's own preprocessing (image/channels.hpp).
struct pixel_map {
  float zero_below = 0;
  float factor = 1;
};

// The jet papers zero pixels below 1 MeV, undo the division of HCAL towers by 25, and divide everything by 100
// GeV.
pixel_map map_of(images_options const& o, std::size_t channel, double mass) {
  if (o.preprocess == preprocessing::mgg) return {0, 1 / static_cast<float>(mass)};
  if (o.preprocess == preprocessing::jet) return {1e-3F, channel == hcal ? 0.25F : 0.01F};
  return {};
}

class image_file {
 public:
  static ct::result<image_file> create(images_options const& o, image_maker const& maker, bool labels) {
    auto npz = ct::io::npz_writer::create(o.out, {.force = o.force, .compress = o.compress});
    if (!npz) return *npz.error();
    image_file file(std::move(*npz), labels);
    bool const several = maker.planes().size() > 1;
    for (auto const& p : maker.planes()) {
      file.columns_.push_back(file.npz_.add<float>(
          several ? p.name : "images",
          {o.channels.size(), static_cast<std::uint64_t>(p.rows), static_cast<std::uint64_t>(p.cols)}));
    }
    file.add_identity();
    file.write_metadata(o, maker);
    return file;
  }

  ct::result<void> append(images_options const& o, image_maker const& maker, ct::event const& e,
                          truth const& t) {
    for (std::size_t p = 0; p < columns_.size(); ++p) {
      auto const& plane = maker.planes()[p];
      auto const size = static_cast<std::size_t>(plane.rows) * static_cast<std::size_t>(plane.cols);
      row_.clear();
      for (std::size_t channel : o.channels) {
        pixel_map const m = map_of(o, channel, t.m_gg);
        for (std::size_t i = 0; i < size; ++i) {
          float const raw = plane.pixels[channel * size + i];
          row_.push_back(raw < m.zero_below ? 0.0F : raw * m.factor);
        }
      }
      static_cast<void>(npz_.append(columns_[p], row_));
    }
    static_cast<void>(npz_.append(run_, std::uint64_t{e.run}));
    if (labels_) {
      static_cast<void>(npz_.append(label_, t.label));
      static_cast<void>(npz_.append(weight_, t.weight));
    }
    static_cast<void>(npz_.append(m_gg_, static_cast<float>(t.m_gg)));
    ++rows_;
    return npz_.append(event_, e.number);
  }

  std::uint64_t rows() const { return rows_; }
  ct::result<void> close() { return npz_.close(); }

 private:
  image_file(ct::io::npz_writer npz, bool labels) : npz_(std::move(npz)), labels_(labels) {}

  void add_identity() {
    run_ = npz_.add<std::uint64_t>("run");
    event_ = npz_.add<std::uint64_t>("event");
    m_gg_ = npz_.add<float>("m_gg");
    if (!labels_) return;
    label_ = npz_.add<std::int32_t>("label");
    weight_ = npz_.add<float>("weight");
  }

  void write_metadata(images_options const& o, image_maker const& maker) {
    char signature[20];
    std::snprintf(signature, sizeof signature, "%016llx", static_cast<unsigned long long>(maker.signature()));
    std::vector<std::string> channels;
    for (std::size_t c : o.channels) channels.push_back(name_of(channel_names, c));
    nlohmann::ordered_json const about{{"layout", name_of(layouts, o.where)},
                                       {"channels", channels},
                                       {"preprocess", name_of(preprocessings, o.preprocess)},
                                       {"ee_smear", name_of(smears, *o.ee_smear)},
                                       {"hcal_upsample", name_of(upsamples, *o.hcal_upsample)},
                                       {"hcal", name_of(hcal_sources, *o.hcal)},
                                       {"tracks", name_of(track_selections, *o.tracks)},
                                       {"raw_layout_signature", signature},
                                       {"command", command_line()}};
    std::string const text = about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::vector<std::uint8_t> const bytes(text.begin(), text.end());
    static_cast<void>(npz_.append(npz_.add<std::uint8_t>("metadata"), bytes));
  }

  ct::io::npz_writer npz_;
  bool labels_;
  std::vector<ct::io::npz_column<float>> columns_{};
  ct::io::npz_column<std::uint64_t> run_{};
  ct::io::npz_column<std::uint64_t> event_{};
  ct::io::npz_column<std::int32_t> label_{};
  ct::io::npz_column<float> weight_{};
  ct::io::npz_column<float> m_gg_{};
  std::vector<float> row_{};
  std::uint64_t rows_ = 0;
};

// Refuses options that would not change a pixel.
ct::result<void> check_effects(images_options const& o) {
  auto const idle = [](std::string const& option, std::string const& because) {
    return ct::error{option + " has no effect" + because, "command line", "leave the option out"};
  };
  std::string const in_layout = " in the layout " + name_of(layouts, o.where);
  auto const lacks = [&o](std::size_t channel) {
    return std::find(o.channels.begin(), o.channels.end(), channel) == o.channels.end();
  };
  if (o.ee_smear && o.where != layout::hcal_centric) return idle("--ee-smear", in_layout);
  if (o.ee_smear && lacks(ecal)) return idle("--ee-smear", " without the channel ecal");
  if (o.hcal_upsample && lacks(hcal)) return idle("--hcal-upsample", " without the channel hcal");
  if (o.hcal && lacks(hcal)) return idle("--hcal", " without the channel hcal");
  if (o.tracks && lacks(tracks)) return idle("--tracks", " without the channel tracks");
  return {};
}

void fill_in_defaults(images_options& o) {
  if (!o.ee_smear) o.ee_smear = o.where == layout::hcal_centric ? ct::smear::conserve : ct::smear::none;
  if (!o.hcal_upsample)
    o.hcal_upsample = o.preprocess == preprocessing::jet ? ct::upsample::divide : ct::upsample::copy;
  if (!o.hcal) o.hcal = ct::hcal_source::hits;
  if (!o.tracks) o.tracks = ct::track_selection::all;
}

int images(images_options o) {
  if (auto effective = check_effects(o); !effective) return fail(*effective.error());
  fill_in_defaults(o);
  if (o.preprocess == preprocessing::jet && *o.hcal_upsample == ct::upsample::copy) {
    return fail(
        {"the jet preprocessing undoes a division of towers by 25 that --hcal-upsample copy does not make",
         "command line", "leave --hcal-upsample out, or say divide"});
  }
  auto source = event_source::open(o.file, o.events);
  if (!source) return fail(*source.error());
  if (auto apart = check_apart(o.out, {o.file}); !apart) return fail(*apart.error());
  auto const maker = make_image_maker(o.where, *o.ee_smear, *o.hcal_upsample, *o.hcal);
  auto file = image_file::create(o, *maker, source->has_labels());
  if (!file) return fail(*file.error());

  ct::event selected;  // of an event whose tracks are not all taken
  std::uint64_t done = 0;
  std::uint64_t without_mass = 0;
  std::uint64_t without_towers = 0;
  progress bar("building images", source->size());
  auto const outcome = source->visit([&](ct::event const& e, truth const& t) -> ct::result<void> {
    bar.step(++done);
    ct::event const* shown = &e;
    if (o.tracks == ct::track_selection::high_purity) {
      selected = e;
      std::erase_if(selected.track_list,
                    [](auto const& k) { return k.quality != ct::track_quality::high_purity; });
      for (auto const& k : e.tracks()) {
        if (k.quality == ct::track_quality::unknown) {
          return ct::error{"the tracks carry no quality flag", source->path() + ", " + name_of(e),
                           "use --tracks all"};
        }
      }
      shown = &selected;
    }
    if (o.hcal == ct::hcal_source::towers && !has_towers(e)) ++without_towers;
    if (o.preprocess == preprocessing::mgg && !(t.m_gg > 0)) {
      ++without_mass;
      return {};
    }
    maker->build(*shown);
    return file->append(o, *maker, *shown, t);
  });
  bar.finish();
  if (!outcome) return fail(*outcome.error());
  if (file->rows() == 0) {
    return fail({"no event has two photon candidates, so that no image can be divided by m_gg", o.file,
                 "use --preprocess none"});
  }
  if (without_towers == done && done > 0) return fail(no_towers(o.file));
  if (auto closed = file->close(); !closed) return fail(*closed.error());
  std::fputs(source->tolerated().c_str(), stderr);
  if (without_mass > 0) {
    std::fprintf(stderr, "left out: %s events without two photon candidates, which have no m_gg\n",
                 grouped(without_mass).c_str());
  }
  report_without_towers(without_towers);
  if (o.json) {
    nlohmann::ordered_json report{{"out", o.out}, {"events", file->rows()}, {"left_out", without_mass}};
    for (auto const& p : maker->planes()) {
      report["arrays"].push_back({{"name", maker->planes().size() > 1 ? p.name : "images"},
                                  {"shape", {file->rows(), o.channels.size(), p.rows, p.cols}}});
    }
    std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::printf("%s: %s images\n", o.out.c_str(), grouped(file->rows()).c_str());
  }
  return success;
}

}  // namespace

void add_images(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o =
      add_command<images_options>(app, status, "images", "Turn events into detector images",
                                  "Writes float32 arrays of events x channels x rows x columns, and run, event "
                                  "and m_gg, to an .npz file. The array is\n"
                                  "'images'; ecal-centric has three, 'barrel', 'eem' and 'eep'. Pixels are in "
                                  "GeV, row 0 is the most negative eta,\n"
                                  "column 10 begins at phi = 0; endcap rows and columns are iy - 1 and ix - 1.",
                                  command, images);
  command->add_option("file", o.file, "Events to draw")->required()->type_name("FILE");
  add_choice(*command, "--layout", o.where, layouts,
             "central: the barrel, 170 x 360; ecal-centric: that and both endcaps, 2 x 100 x 100;\n"
             "hcal-centric: all stitched together on the HCAL's towers, 280 x 360")
      ->required();
  command->add_option("--out", o.out, "File to write")->required()->type_name("F.npz");
  add_range(*command, o.events);
  add_choice(*command, "--preprocess", o.preprocess, preprocessings,
             "none: raw GeV (default); mgg: divided by the mass of the two leading photons, events without\n"
             "such a pair left out; jet: below 1 MeV set to 0, divided by 100 GeV, as in the jet paper");
  add_choice(
      *command, "--ee-smear", o.ee_smear, smears,
      "hcal-centric: endcap crystals spread over blocks of 2 x 2 pixels with the energy kept (conserve,\n"
      "default), with a quarter of it as in the published jet files (legacy_quarter), or not (none)");
  add_choice(*command, "--hcal-upsample", o.hcal_upsample, upsamples,
             "A tower covers 5 x 5 pixels: each holds its energy (copy, default) or a 25th (divide; with jet)");
  add_choice(*command, "--hcal", o.hcal, hcal_sources,
             "Hadronic energy from hits (default), or from towers where recorded hit lists are thinned");
  add_choice(*command, "--tracks", o.tracks, track_selections,
             "All tracks (default), or those of high purity where the file tells");
  add_choice_list(*command, "--channels", o.channels, channel_names,
                  "Channels and their order (default: tracks,ecal,hcal)");
  command->add_flag("--compress", o.compress, "Write a compressed file: some fifty times smaller, slower");
  add_force(*command, o.force);
  add_json(*command, o.json, "Print what was written as a JSON object");
}

}  // namespace program
