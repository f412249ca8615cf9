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

    def test_refused(self):
        self.refused("simulate", "--process", "higgs", "-n", 0, "--out", "x.npz", says="no event is asked for")
        self.refused("simulate", "--process", "higgs", "-n", 5, "--skip", 2**64 - 1, "--out", "x.npz", says=["--skip", "-n"])
        self.refused("simulate", "--process", "higgs", "-n", 2**64 - 1, "--skip", 1, "--out", "x.npz", says=["--skip", "-n"])
        self.refused("simulate", "--process", "higgs", "-n", 5, "--skip", 2**64, "--out", "x.npz", code=2, says="--skip")
        last = self.simulate("last.npz", "--process", "higgs", "-n", 2, "--skip", 2**64 - 3)
        self.assertEqual(last["event"].tolist(), [2**64 - 3, 2**64 - 2])
        self.refused("simulate", "--process", "top", "-n", 1, "--out", "x.npz", code=2, says=["'top' is none of", "gamma-jet"])


if __name__ == "__main__":
    harness.main()
