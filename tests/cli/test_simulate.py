import numpy as np

import harness


class Simulate(harness.Case):
    def simulate(self, name, *options):
        self.out("simulate", "--out", name, "--force", *options)
        return self.load(name)

    def test_the_same_bytes_on_any_number_of_threads(self):
        for threads in (1, 3):
            self.out("simulate", "--process", "all", "-n", 7, "--seed", 5, "--threads", threads, "--out", f"s{threads}.npz")
        one, three = self.load("s1.npz"), self.load("s3.npz")
        for key in one:
            if key != "metadata":  # it holds the command line
                np.testing.assert_array_equal(one[key], three[key])

    def test_event_i_of_a_seed_is_the_same_event(self):
        full = self.simulate("full.npz", "--process", "higgs", "-n", 6)
        part = self.simulate("part.npz", "--process", "higgs", "-n", 2, "--skip", 3)
        self.assertEqual(part["event"].tolist(), [3, 4])
        np.testing.assert_array_equal(part["m_gg"], full["m_gg"][3:5])
        first, last = full["hit_offset"][3], full["hit_offset"][5]
        np.testing.assert_array_equal(part["hit_energy"], full["hit_energy"][first:last])
        other = self.simulate("other.npz", "--process", "higgs", "-n", 6, "--seed", 2)
        self.assertFalse(np.array_equal(other["m_gg"], full["m_gg"]))

    def test_processes_and_their_labels(self):
        for process, label in (("higgs", 0), ("born", 1), ("gamma-jet", 2), ("gamma-pi0", 2)):
            events = self.simulate("p.npz", "--process", process, "-n", 4)
            self.assertEqual(events["label"].tolist(), [label] * 4)
            self.assertEqual(events["weight"].tolist(), [1] * 4)
            self.assertTrue(np.all(events["m_gg"] > 90))
        higgs = self.simulate("p.npz", "--process", "higgs", "-n", 60)
        self.assertLess(abs(np.median(higgs["m_gg"]) - 125), 3)

    def test_particle_guns(self):
        for process, labels in (("electron", [0] * 3), ("photon-pair", [1] * 3), ("showers", [0, 1] * 3)):
            events = self.simulate("g.npz", "--process", process, "-n", 3, "--pile-up", 0)
            self.assertEqual(events["label"].tolist(), labels)
            self.assertGreater(events["hit_energy"].max(), 10)

    def test_ragged_lists_fit_together(self):
        e = self.simulate("r.npz", "--process", "all", "-n", 5)
        for kind, column in (("hit", "hit_id"), ("track", "track_pt"), ("photon", "photon_et")):
            offsets = e[f"{kind}_offset"]
            self.assertEqual((len(offsets), offsets[0], offsets[-1]), (16, 0, len(e[column])))
            self.assertTrue(np.all(np.diff(offsets.astype(np.int64)) >= 0))

    def test_options_matter(self):
        base = self.simulate("b.npz", "--process", "gamma-jet", "-n", 5)
        quiet = self.simulate("q.npz", "--process", "gamma-jet", "-n", 5, "--pile-up", 0)
        self.assertLess(len(quiet["track_pt"]), len(base["track_pt"]) / 2)
        full = self.simulate("f.npz", "--process", "gamma-jet", "-n", 5, "--collections", "full")
        self.assertGreater(len(full["hit_id"]), 2 * len(base["hit_id"]))
        hard = self.simulate("h.npz", "--process", "gamma-jet", "-n", 5, "--fragmentation", 2)
        self.assertFalse(np.array_equal(hard["photon_et"][:5], base["photon_et"][:5]))

    def test_the_cuts_that_scale_with_the_mass(self):
        both = {cut: self.simulate(f"{len(cut)}.npz", "--process", "born", "-n", 40, *cut) for cut in ((), ("--scaled-pt",))}
        passing = {}
        for cut, events in both.items():
            et, first = events["photon_et"], events["photon_offset"]
            passing[cut] = [et[i] > m / 3 and et[i + 1] > m / 4 for i, m in zip(first, events["m_gg"])]
        self.assertTrue(all(passing["--scaled-pt",]))
        self.assertFalse(all(passing[()]))
        # Where the first attempt passes all cuts, the event is the same.
        same = [i for i in range(40) if both[()]["m_gg"][i] == both["--scaled-pt",]["m_gg"][i]]
        self.assertTrue(all(passing[()][i] for i in same))
        self.assertGreater(len(same), 10)
        self.refused("simulate", "--process", "born", "-n", 1, "--scaled-pt", "--selection", "none", "--out", "x.npz",
                     says=["--scaled-pt has no effect with --selection none"])

    def particles(self, name, process, events, seed=1):
        """Photon pairs of mass 125 GeV in the barrel, and some hadrons, in the place of a generator's events."""
        random = np.random.default_rng(seed)
        rows, offsets, candidates = [], [0], []
        for _ in range(events):
            eta, phi = random.uniform(-0.8, 0.8), random.uniform(-3, 3)
            pairs = [(22, 62.5, eta, phi), (22, 62.5, eta, phi + np.pi)]
            candidates.append([pair[1:] for pair in pairs])
            pairs += [(random.choice([211, -211, 130]), random.exponential() + 0.3, random.uniform(-2, 2), random.uniform(-3, 3))
                      for _ in range(random.poisson(30 if process == "minimum-bias" else 3))]
            rows += pairs[2:] if process == "minimum-bias" else pairs
            offsets.append(len(rows))
        pdg, pt, eta, phi = (np.array(column) for column in zip(*rows))
        candidates = np.array(candidates, np.float32)
        label = {"higgs": 0, "born": 1}.get(process, -1)
        metadata = np.frombuffer(f'{{"process": "{process}"}}'.encode(), np.uint8)
        np.savez(self.folder / name, offsets=np.array(offsets), pdg_id=pdg.astype(np.int32), px=(pt * np.cos(phi)),
                 py=(pt * np.sin(phi)), pz=(pt * np.sinh(eta)), label=np.full(events, label, np.int32), metadata=metadata,
                 candidate_pt=candidates[:, :, 0], candidate_eta=candidates[:, :, 1], candidate_phi=candidates[:, :, 2],
                 candidate_prompt=np.ones((events, 2), np.uint8), block=np.arange(events) // 2)

    def test_generated_events_over_a_library(self):
        self.particles("higgs.npz", "higgs", 300)
        self.particles("born.npz", "born", 300, 2)
        self.particles("soft.npz", "minimum-bias", 60)
        told = self.json("info", "higgs.npz")
        self.assertEqual((told["kind"], told["events"], told["metadata"]["process"]), ("particles", 300, "higgs"))
        self.assertIn("300 generated events", self.out("info", "higgs.npz"))
        np.savez(self.folder / "numbers.npz", pdg_id=np.arange(3))
        self.assertEqual(self.json("info", "numbers.npz")["kind"], "arrays")
        for threads in (1, 3):
            self.out("simulate", "--minimum-bias", "soft.npz", "--threads", threads, "--out", f"l{threads}.npz")
        one, three = self.load("l1.npz"), self.load("l3.npz")
        for key in one:
            if key != "metadata":
                np.testing.assert_array_equal(one[key], three[key])
        self.assertEqual(len(one["cell_offset"]), 61)
        source = ("--particles", "higgs.npz", "born.npz", "--eras", "--library", "l1.npz", "--library-part", "1/3")
        e = self.simulate("e1.npz", *source, "-n", 50, "--threads", 1)
        again = self.simulate("e3.npz", *source, "-n", 50, "--threads", 3)
        for key in e:
            if key != "metadata":
                np.testing.assert_array_equal(e[key], again[key])
        of = {label: {key: e[key][e["label"] == label] for key in ("event", "era", "interactions", "block", "m_gg")}
              for label in (0, 1)}
        for label in (0, 1):
            self.assertEqual(np.bincount(of[label]["era"]).tolist(), [13, 19, 18])  # 16308 : 24538 : 22206 of 50
            np.testing.assert_array_equal(of[label]["block"], of[label]["event"] // 2)
            self.assertLess(abs(np.median(of[label]["m_gg"]) - 125), 4)
        both, first, second = np.intersect1d(of[0]["event"], of[1]["event"], return_indices=True)
        self.assertGreater(len(both), 5)
        for key in ("era", "interactions"):
            np.testing.assert_array_equal(of[0][key][first], of[1][key][second])
        self.assertTrue(np.all(e["prompt_pair"] == 1))
        other = self.simulate("o.npz", *source[:-1], "2/3", "-n", 50)
        self.assertFalse(np.array_equal(e["track_pt"], other["track_pt"]))
        every = self.simulate("a.npz", "--particles", "higgs.npz", "--skip", 280, "--pile-up", 3)
        self.assertTrue(np.all(every["event"] >= 280))
        self.assertTrue(np.all(every["era"] == -1))

    def test_refused_sources(self):
        self.particles("few.npz", "higgs", 6)
        self.particles("odd.npz", "top", 6)
        self.out("simulate", "--minimum-bias", "few.npz", "-n", 2, "--out", "tiny.npz")
        few = ("simulate", "--particles", "few.npz", "--out", "x.npz")
        self.refused(*few, "-n", 50, says=["of 50 events could be made", "generate more"])
        self.refused(*few, "-n", 0, says="no event is asked for")
        self.refused(*few, "--skip", 6, says="it has 6 events")
        self.refused(*few, "--library", "few.npz", says="no library of soft collisions")
        self.refused(*few, "--library", "tiny.npz", "--library-part", "3/3", says="no part of a library")
        for part in ("0/5", "4/5", f"{2**64 - 2}/{2**64 - 1}"):
            self.refused(*few, "--library", "tiny.npz", "--library-part", part, says=f"too few collisions for {part.partition('/')[2]} parts: 2")
        self.refused(*few, "--library-part", "0/3", code=2, says="--library")
        self.refused(*few, "--fragmentation", 2, code=2, says="--fragmentation")
        self.refused(*few, "--process", "higgs", code=2, says="--process")
        self.refused("simulate", "--out", "x.npz", code=2, says="--particles")
        self.refused(*few, "--eras", "--pile-up", 20, code=2, says="--eras")
        self.refused("simulate", "--particles", "odd.npz", "--out", "x.npz", says="name no process")
        self.refused("simulate", "--particles", "tiny.npz", "--out", "x.npz", says="no array 'offsets'")
        self.refused("simulate", "--particles", "none.npz", "--out", "x.npz", says="none.npz")
        self.refused("simulate", "--particles", "few.npz", "--out", "few.npz", "--force", says="few.npz")
        self.refused("simulate", "--minimum-bias", "few.npz", "--eras", "--out", "x.npz", code=2, says="--minimum-bias")

    def test_refused(self):
        self.refused("simulate", "--process", "higgs", "-n", 0, "--out", "x.npz", says="no event is asked for")
        self.refused("simulate", "--process", "higgs", "-n", 5, "--skip", 2**64 - 1, "--out", "x.npz", says=["--skip", "-n"])
        self.refused("simulate", "--process", "higgs", "-n", 2**64 - 1, "--skip", 1, "--out", "x.npz", says=["--skip", "-n"])
        self.refused("simulate", "--process", "higgs", "-n", 5, "--skip", 2**64, "--out", "x.npz", code=2, says="--skip")
        last = self.simulate("last.npz", "--process", "higgs", "-n", 2, "--skip", 2**64 - 3)
        self.assertEqual(last["event"].tolist(), [2**64 - 3, 2**64 - 2])
        for option, value in (("--fragmentation", 2), ("--selection", "forward")):
            self.refused("simulate", "--process", "showers", "-n", 1, option, value, "--out", "x.npz",
                         says=f"{option} has no effect on the particles of a gun")
        self.refused("simulate", "--process", "born", "-n", 1, "--fragmentation", 2, "--selection", "none", "--out", "x.npz",
                     says="--fragmentation has no effect on events without a jet")
        self.refused("simulate", "--process", "top", "-n", 1, "--out", "x.npz", code=2, says=["'top' is none of", "gamma-jet"])


if __name__ == "__main__":
    harness.main()
