import itertools
import json
import re
import zipfile

import numpy as np

import harness

PLANES = {
    "central": {"images": (170, 360)},
    "ecal-centric": {"barrel": (170, 360), "eem": (100, 100), "eep": (100, 100)},
    "hcal-centric": {"images": (280, 360)},
}


class Images(harness.Case):
    def images(self, layout, *options):
        name = "out.npz"
        self.out("images", self.ig, "--layout", layout, "--out", name, "--force", *options)
        return self.load(name)

    def test_every_layout_with_run_and_event(self):
        for layout, planes in PLANES.items():
            arrays = self.images(layout)
            for name, shape in planes.items():
                self.assertEqual(arrays[name].shape, (8, 3) + shape)
                self.assertEqual(arrays[name].dtype, np.float32)
                self.assertTrue(np.all(arrays[name] >= 0))
            self.assertEqual(arrays["run"].tolist(), [e["run"] for e in self.truth])
            self.assertEqual(arrays["event"].tolist(), [e["event"] for e in self.truth])
            self.assertEqual(arrays["event"].dtype, np.uint64)

    def barrel_energies(self):
        """The sum of the positive EB energies of the events that are written in strict JSON, by their place."""
        sums = {}
        with zipfile.ZipFile(self.ig) as archive:
            members = [m for m in archive.namelist() if re.search(r"/Event_\d+$", m)]
            for place in range(0, len(members), 4):
                tree = json.loads(archive.read(members[place]))
                name = next(n for n in tree["Types"] if n.startswith("EBRecHits"))
                columns = [c[0] for c in tree["Types"][name]]
                hits = {row[columns.index("detid")]: row[columns.index("energy")] for row in tree["Collections"][name]}
                sums[place] = sum(e for e in hits.values() if e > 0)
        return sums

    def test_the_barrel_holds_its_energy_in_every_layout(self):
        for layout in PLANES:
            arrays = self.images(layout)
            plane = arrays["barrel"] if layout == "ecal-centric" else arrays["images"]
            barrel = plane[:, 1, 55:225] if layout == "hcal-centric" else plane[:, 1]
            for place, energy in self.barrel_energies().items():
                self.assertAlmostEqual(barrel[place].sum() / energy, 1, places=5)

    def test_layouts_agree_on_the_barrel(self):
        central = self.images("central")["images"]
        np.testing.assert_array_equal(central, self.images("ecal-centric")["barrel"])
        np.testing.assert_array_equal(central[:, 1], self.images("hcal-centric")["images"][:, 1, 55:225])

    def test_channels(self):
        names = ["tracks", "ecal", "hcal"]
        for layout, planes in PLANES.items():
            full = self.images(layout)
            for count in (1, 2, 3):
                for chosen in itertools.permutations(range(3), count):
                    part = self.images(layout, "--channels", ",".join(names[c] for c in chosen))
                    for name in planes:
                        np.testing.assert_array_equal(part[name], full[name][:, chosen])

    def test_preprocessing(self):
        raw = self.images("hcal-centric")
        scaled = self.images("hcal-centric", "--preprocess", "mgg")
        np.testing.assert_allclose(scaled["images"] * raw["m_gg"][:, None, None, None], raw["images"], rtol=1e-6)
        divided = self.images("hcal-centric", "--hcal-upsample", "divide")["images"]
        np.testing.assert_allclose(divided[:, 2] * 25, raw["images"][:, 2], rtol=1e-6)
        np.testing.assert_array_equal(divided[:, :2], raw["images"][:, :2])
        jet = self.images("hcal-centric", "--preprocess", "jet")["images"]
        kept = np.where(divided < np.float32(1e-3), 0, divided)
        np.testing.assert_allclose(jet, kept * np.array([0.01, 0.01, 0.25])[:, None, None], rtol=1e-6)
        self.refused("images", self.ig, "--layout", "central", "--preprocess", "jet", "--hcal-upsample", "copy", "--out",
                     "x.npz", says="--hcal-upsample")

    def test_endcap_smearing(self):
        raw = self.images("hcal-centric", "--ee-smear", "none")["images"][:, 1]
        kept = self.images("hcal-centric", "--ee-smear", "conserve")["images"][:, 1]
        quarter = self.images("hcal-centric", "--ee-smear", "legacy_quarter")["images"][:, 1]
        np.testing.assert_allclose(quarter[:, :55] * 4, kept[:, :55], rtol=1e-6)
        for side, edge in ((slice(0, 55), 0), (slice(225, 280), -1)):
            outer = raw[:, side][:, edge].sum(1)  # half of the outermost row falls outside
            np.testing.assert_allclose(kept[:, side].sum((1, 2)), raw[:, side].sum((1, 2)) - outer / 2, rtol=1e-5)

    def test_options_without_effect_are_refused(self):
        refuse = lambda *options, says: self.refused("images", self.ig, "--out", "x.npz", *options, says=[*says, "no effect"])
        for layout in ("central", "ecal-centric"):
            for smear in ("none", "conserve"):
                refuse("--layout", layout, "--ee-smear", smear, says=["--ee-smear", layout])
        refuse("--layout", "hcal-centric", "--ee-smear", "none", "--channels", "hcal", says=["--ee-smear", "channel ecal"])
        refuse("--layout", "central", "--channels", "ecal", "--hcal", "hits", says=["--hcal ", "channel hcal"])
        refuse("--layout", "central", "--channels", "ecal", "--hcal-upsample", "copy", says=["--hcal-upsample", "channel hcal"])
        refuse("--layout", "central", "--channels", "ecal", "--tracks", "all", says=["--tracks", "channel tracks"])
        metadata = lambda arrays: json.loads(arrays["metadata"].tobytes())
        self.assertEqual(metadata(self.images("central", "-n", 1))["ee_smear"], "none")
        self.assertEqual(metadata(self.images("hcal-centric", "-n", 1))["ee_smear"], "conserve")

    def test_towers(self):
        arrays = self.images("central", "--hcal", "towers", "-n", 2)
        self.assertGreater(arrays["images"][:, 2].sum(), 0)
        done = self.run_program("images", self.ig, "--layout", "central", "--hcal", "towers", "--out", "some.npz")
        without = sum(e["towers"] == 0 for e in self.truth)
        self.assertIn(f"without calorimeter towers, nothing in the hadronic channel: {without} events", done.stderr)
        self.assertEqual(np.load(self.folder / "some.npz")["images"][2, 2].sum(), 0)
        self.refused("images", self.ig, "--layout", "central", "--hcal", "towers", "--skip", 2, "-n", 1, "--out", "x.npz",
                     says=["no event has calorimeter towers", "--hcal hits"])

    def test_high_purity_needs_a_flag(self):
        self.refused("images", self.ig, "--layout", "central", "--tracks", "high-purity", "--out", "x.npz",
                     says=["no quality flag", "--tracks all"])

    def test_part_of_a_file(self):
        full = self.images("central")
        part = self.images("central", "--skip", 3, "-n", 2)
        self.assertEqual(part["event"].tolist(), full["event"][3:5].tolist())
        np.testing.assert_array_equal(part["images"], full["images"][3:5])

    def test_compressed_files_hold_the_same(self):
        plain = self.images("central")
        size = (self.folder / "out.npz").stat().st_size
        packed = self.images("central", "--compress")
        self.assertLess((self.folder / "out.npz").stat().st_size, size / 20)
        np.testing.assert_array_equal(plain["images"], packed["images"])

    def test_events_of_an_npz_file(self):
        self.out("simulate", "--process", "all", "-n", 2, "--out", "sim.npz", "--force")
        self.out("images", "sim.npz", "--layout", "hcal-centric", "--out", "out.npz", "--force")
        arrays = self.load("out.npz")
        self.assertEqual(arrays["label"].tolist(), [0, 1, 2, 0, 1, 2])
        self.assertEqual(arrays["images"].shape, (6, 3, 280, 360))

    def test_what_was_tolerated_is_told(self):
        done = self.run_program("images", self.ig, "--layout", "central", "--out", "out.npz", "--force")
        self.assertIn("hits with energy <= 0, left out of images: 81", done.stderr)
        self.assertIn("rows that repeat another, counted once: 2", done.stderr)

    def test_as_json(self):
        report = self.json("images", self.ig, "--layout", "ecal-centric", "--out", "out.npz", "--force")
        self.assertEqual([a["name"] for a in report["arrays"]], ["barrel", "eem", "eep"])
        self.assertEqual(report["arrays"][1]["shape"], [8, 3, 100, 100])


if __name__ == "__main__":
    harness.main()
