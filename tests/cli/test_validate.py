import shutil
import sys

import harness

sys.path.insert(0, str(harness.ROOT / "scripts"))
from figures_lib import event_paper  # noqa: E402

FILES = ("DoublePhoton_Run2012B_0.ig", "diphoton_7of10.ig")


class Validate(harness.Case):
    def test_recorded_beside_simulated_events(self):
        (self.folder / "recorded").mkdir()
        for file in FILES:
            shutil.copy(self.ig, self.folder / "recorded" / file)
        command = ("validate", "-n", 40, "--recorded", "recorded")
        numbers = self.json(*command, "--out", "page.html")
        self.assertEqual((numbers["simulated_events"], numbers["recorded_events"]), (40, 8))
        rows = {row["name"]: row for row in numbers["per_event"]}
        self.assertEqual(list(rows), ["EB hits", "EE hits", "HB hits", "tracks above 0.75 GeV"])
        self.assertAlmostEqual(rows["EB hits"]["recorded"], sum(e["hits"]["EB"] for e in self.truth) / 8)
        self.assertGreater(rows["EB hits"]["simulated"], 50)
        self.assertLess(abs(numbers["m_gg"]["median"] - 125), 3)
        compared = {row["name"]: row for row in numbers["compared"]}
        self.assertEqual(len(compared), 9)
        # the ratio at the step is 0 where no hit of so few events lies below it
        self.assertTrue(all(row["simulated"] > 0 for name, row in compared.items() if not name.startswith("halo hits")))
        for step in (numbers["halo_step"], numbers["halo_step_of_trigger"]):
            self.assertTrue(all(0 <= step[of]["below"] <= step[of]["hits"] for of in ("simulated", "recorded")))
            self.assertGreater(step["simulated"]["hits"], 50)
        spread = compared["EB hits of 0.1 to 1 GeV per event"]
        self.assertLess(spread["recorded"], rows["EB hits"]["recorded"])
        self.assertAlmostEqual(spread["error"], (spread["recorded"] / 8) ** 0.5)
        self.assertEqual([row["recorded"] for row in numbers["kept_in_hb"]], [0.2, 0.3, 0.71, 0.95, 1])
        self.assertTrue(all(row["simulated"] is None or 0 <= row["simulated"] <= 1 for row in numbers["kept_in_hb"]))
        self.assertEqual([row["name"] for row in numbers["shapes"]], ["r9", "r9, r9 > 0.94", "sigma_ieta_ieta, r9 > 0.94"])
        self.assertEqual(numbers["shapes"][0]["simulated"]["photons"], 80)
        gates = event_paper.response_gates(numbers) + event_paper.plot_gates(numbers)
        self.assertEqual(len({g["figure"] for g in gates}), 2 + 4 + 9 + 2 + 5 + 3 + 2 + 1)
        page = (self.folder / "page.html").read_text()
        for text in ("Occupancy", "Energies of hits", "Thinning", "Shapes of photons", "recorded 2012", "Made by: "):
            self.assertIn(text, page)
        self.assertEqual(self.json(*command, "--out", "again.html", "--threads", 1), numbers)

    def test_the_simulation_alone(self):
        numbers = self.json("validate", "-n", 12, "--out", "alone.html")
        self.assertEqual({row["recorded"] for row in numbers["per_event"]}, {None})
        self.assertNotIn("m_gg_of_recorded", numbers)
        self.assertEqual({row["recorded"] for row in numbers["compared"] + numbers["shapes"]}, {None})
        alone = event_paper.plot_gates(numbers)
        self.assertTrue(all(g["value"] is None for g in alone if not g["figure"].startswith("share of HB hits")))
        self.assertNotIn("recorded 2012", (self.folder / "alone.html").read_text())

    def test_what_cannot_be_done(self):
        page = ("validate", "--out", "none.html")
        self.refused(*page, "-n", 0, says="-n")
        self.refused(*page, "--recorded", "none", says=["no such file", FILES[0], "--recorded"])
        broken = self.folder / "broken"
        broken.mkdir()
        for file in FILES:
            (broken / file).write_bytes(self.ig.read_bytes()[:1000])
        self.refused(*page, "--recorded", "broken", says=FILES[0])
        self.refused("validate", "--recorded", "broken", "--out", f"broken/{FILES[0]}", "--force", says="same file")
        (self.folder / "kept.html").write_text("kept")
        self.refused("validate", "--out", "kept.html", says="exists already")


if __name__ == "__main__":
    harness.main()
