import unittest

import numpy as np

import harness

FILES = sorted(harness.DATA.glob("*/*.ig"))


@unittest.skipUnless(FILES, f"no recorded events in {harness.DATA} (CALOTYPE_DATA names another folder)")
class Recorded(harness.Case):
    def test_images_of_every_file_in_every_layout(self):
        for file in FILES:
            events = self.json("info", file)["events"]
            for layout in ("central", "ecal-centric", "hcal-centric"):
                with self.subTest(file=file.name, layout=layout):
                    self.out("images", file, "--layout", layout, "--out", "x.npz", "--force")
                    arrays = self.load("x.npz")
                    plane = arrays["barrel"] if layout == "ecal-centric" else arrays["images"]
                    self.assertEqual(len(plane), events)
                    self.assertEqual(len(arrays["run"]), events)
                    self.assertTrue(np.all(np.isfinite(plane)) and np.all(plane >= 0))
                    if events > 2:  # some events have not one hit in the barrel
                        self.assertGreater(np.count_nonzero(plane[:, 1].sum((1, 2))), 0)

    def test_photon_candidates_near_the_higgs_mass(self):
        file = harness.DATA / "ispy-webgl/diphoton_7of10.ig"
        if not file.exists():
            self.skipTest("no diphoton file")
        self.out("images", file, "--layout", "hcal-centric", "--hcal", "towers", "--out", "gg.npz")
        arrays = self.load("gg.npz")
        self.assertTrue(np.all((arrays["m_gg"] > 122) & (arrays["m_gg"] < 126.5)))
        self.assertTrue(np.all(arrays["images"][:, 2].sum((1, 2)) > 0))
        self.assertEqual(len(self.json("display", file, "--out", "pictures", "--hcal", "towers")), 14)

    def test_the_step_of_the_halo_away_from_other_candidates(self):
        if not (harness.DATA / "ispy-webgl").exists():
            self.skipTest("no events of the event display")
        numbers = self.json("validate", "-n", 20, "--recorded", harness.DATA / "ispy-webgl", "--out", "page.html")
        # 18 of 62 with what lies next to another candidate: one event has two of them 0.43 apart
        ratio = {row["name"]: row["recorded"] for row in numbers["compared"]}["halo hits of 0.095 to 0.115 GeV over those of 0.075 to 0.095"]
        self.assertAlmostEqual(ratio, 44 / 18)
        self.assertEqual(numbers["halo_step_of_trigger"]["recorded"], {"below": 0, "hits": 36})
        self.assertEqual(numbers["halo_step"]["recorded"], {"below": 2, "hits": 33})


if __name__ == "__main__":
    harness.main()
