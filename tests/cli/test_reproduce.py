"""Minutes of training: not one of CTest's cli tests, but part of .ci/run's stage demo, with an optimised program."""
import json
import sys

import harness
import numpy as np

sys.path.insert(0, str(harness.ROOT / "scripts"))
from figures_lib import event_paper  # noqa: E402

SECTIONS = ["Results, central (Table 6, Figure 4)", "Results, central+forward (Table 7, Figure 6)", "Beyond kinematics",
            "Controls", "What the paper says of its classifiers", "Mass sculpting (Figure 5)", "Ways to keep the mass out",
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
        self.assertEqual(len(trainings), 23)
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
        self.assertEqual(len(figures), 36)
        self.assertTrue(all(isinstance(f["value"], float) for f in figures))

        # Nothing is trained twice, and the numbers stay.
        parameters = lambda: (self.folder / "study/cms-b.safetensors").read_bytes()[-4 * 90291:]
        before = parameters()
        self.refused(*command, says=["exists already"])
        again = self.json(*command, "--force", "--seeds", 2, "--paper-split")
        differing = {"command": "", "minutes": 0, "given_weights": 0}
        self.assertEqual(numbers["given_weights"], 0)
        figures = [f["figure"] for f in event_paper.Statements(again).all()]
        self.assertEqual((len(figures), len(set(figures))), (57, 57))
        chosen = again.pop("paper_split")
        self.assertEqual([t["id"] for t in chosen], [t["id"] for t in numbers["trainings"] if "published" in t.get("cvm_gg", {})])
        self.assertEqual([(t["id"], t["seeds"]) for t in again["by_seed"]], [("eb", [1, 2]), ("ecal", [1, 2])])
        for t in again.pop("by_seed"):
            for f in t["figures"]:
                self.assertNotEqual(*f["values"])
                self.assertAlmostEqual(f["spread"], abs(f["values"][0] - f["values"][1]) / 2**0.5)
        self.assertEqual({**again, **differing}, {**numbers, **differing})
        page = (self.folder / "study/report.html").read_text()
        for section in ("Seeds", "Validation = test, as in the paper"):
            self.assertIn(f"<h2>{section}</h2>", page)
        self.assertEqual(parameters(), before)

        # Weights and their histories make the same report, if they are of these events.
        given = [*command[:-1], "given", "--weights", "study"]
        self.refused(*given, "--seed", 2, says=["cms-b.safetensors", "trained on other events", "(simulated, 300 events", "seed 1,"])
        self.refused(*given, "--epochs", 2, says=["cms-b.safetensors", "number of epochs", "1 instead of 2"])
        from_weights = self.json(*given)
        self.assertEqual(list((self.folder / "given").glob("*.safetensors")), [])
        self.assertEqual(from_weights["given_weights"], 23)
        page = (self.folder / "given/report.html").read_text()
        self.assertIn("Weights of 23 trainings were given", page)
        self.assertIn("CvM of gg", page)  # by epoch, from the weights' history
        for t, own in zip(from_weights["trainings"], numbers["trainings"]):
            self.assertAlmostEqual(t.pop("epochs")[0]["loss"], own.pop("epochs")[0]["loss"], places=4)
        self.assertEqual({**from_weights, **differing}, {**numbers, **differing})

        # A part of the study makes the same weights.
        (weights,) = self.out(*command[:-1], "part", "--only", "four-momentum").split()
        self.assertEqual([f.name for f in (self.folder / "part").glob("*.safetensors")], ["four-momentum.safetensors"])
        tensors = lambda path: path.read_bytes()[8 + int.from_bytes(path.read_bytes()[:8], "little"):]
        self.assertEqual(tensors(self.folder / weights), tensors(self.folder / "study/four-momentum.safetensors"))

    def particles(self, name, process, **more):
        """Some photon pairs of mass 125 GeV in the barrel, in the place of a generator's events."""
        pairs = 20
        phi = np.repeat(np.linspace(-3, 3, pairs), 2) + np.tile([0, np.pi], pairs)
        metadata = np.frombuffer(json.dumps({"process": process}).encode(), np.uint8)
        np.savez(self.folder / name, offsets=2 * np.arange(pairs + 1), pdg_id=np.full(2 * pairs, 22, np.int32), px=62.5 * np.cos(phi),
                 py=62.5 * np.sin(phi), pz=np.full(2 * pairs, 62.5 * np.sinh(0.3)), metadata=metadata, **more)

    def test_what_cannot_be_done(self):
        few = ("reproduce", "event-paper", "--out", "few")
        self.refused(*few, "--events", 100, says=["300"])
        self.refused("reproduce", "jet-paper", says=["event-paper"], code=2)
        self.refused(*few, "--only", "unknown", says=["unknown", "cms-b"], code=2)
        self.refused(*few, "--only", "eb", "--json", says="--json", code=2)
        self.refused(*few, "--weights", "none", says=["no such folder", "none"])
        (self.folder / "empty").mkdir()
        self.refused(*few, "--weights", "empty", says=["no weights of this study", "empty"])
        (self.folder / "empty/eb.safetensors").write_bytes(b"no weights")
        self.refused(*few, "--weights", "empty", says="eb.safetensors")
        self.refused(*few, "--library", "none.npz", says=["none.npz"])
        self.refused(*few, "--particles", "none.npz", says=["none.npz"])
        processes = ("higgs", "born", "gamma-jet")
        files = [f"{process}.npz" for process in processes]
        for file, process in zip(files, processes):
            self.particles(file, process)
        self.refused(*few, "--particles", *files[:2], says="no file holds gamma-jet events")
        self.refused(*few, "--particles", files[0], *files[:2], says=["no process that is still needed", files[0]])
        self.out("simulate", "--minimum-bias", files[0], "-n", 2, "--out", "tiny.npz")
        self.refused(*few, "--library", "tiny.npz", says=["too few collisions", "it has 2"])
        self.assertFalse((self.folder / "few").exists())

        (self.folder / "few").mkdir()
        few = (*few, "--events", 300, "--particles", *files)
        self.refused(*few, says="labels of the generated events are not those of their processes")
        for label, (file, process) in enumerate(zip(files, processes)):
            self.particles(file, process, label=np.full(20, label, np.int32))
        self.refused(*few, says=["of 300 events could be made", f"{files[0]}, for training"])


if __name__ == "__main__":
    harness.main()
