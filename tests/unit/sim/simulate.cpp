#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/observables/energy_map.hpp>
#include <calotype/observables/shower_shapes.hpp>
#include <calotype/sim/simulate.hpp>

namespace {

namespace ct = calotype;
namespace sim = calotype::sim;
namespace cms = calotype::cms;

std::uint64_t fingerprint(sim::simulated_event const& e) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  auto const add = [&](std::uint64_t word) {
    for (int i = 0; i < 8; ++i) hash = (hash ^ ((word >> (8 * i)) & 255U)) * 0x100000001b3ULL;
  };
  auto const number = [&](float x) { add(std::bit_cast<std::uint32_t>(x)); };
  for (auto const& list : e.event.hit_lists) {
    for (auto const& h : list) {
      add(h.id);
      number(h.energy);
    }
  }
  for (auto const& t : e.event.tracks())
    for (float x : {t.pt, t.eta, t.phi, t.charge, t.d0, t.z0}) number(x);
  for (auto const& p : e.event.photons())
    for (float x : {p.et, p.eta, p.phi, p.energy, p.r9, p.h_over_e}) number(x);
  number(e.m_gg);
  return hash;
}

std::vector<sim::simulated_event> events(sim::sample const& s, int n) {
  sim::simulator const make(s);
  std::vector<sim::simulated_event> out;
  for (int i = 0; i < n; ++i) out.push_back(make(static_cast<std::uint64_t>(i)));
  return out;
}

// Mean number of hits above `threshold`.
double mean_hits(std::vector<sim::simulated_event> const& sample, int collection, float threshold) {
  double sum = 0;
  for (auto const& e : sample)
    for (auto const& h : e.event.hits(collection)) sum += h.energy > threshold;
  return sum / static_cast<double>(sample.size());
}

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x.empty() ? 0 : x[x.size() / 2];
}

}  // namespace

TEST_CASE("event i is event i: in any order, on any thread, alone or in a loop") {
  sim::sample const s{.process = sim::process::gamma_jet, .seed = 5, .pile_up = 10};
  sim::simulator const make(s);
  int const n = 12;
  std::vector<std::uint64_t> forward, threaded(n);
  for (int i = 0; i < n; ++i) forward.push_back(fingerprint(make(static_cast<std::uint64_t>(i))));
  sim::workspace memory;
  sim::simulator({.pile_up = 40, .collections = sim::collections::full})(3, memory);
  for (int i = 0; i < n; ++i) {
    CHECK(fingerprint(make(static_cast<std::uint64_t>(i), memory)) == forward[static_cast<std::size_t>(i)]);
  }
  auto const work = [&](int first) {
    for (int i = n - 1 - first; i >= 0; i -= 3)
      threaded[static_cast<std::size_t>(i)] = fingerprint(make(static_cast<std::uint64_t>(i)));
  };
  std::thread a(work, 0), b(work, 1), c(work, 2);
  a.join();
  b.join();
  c.join();
  CHECK(forward == threaded);
  CHECK(fingerprint(sim::simulate(s, 7)) == forward[7]);
  CHECK(forward[0] != forward[1]);
  auto other = s;
  other.seed = 6;
  CHECK(fingerprint(sim::simulate(other, 7)) != forward[7]);
}

TEST_CASE("the same bits from every compiler, contraction mode and instruction set") {
  // found equal for g++ 12 and clang 19, -O1 to -O3, x86-64-v3 and native, -ffp-contract=off and fast
  std::uint64_t hash = 0;
  for (auto process :
       {sim::process::higgs, sim::process::born, sim::process::gamma_jet, sim::process::gamma_pi0})
    for (auto const& e : events({.process = process, .seed = 3, .pile_up = 12}, 3))
      hash = hash * 31 + fingerprint(e);
  CHECK(hash == 8003077387877134010ULL);
}

TEST_CASE("lists are sorted, unique and made of cells that exist") {
  for (auto kept : {sim::collections::reduced, sim::collections::full}) {
    for (auto const& e : events({.process = sim::process::born, .collections = kept}, 3)) {
      for (int list = 0; list < ct::max_collections; ++list) {
        auto const hits = e.event.hits(list);
        for (std::size_t k = 1; k < hits.size(); ++k) REQUIRE(hits[k - 1].id < hits[k].id);
      }
      for (auto const& h : e.event.hits(cms::collection::eb))
        REQUIRE(ct::segmentation<cms::eb>::unpack(h.id) >= 0);
      for (auto const& h : e.event.hits(cms::collection::ee))
        REQUIRE(ct::segmentation<cms::ee>::unpack(h.id) >= 0);
      for (auto const& h : e.event.hits(cms::collection::hb))
        REQUIRE(ct::segmentation<cms::hb>::unpack(h.id) >= 0);
      for (auto const& h : e.event.hits(cms::collection::he))
        REQUIRE(ct::segmentation<cms::he>::unpack(h.id) >= 0);
      CHECK(e.event.hits(cms::collection::he).empty() ==
            (kept == sim::collections::reduced));  // as in recorded lists
    }
  }
}

TEST_CASE("thinning drops hits and changes none") {
  sim::sample s{.process = sim::process::higgs, .seed = 9};
  auto const reduced = sim::simulate(s, 4);
  s.collections = sim::collections::full;
  auto const full = sim::simulate(s, 4);
  for (int list : {cms::collection::eb, cms::collection::ee, cms::collection::hb}) {
    auto const all = full.event.hits(list), some = reduced.event.hits(list);
    CHECK(some.size() * 2 < all.size());
    for (auto const& h : some) {
      auto const found = std::find_if(all.begin(), all.end(), [&](ct::hit const& x) { return x.id == h.id; });
      REQUIRE(found != all.end());
      CHECK(found->energy == h.energy);
    }
  }
  CHECK(full.m_gg == reduced.m_gg);
}

TEST_CASE("selections hold for what was reconstructed") {
  for (auto process : {sim::process::born, sim::process::gamma_jet}) {
    for (auto const& e : events({.process = process, .seed = 2, .scaled_pt = true}, 20)) {
      auto const photons = e.event.photons();
      REQUIRE(photons.size() >= 2);
      CHECK(e.m_gg > 90);
      CHECK(photons[0].et >= photons[1].et);
      CHECK(photons[0].et > e.m_gg / 3);
      CHECK(photons[1].et > std::max(20.0F, e.m_gg / 4));
      for (int k = 0; k < 2; ++k) CHECK(std::fabs(photons[static_cast<std::size_t>(k)].eta) < 1.44F);
      for (std::size_t k = 2; k < photons.size(); ++k)
        CHECK((photons[k].et < 20 || std::fabs(photons[k].eta) > 1.4F));
      CHECK(e.label == sim::label_of(process));
      for (auto const& t : e.event.tracks()) CHECK(t.pt > 0.75F);
    }
  }
  int endcap = 0;
  for (auto const& e : events({.process = sim::process::higgs, .selection = sim::selection::forward}, 40)) {
    for (std::size_t k = 0; k < 2; ++k) {
      float const eta = std::fabs(e.event.photons()[k].eta);
      CHECK(eta < 2.3F);
      CHECK((eta < 1.44F || eta > 1.54F));
      endcap += eta > 1.5F;
    }
  }
  CHECK(endcap > 5);
}

TEST_CASE("the Higgs boson peaks at its mass, with the resolution of 2012") {
  std::vector<double> m;
  for (auto const& e : events({.process = sim::process::higgs, .seed = 1}, 150))
    m.push_back(static_cast<double>(e.m_gg));
  CHECK(median(m) == doctest::Approx(125).epsilon(0.006));
  std::sort(m.begin(), m.end());
  double const width = (m[m.size() * 84 / 100] - m[m.size() * 16 / 100]) / 2;
  CHECK(width > 0.8);
  CHECK(width < 2.5);
}

TEST_CASE("photon showers look like recorded ones") {
  ct::energy_map<cms::eb> energies;
  std::vector<double> r9, inner, central, sigma;
  int high = 0;
  for (auto const& e : events({.process = sim::process::higgs, .seed = 4}, 120)) {
    energies.fill(e.event.hits(cms::collection::eb));
    for (std::size_t k = 0; k < 2; ++k) {
      auto const& p = e.event.photons()[k];
      r9.push_back(static_cast<double>(p.r9));
      if (!(p.r9 > 0.94F)) continue;
      ++high;
      int const seed = ct::seed_near(energies, p.eta, p.phi);
      if (seed < 0) continue;
      auto const s = ct::shapes_around(energies, seed);
      inner.push_back(static_cast<double>(s.e3x3 / s.e5x5));
      central.push_back(static_cast<double>(s.max_energy / s.e5x5));
      sigma.push_back(static_cast<double>(s.sigma_ieta_ieta));
    }
  }
  // CMS Open Data, H -> gamma gamma candidates (record 300) and 2012 photons of r9 > 0.94
  CHECK(static_cast<double>(high) / static_cast<double>(r9.size()) > 0.5);
  CHECK(median(r9) == doctest::Approx(0.95).epsilon(0.02));
  CHECK(median(inner) == doctest::Approx(0.9605).epsilon(0.01));
  CHECK(median(central) == doctest::Approx(0.66).epsilon(0.08));
  CHECK(median(sigma) == doctest::Approx(0.0092).epsilon(0.08).scale(0));
}

TEST_CASE("the lists are as full as those of the recorded DoublePhoton events") {
  // mean hits per event of 25 events of CMS Open Data record 7105 (2012B, 11.0 vertices); 16 interactions give
  // 11 vertices
  auto const whole = sim::selection::forward;  // they pass a trigger, which takes fakes, too
  auto sample = events({.process = sim::process::born, .seed = 8, .pile_up = 16, .selection = whole}, 30);
  for (auto& e : events({.process = sim::process::gamma_jet, .seed = 8, .pile_up = 16, .selection = whole}, 30))
    sample.push_back(std::move(e));
  auto const within = [](double got, double want) {
    INFO(got << " for " << want);
    CHECK(got < 1.5 * want);
    CHECK(got > want / 1.5);
  };
  within(mean_hits(sample, cms::collection::eb, -9), 318.6);
  within(mean_hits(sample, cms::collection::eb, 0.1F), 174.6);
  within(mean_hits(sample, cms::collection::eb, 0.2F), 88.6);
  within(mean_hits(sample, cms::collection::eb, 0.5F), 28.9);
  within(mean_hits(sample, cms::collection::ee, -9), 276.4);
  within(mean_hits(sample, cms::collection::ee, 0.3F), 198.9);
  within(mean_hits(sample, cms::collection::ee, 0.6F), 158.8);
  within(mean_hits(sample, cms::collection::ee, 1), 104.4);
  within(mean_hits(sample, cms::collection::ee, 2), 39.7);
  within(mean_hits(sample, cms::collection::hb, -9), 35.8);
  within(mean_hits(sample, cms::collection::hb, 0.7F), 12.8);
  double tracks = 0;
  for (auto const& e : sample) tracks += static_cast<double>(e.event.tracks().size());
  within(tracks / static_cast<double>(sample.size()), 105.7);
}

TEST_CASE("fragmentation may be varied, and the lone pion is an easier task") {
  auto const share = [](sim::sample const& s) {
    std::vector<double> x;
    for (auto const& e : events(s, 40))
      if (!e.truth.candidates[1].prompt) x.push_back(e.truth.candidates[1].seed_share.value);
    return median(x);
  };
  double const soft = share({.process = sim::process::gamma_jet, .pile_up = 0, .fragmentation = 0.5});
  double const hard = share({.process = sim::process::gamma_jet, .pile_up = 0, .fragmentation = 2});
  CHECK(soft < hard);
  auto const charged = [](sim::process p) {
    std::vector<double> x;
    for (auto const& e : events({.process = p, .pile_up = 0}, 40))
      x.push_back(e.truth.candidates[1].charged_pt.value);
    return median(x);
  };
  CHECK(charged(sim::process::gamma_jet) > 2 * charged(sim::process::gamma_pi0));
}

TEST_CASE("without a selection most Higgs bosons miss the central barrel") {
  int two = 0;
  auto const sample =
      events({.process = sim::process::higgs, .pile_up = 0, .selection = sim::selection::none}, 40);
  for (auto const& e : sample) {
    CHECK(e.truth.attempts == 1);
    CHECK((e.m_gg > 0) == (e.event.photons().size() >= 2));
    auto const photons = e.event.photons();
    two += photons.size() >= 2 && std::fabs(photons[0].eta) < 1.44F && std::fabs(photons[1].eta) < 1.44F;
  }
  CHECK(two > 8);
  CHECK(two < 32);
}

TEST_CASE("what a gun shoots is the most energetic thing in the barrel, and every shot is kept") {
  for (auto which : {sim::process::electron, sim::process::photon_pair}) {
    auto const shots = events({.process = which, .seed = 3, .pile_up = 0}, 60);
    int near = 0, inside = 0;
    for (auto const& e : shots) {
      CHECK(e.truth.attempts == 1);
      CHECK(e.label == sim::label_of(which));
      auto const& c = e.truth.candidates[0];
      if (std::abs(c.eta.value) > 1.3) continue;  // may leave through the end of the barrel
      ++inside;
      for (auto const& p : e.event.photons()) {
        if (std::abs(static_cast<double>(p.eta) - c.eta.value) < 0.05 && p.et > 35) {
          ++near;
          break;
        }
      }
    }
    CHECK(inside > 30);
    CHECK(near > 8 * inside / 10);
  }
}

TEST_CASE("digis are the pulses behind the barrel's hits, and change nothing else") {
  sim::sample s{.process = sim::process::electron, .seed = 3, .pile_up = 0};
  auto const plain = events(s, 3);
  s.digis = true;
  auto const pulsed = events(s, 3), again = events(s, 3);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(plain[i].event.pulses().empty());
    CHECK(fingerprint(plain[i]) == fingerprint(pulsed[i]));
    auto const hits = pulsed[i].event.hits(cms::collection::eb);
    auto const pulses = pulsed[i].event.pulses();
    REQUIRE(pulses.size() == hits.size());
    REQUIRE(hits.size() > 20);
    for (std::size_t k = 0; k < hits.size(); ++k) {
      CHECK(pulses[k].id == hits[k].id);
      double const energy = static_cast<double>(hits[k].energy);
      CHECK(std::abs(sim::amplitude(pulses[k].samples, sim::barrel_digitiser) - energy) <
            0.045 + 0.01 * energy);
      CHECK(pulses[k].samples == again[i].event.pulses()[k].samples);
    }
  }
  CHECK(pulsed[0].event.pulses()[0].samples != pulsed[1].event.pulses()[0].samples);
}

TEST_CASE("crystals to which other crossings add energy have their pulses") {
  // Samples 2 and 3 come before any pulse of this crossing but for its clock; a crossing 50 ns before has its
  // maximum at 3.
  auto const early = [](double pile_up) {
    double sum = 0;
    int count = 0;
    for (auto const& e :
         events({.process = sim::process::electron, .seed = 4, .pile_up = pile_up, .digis = true}, 4)) {
      auto const hits = e.event.hits(cms::collection::eb);
      for (std::size_t k = 0; k < hits.size(); ++k) {
        auto const& s = e.event.pulses()[k].samples;
        double const energy = static_cast<double>(hits[k].energy);
        CHECK(std::abs(sim::amplitude(s, sim::barrel_digitiser) - energy) < 0.045 + 0.01 * energy);
        if (energy > 0.3) continue;
        sum += static_cast<double>(s[2] + s[3]);
        ++count;
      }
    }
    REQUIRE(count > 40);
    return sum / count;
  };
  CHECK(std::abs(early(0)) < 0.02);
  CHECK(early(20) > 0.05);
}

namespace {

// Collisions of the embedded generator, as if a generator had written them.
sim::generated_events generated(sim::process which, int n) {
  sim::generated_events out;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(n); ++i) {
    ct::stream random(31, i, 0);
    sim::hard_event hard;
    while (!sim::generate(hard, which, 1, random)) continue;
    out.start({.number = i,
               .block = static_cast<std::int64_t>(i / 2),
               .label = sim::label_of(which),
               .weight = 2,
               .has_candidates = true,
               .candidates = {{hard.candidates[0], hard.candidates[1]}}});
    for (auto const& p : hard.particles) out.add(p);
  }
  return out;
}

sim::hit_library small_library() {
  sim::hit_library library;
  sim::soft_response const respond(2);
  for (std::uint64_t i = 0; i < 30; ++i) {
    ct::stream random(8, i, 0);
    std::vector<sim::particle> particles;
    sim::add_soft(particles, {}, random);
    auto const left = respond({.number = i}, particles);
    library.add(left.cells, left.tracks);
  }
  return library;
}

}  // namespace

TEST_CASE("generated collisions become events, the same ones on any thread") {
  auto const hard = generated(sim::process::higgs, 60);
  sim::simulator const make({.process = sim::process::higgs, .seed = 2, .pile_up = 5});
  std::vector<std::uint64_t> forward(hard.size()), backward(hard.size());
  std::vector<double> masses;
  for (std::size_t i = 0; i < hard.size(); ++i) {
    auto const e = make(hard[i], hard.particles(i));
    if (!e) continue;
    forward[i] = fingerprint(*e);
    masses.push_back(static_cast<double>(e->m_gg));
    CHECK(e->event.number == i);
    CHECK(e->block == static_cast<std::int64_t>(i / 2));
    CHECK(e->label == 0);
    CHECK(e->weight == 2);
    CHECK(e->era == -1);
    CHECK(e->prompt_pair());
  }
  CHECK(masses.size() > 8);
  CHECK(masses.size() < 50);
  CHECK(median(masses) == doctest::Approx(125).epsilon(0.03));
  auto const work = [&](std::size_t first) {
    for (std::size_t i = first; i < hard.size(); i += 2) {
      auto const e = make(hard[hard.size() - 1 - i], hard.particles(hard.size() - 1 - i));
      if (e) backward[hard.size() - 1 - i] = fingerprint(*e);
    }
  };
  std::thread a(work, 0), b(work, 1);
  a.join();
  b.join();
  CHECK(forward == backward);
}

TEST_CASE("a third candidate above 20 GeV in the acceptance ends an event, others do not") {
  sim::simulator const make({.process = sim::process::higgs, .seed = 2, .pile_up = 0});
  auto const kept = [&](double third_pt, double third_eta) {
    int n = 0, with_third = 0;
    for (std::uint64_t i = 0; i < 20; ++i) {
      sim::particle const photons[] = {{sim::species::photon, 70, 0.3, 0, 0},
                                       {sim::species::photon, 65, -0.4, 2.8, 0},
                                       {sim::species::photon, third_pt, third_eta, -1.5, 0}};
      auto const e = make({.number = i}, photons);
      if (!e) continue;
      ++n;
      with_third += e->event.photons().size() > 2;
    }
    CHECK((n == 0 || (with_third > 10) == (third_pt > 10)));
    return n;
  };
  CHECK(kept(2, 0.2) == 20);
  CHECK(kept(15, 0.2) == 20);
  CHECK(kept(40, 2) == 20);
  CHECK(kept(40, 0.2) == 0);
}

TEST_CASE("what a generator says of its candidates decides where both are prompt") {
  sim::simulator const make({.process = sim::process::gamma_jet, .seed = 2, .pile_up = 0});
  sim::particle const photons[] = {{sim::species::photon, 70, 0.3, 0, 0},
                                   {sim::species::photon, 65, -0.4, 2.8, 0}};
  sim::generated_event hard{.has_candidates = true, .candidates = {{{70, 0.3, 0}, {10, -0.4, 2.8, false}}}};
  CHECK(make(hard, photons));
  hard.candidates[1].prompt = true;
  CHECK_FALSE(make(hard, photons));
}

TEST_CASE("event i has the same era and surroundings in every process") {
  auto const library = small_library();
  sim::overlays const pile_up(library);
  sim::sample s{.process = sim::process::higgs, .seed = 5, .selection = sim::selection::none, .eras = true};
  sim::simulator const higgs(s, &pile_up), alone(s);
  s.process = sim::process::born;
  sim::simulator const born(s, &pile_up);
  auto const hard = generated(sim::process::born, 20);
  std::set<int> eras;
  std::set<int> numbers;
  for (std::uint64_t i = 0; i < 20; ++i) {
    auto const a = higgs(i), b = born(i);
    auto const c = born(hard[i], hard.particles(i));
    REQUIRE(c);
    CHECK(a.era == b.era);
    CHECK(a.era == c->era);
    CHECK(a.era == alone(i).era);
    CHECK(a.truth.interactions == b.truth.interactions);
    CHECK(a.truth.interactions == c->truth.interactions);
    eras.insert(a.era);
    numbers.insert(a.truth.interactions);
    // the tracks of the overlays are the last ones
    auto const& x = a.event.track_list;
    auto const& y = c->event.track_list;
    std::size_t equal = 0;
    while (equal < x.size() && equal < y.size() && x[x.size() - 1 - equal].pt == y[y.size() - 1 - equal].pt)
      ++equal;
    CHECK(equal >= 3U);
  }
  CHECK(eras == std::set<int>{0, 1, 2});
  CHECK(numbers.size() > 5);
}

TEST_CASE("eras and their pile-up are those of the event paper") {
  // no detector: the vertices are not looked at, only what is drawn
  sim::sample const s{
      .process = sim::process::higgs, .seed = 9, .selection = sim::selection::none, .eras = true};
  sim::hit_library library;
  library.add({}, {});  // nothing is laid over the events
  sim::overlays const nothing(library);
  sim::simulator const make(s, &nothing);
  sim::generated_events hard;
  int const n = 1500;
  double count[3] = {}, sum[3] = {};
  for (int i = 0; i < n; ++i) {
    hard.clear();
    hard.start({.number = static_cast<std::uint64_t>(i)});
    auto const e = make(hard[0], {});
    REQUIRE(e);
    ++count[e->era];
    sum[e->era] += e->truth.interactions;
  }
  double const all = 16308 + 24538 + 22206;
  CHECK(std::fabs(count[0] / n - 16308 / all) < 0.045);
  CHECK(std::fabs(count[1] / n - 24538 / all) < 0.045);
  CHECK(std::fabs(count[2] / n - 22206 / all) < 0.045);
  CHECK(sum[0] / count[0] == doctest::Approx(18).epsilon(0.08));
  CHECK(sum[1] / count[1] == doctest::Approx(19.5).epsilon(0.08));
  CHECK(sum[2] / count[2] == doctest::Approx(21).epsilon(0.08));
}
