"""examples/pythia: the filter on lists made by hand, and a small run where Pythia is installed.

CALOTYPE_PYTHIA names a Python that has pythia8mc and awkward; by default the one that runs this, or build/pythia-venv.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import harness
import numpy as np

FOLDER = harness.ROOT / "examples/pythia"
sys.path.insert(0, str(FOLDER))

import enrichment  # noqa: E402


def python_with_pythia():
    for name in (os.environ.get("CALOTYPE_PYTHIA"), sys.executable, harness.ROOT / "build/pythia-venv/bin/python"):
        if name and shutil.which(str(name)) and subprocess.run([str(name), "-c", "import awkward, pythia8mc"],
                                                               capture_output=True).returncode == 0:
            return str(name)
    return None


def particles(*events):
    """Events of entries (pdg, pt, eta, phi, final, mother within the event)."""
    rows, offsets = [], [0]
    for event in events:
        rows += [(*entry[:5], -1 if entry[5] is None else entry[5] + offsets[-1]) for entry in event]
        offsets.append(len(rows))
    pdg, pt, eta, phi, final, mother = (np.array(column) for column in zip(*rows))
    return enrichment.Particles(np.array(offsets), pdg, final.astype(bool), mother, pt * np.cos(phi), pt * np.sin(phi),
                                pt * np.sinh(eta))


QUARK = (2, 50.0, 0.0, 1.0, False, None)
COPY = (2, 50.0, 0.0, 1.0, False, 0)


def photon(pt, eta=0.0, phi=0.0):
    """A prompt photon: two generations of quarks before it."""
    return [QUARK, COPY, (22, pt, eta, phi, True, 1)]


def pion(at, pt, eta=0.0, phi=3.1, mother=None):
    """A pi0 that is entry `at` and its two photons."""
    return [(111, pt, eta, phi, False, mother), (22, 0.7 * pt, eta, phi + 0.002, True, at), (22, 0.3 * pt, eta, phi - 0.004, True, at)]


def charged(pt, eta=0.0, phi=3.1, pdg=211):
    return (pdg, pt, eta, phi, True, None)


class Enrichment(unittest.TestCase):
    def passes(self, *event):
        return bool(enrichment.enriched(particles(list(event))).found[0])

    def test_a_photon_and_a_pion_are_a_pair(self):
        pair = enrichment.enriched(particles(photon(50) + pion(3, 45)))
        self.assertEqual(pair.found.tolist(), [True])
        self.assertEqual(pair.prompt.tolist(), [[True, False]])
        self.assertEqual(pair.seed.tolist(), [[22, 111]])
        np.testing.assert_allclose(pair.pt, [[50, 45]], rtol=1e-3)
        np.testing.assert_allclose(pair.seed_share, [[1, 1]], rtol=1e-3)

    def test_the_pion_s_photons_are_no_seeds_of_their_own(self):
        p = particles(photon(50) + pion(3, 45))
        self.assertEqual(p.pdg_id[enrichment.seeds(p, enrichment.seen(p))].tolist(), [22, 111])
        eta_first = particles([(221, 60.0, 0.0, 0.0, False, None), *pion(1, 30, phi=0.0, mother=0)])
        self.assertEqual(enrichment.seeds(eta_first, enrichment.seen(eta_first)).tolist(), [0])

    def test_thresholds(self):
        self.assertFalse(self.passes(*photon(50), *pion(3, 14.5)))  # a candidate needs 15 GeV
        self.assertFalse(self.passes(*photon(39), *pion(3, 40)))  # mass: back to back, 79
        self.assertTrue(self.passes(*photon(41), *pion(3, 40)))
        self.assertFalse(self.passes(*photon(50), *pion(3, 45, eta=2.9)))  # seeds within 2.8
        self.assertFalse(self.passes(*photon(50)))

    def test_soft_seeds_gather_what_lies_around(self):
        rest = [(22, 20.0, 0.1, 3.2, True, None), (22, 18.0, -0.1, 3.0, True, None)]
        pair = enrichment.enriched(particles(photon(50) + pion(3, 6) + rest))
        self.assertTrue(pair.found[0])
        self.assertAlmostEqual(pair.pt[0, 1], 44, delta=0.5)
        outside = [(22, 4.0, 0.15, 3.1, True, None)] * 9
        self.assertFalse(self.passes(*photon(50), *pion(3, 6), *outside))

    def test_tracks_near_a_candidate(self):
        event = photon(50) + pion(3, 45)
        self.assertTrue(self.passes(*event, charged(2), charged(2)))
        self.assertFalse(self.passes(*event, charged(2), charged(2), charged(2)))
        self.assertTrue(self.passes(*event, charged(2), charged(2), charged(1.5)))  # too soft to count
        self.assertTrue(self.passes(*event, charged(2), charged(2), charged(2, phi=2.85)))  # too far
        self.assertTrue(self.passes(*event, charged(2), charged(2), charged(2, pdg=2212)))  # protons are not asked for

    def test_a_prompt_photon_counts_no_tracks(self):
        crowd = [charged(2, phi=0.0)] * 5
        self.assertTrue(self.passes(*photon(50), *pion(3, 45), *crowd))
        self.assertFalse(self.passes(*pion(0, 50, phi=0.0), *pion(3, 45), *crowd))

    def test_decays_of_strange_hadrons_are_not_seen(self):
        kaon = (310, 60.0, 0.0, 3.1, False, None)
        self.assertFalse(self.passes(*photon(50), kaon, *pion(4, 45, mother=3)))
        tracks = [(211, 20.0, 0.0, 3.1, True, 3)] * 3
        self.assertTrue(self.passes(*photon(50), kaon, *pion(4, 45), *tracks))

    def test_many_events_at_a_time_are_many_events(self):
        good, soft, none = photon(50) + pion(3, 45), photon(50) + pion(3, 10), [charged(3)]
        pair = enrichment.enriched(particles(good, soft, none, good, photon(60) + pion(3, 45)))
        self.assertEqual(pair.found.tolist(), [True, False, False, True, True])
        self.assertAlmostEqual(pair.pt[4, 0], 60)
        self.assertEqual(pair.pt[1].tolist(), [0, 0])

    def test_hardest_photons(self):
        event = [QUARK, (25, 40.0, 0.0, 0.0, False, 0), (22, 60.0, 0.2, 0.0, True, 1), (22, 70.0, -0.4, 3.0, True, 1),
                 *pion(4, 100)]
        pair = enrichment.hardest_photons(particles(event, [charged(3)]))
        self.assertEqual(pair.found.tolist(), [True, False])
        np.testing.assert_allclose(pair.pt[0], [70, 60])
        np.testing.assert_allclose(pair.eta[0], [-0.4, 0.2])


class Generate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = python_with_pythia()
        if cls.python is None:
            raise unittest.SkipTest("no Python with pythia8mc and awkward; CALOTYPE_PYTHIA may name one")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="calotype_pythia_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def generate(self, name, *options, code=0):
        done = subprocess.run([self.python, str(FOLDER / "generate.py"), "--out", name, *map(str, options)], cwd=self.folder,
                              capture_output=True, text=True, timeout=800)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def load(self, name):
        with np.load(self.folder / name) as file:
            return {key: file[key] for key in file.files}

    def test_a_run_that_was_stopped_goes_on(self):
        command = [self.python, str(FOLDER / "generate.py"), "--process", "higgs", "-n", "520", "--jobs", "1", "--out", "s.npz"]
        run = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, text=True)
        first = self.folder / "s.npz.blocks/000000.npz"
        while run.poll() is None and not first.exists():
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        self.assertIn("goes on from the finished blocks", run.communicate(timeout=100)[1])
        self.assertEqual(run.returncode, 1)
        self.assertFalse((self.folder / "s.npz").exists())
        done = self.generate("s.npz", "--process", "higgs", "-n", 520, "--jobs", 1)
        self.assertLess(done.stderr.count("block"), 2)  # the one at work when it was stopped is finished too
        self.generate("whole.npz", "--process", "higgs", "-n", 520, "--jobs", 1)
        stopped, whole = self.load("s.npz"), self.load("whole.npz")
        for key in whole:
            np.testing.assert_array_equal(stopped[key], whole[key])

    def test_events_of_a_seed_are_the_same_for_any_number_of_jobs(self):
        self.generate("one.npz", "--process", "higgs", "-n", 520, "--jobs", 1)
        self.generate("part.npz", "--process", "higgs", "-n", 20, "--jobs", 1)
        blocks = self.folder / "two.npz.blocks"
        self.generate("two.npz", "--process", "higgs", "-n", 520, "--jobs", 2)
        self.assertFalse(blocks.exists())
        one, two, part = self.load("one.npz"), self.load("two.npz"), self.load("part.npz")
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])
        np.testing.assert_array_equal(one["px"][:part["offsets"][-1]], part["px"])
        blocks.mkdir()
        (blocks / "run.json").write_text("{}")
        done = self.generate("two.npz", "--process", "higgs", "-n", 20, "--force", code=1)
        self.assertIn("blocks of another run", done.stderr)
        self.assertIn("exists", self.generate("one.npz", "--process", "higgs", "-n", 20, code=1).stderr)

    def test_physics(self):
        self.generate("gamma-jet.npz", "--process", "gamma-jet", "-n", 500, "--jobs", 2)
        self.generate("higgs.npz", "--process", "higgs", "-n", 500, "--seed", 2)
        done = subprocess.run([self.python, str(FOLDER / "check.py"), "gamma-jet.npz", "higgs.npz"], cwd=self.folder,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        sample = self.load("gamma-jet.npz")
        metadata = json.loads(bytes(sample["metadata"]))
        self.assertLess(abs(float(metadata["filter_efficiency"]) - 0.054), 4 * float(metadata["filter_efficiency_error"]))
        self.assertTrue(np.all(np.diff(sample["block"]) >= 0))
        self.assertLess(len(np.unique(sample["block"])), 500)  # some parton events pass more than once


if __name__ == "__main__":
    harness.main()
