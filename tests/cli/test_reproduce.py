"""Minutes of training: not one of CTest's cli tests, but part of .ci/run's stage demo, with an optimised program."""
import sys

import harness

sys.path.insert(0, str(harness.ROOT / "scripts"))
from figures_lib import event_paper  # noqa: E402

SECTIONS = ["Results, central (Table 6, Figure 4)", "Results, central+forward (Table 7, Figure 6)", "Beyond kinematics",
            "What the paper says of its classifiers", "Mass sculpting (Figure 5)", "Ways to keep the mass out",
            "Electrons and photons (Tables 4 and 5)", "Training", "Networks (Figure 3)", "Events (Figures 1 and 2)"]


class Reproduce(harness.Case):
    def test_the_whole_study_in_miniature(self):
        command = ["reproduce", "event-paper", "--events", 300, "--epochs", 1, "--out", "study"]
        numbers = self.json(*command)
        page = (self.folder / "study/report.html").read_text()
        for section in SECTIONS:
            self.assertIn(f"<h2>{section}</h2>", page)
        self.assertNotIn("<script", page)
        self.assertNotIn("src=\"http", page)
        trainings = {t["id"]: t for t in numbers["trainings"]}
        self.assertEqual(len(trainings), 21)
        for t in trainings.values():
            self.assertEqual(len(t["epochs"]), 1)
            for s in t["separations"]:
                self.assertTrue(0 <= s["auc"] <= 1)
            self.assertTrue((self.folder / f"study/{t['id']}.safetensors").exists())
        self.assertEqual(trainings["eb"]["cvm_gg"]["published"], 0.002)
        self.assertGreater(trainings["eb"]["cvm_gg"]["value"], 0)
        self.assertEqual(trainings["eb"]["separations"][4]["published_auc"], 0.94)
        self.assertEqual(len(numbers["comparisons"]), 13)

        figures = event_paper.Statements(numbers).all()
        self.assertEqual(len(figures), 34)
        self.assertTrue(all(isinstance(f["value"], float) for f in figures))

        # Nothing is trained twice, and the numbers stay.
        parameters = lambda: (self.folder / "study/cms-b.safetensors").read_bytes()[-4 * 90291:]
        before = parameters()
        self.refused(*command, says=["exists already"])
        again = self.json(*command, "--force")
        differing = {"command": "", "minutes": 0}
        self.assertEqual({**again, **differing}, {**numbers, **differing})
        self.assertEqual(parameters(), before)
        self.refused(*command, "--force", "--seed", 2, says=["checkpoint"])

    def test_what_cannot_be_done(self):
        self.refused("reproduce", "event-paper", "--events", 100, "--out", "few", says=["300"])
        self.refused("reproduce", "jet-paper", says=["event-paper"], code=2)


if __name__ == "__main__":
    harness.main()
