"""Minutes of training: not one of CTest's cli tests, but part of .ci/run's stage demo, with an optimised program."""
import json
import os
import pathlib
import shutil
import sys

import harness
import numpy as np

sys.path.insert(0, str(harness.ROOT / "scripts"))
from figures_lib import event_paper  # noqa: E402

SECTIONS = ["Results, central (Table 6, Figure 4)", "Results, central+forward (Table 7, Figure 6)", "Beyond kinematics",
            "Controls", "What the paper says of its classifiers", "Mass sculpting (Figure 5)", "Calibration", "Ways to keep the mass out",
            "Other architectures",
            "Electrons and photons (Tables 4 and 5)", "Training", "Networks (Figure 3)", "Events (Figures 1 and 2)",
            "The simulated response beside recorded events"]


def with_revision(content, words):
    """A safetensors file that names another simulation, in words that are no longer; its header keeps its length."""
    size = int.from_bytes(content[:8], "little")
    header = content[8:8 + size]
    assert header.count(b", simulation 2") == 1
    return content[:8] + header.replace(b", simulation 2", words).ljust(size) + content[8 + size:]


class Reproduce(harness.Case):
    def test_the_whole_study_in_miniature(self):
        study = ["reproduce", "event-paper", "--events", 300]
        crops = np.random.default_rng(1).random((40, 32, 32), np.float32) / 99
        crops[:, 16, 16] = 0.9
        np.savez(self.folder / "crops.npz", x_train=crops, y_train=np.arange(40, dtype=np.float32) % 2)
        showers = ["--showers", "crops.npz", self.ig]
        command = [*study, "--epochs", 1, "--out", "study", "--seeds", 2, "--paper-split", *showers]
        numbers = self.json(*command, timeout=1800)
        page = (self.folder / "study/report.html").read_text()
        for section in SECTIONS:
            self.assertIn(f"<h2>{section}</h2>", page)
        self.assertNotIn("<script", page)
        self.assertNotIn("src=\"http", page)
        figures = event_paper.Statements(numbers).all()
        self.assertTrue(all(isinstance(f["value"], float) for f in figures))
        self.assertEqual([(o["id"], o["sample"].split()[0]) for o in numbers["other_showers"]],
                         [(i, s) for i in ("shower-cnn", "shower-fcn") for s in ("crops", "recorded", "recorded")])
        self.assertEqual([numbers["other_showers"][0][k] for k in ("sample", "electrons", "photons")], ["crops of crops.npz", 20, 20])
        self.assertIn("<td>crops of crops.npz</td>", page)
        others = sum("auc" in o for o in numbers.pop("other_showers"))
        self.assertGreaterEqual(others, 2)
        self.assertEqual((len(figures), len({f["figure"] for f in figures})), (64 + others, 64 + others))
        chosen, by_seed = numbers.pop("paper_split"), numbers.pop("by_seed")
        self.assertEqual(len(event_paper.Statements(numbers).all()), 43)

        trainings = {t["id"]: t for t in numbers["trainings"]}
        self.assertEqual((len(trainings), numbers["given_weights"], len(numbers["comparisons"])), (32, 0, 15))
        for t in trainings.values():
            self.assertEqual(len(t["epochs"]), 1)
            for s in t["separations"]:
                self.assertTrue(0 <= s["auc"] <= 1)
            self.assertTrue((self.folder / f"study/{t['id']}.safetensors").exists())
        self.assertEqual(trainings["eb"]["cvm_gg"]["published"], 0.002)
        for category, eras in numbers["test_events_by_era"].items():
            self.assertIn(category, ("central", "central+forward"))
            self.assertEqual([sum(events) for events in zip(*eras.values())], [300, 300, 300])
        self.assertGreater(trainings["eb"]["cvm_gg"]["value"], 0)
        self.assertEqual(trainings["eb"]["separations"][4]["published_auc"], 0.94)
        # The same network but for the loss against learning the mass.
        strengths = [str(trainings[i]["separations"]) for i in ("eb-division-only", "eb", "eb-lambda-0.15", "eb-lambda-3")]
        self.assertEqual(len(set(strengths)), 4)
        # One network and one seed, but each sees other parts of the events.
        views = [str(trainings[i]["separations"]) for i in ("eb-mass-aware", "rest-of-event", "overlay")]
        self.assertEqual(len(set(views)), 3)

        self.assertEqual([(t["id"], t["seeds"]) for t in by_seed], [("eb", [1, 2]), ("ecal", [1, 2])])
        for t in by_seed:
            for f in t["figures"]:
                self.assertNotEqual(*f["values"])
                self.assertAlmostEqual(f["spread"], abs(f["values"][0] - f["values"][1]) / 2**0.5)
        # With one epoch there is nothing to choose: the same network, validated with the events of the test.
        self.assertEqual([t["id"] for t in chosen], [i for i, t in trainings.items() if "published" in t.get("cvm_gg", {})])
        for t in chosen:
            own = trainings[t["id"]]
            self.assertEqual(t["separations"], own["separations"])
            self.assertAlmostEqual(t["epochs"][0]["validation_auc"], t["separations"][0]["auc"], delta=0.005)
            self.assertNotEqual(t["epochs"][0]["validation_auc"], own["epochs"][0]["validation_auc"])

        self.refused(*command, says=["exists already"])
        self.refused(*command, "--force", "--seed", 2, says=["the checkpoint was made with other events", "cms-b"])
        given = [*study, "--out", "given", "--weights", "study"]
        self.refused(*given, "--epochs", 1, "--seed", 2,
                     says=["cms-b.safetensors", "trained on other events", "(simulated, 300 events", "seed 1,"])
        self.refused(*given, "--epochs", 2, says=["cms-b.safetensors", "number of epochs", "1 instead of 2"])
        wrong = self.folder / "wrong"
        wrong.mkdir()
        for source, target, says in (("eb-paper-split", "eb", "validated with the events of the test"),
                                     ("eb-loss-only", "eb-mass-aware", "training of the weights is eb-loss-only")):
            shutil.copy(self.folder / f"study/{source}.safetensors", wrong / f"{target}.safetensors")
            self.refused(*study, "--epochs", 1, "--out", "given", "--weights", "wrong", says=says)
            (wrong / f"{target}.safetensors").unlink()

        changed = (self.folder / "study/eb.safetensors").read_bytes().replace(b'"0.0005"', b'"0.0007"')
        (wrong / "eb.safetensors").write_bytes(changed)
        self.refused(*study, "--epochs", 1, "--out", "given", "--weights", "wrong",
                     says=["learning rate of the weights is 0.0007 instead of 0.0005"])
        for revision in (b"3", b"1", b"x"):
            changed = with_revision((self.folder / "study/eb.safetensors").read_bytes(), b", simulation " + revision)
            (wrong / "eb.safetensors").write_bytes(changed)
            self.refused(*study, "--epochs", 1, "--out", "given", "--weights", "wrong",
                         says=["trained on other events", f"simulation {revision.decode()}, seed"])
        (wrong / "eb.safetensors").unlink()
        kept = self.folder / "kept"
        kept.mkdir()
        changed = (self.folder / "study/eb.safetensors.checkpoint").read_bytes().replace(b'"rate_decay":"0x1p+0"',
                                                                                         b'"rate_decay":"0x1p-1"')
        (kept / "eb.safetensors.checkpoint").write_bytes(changed)
        self.refused(*study, "--epochs", 1, "--out", "kept", says=["with other settings", "remove it"])
        changed = with_revision((self.folder / "study/eb.safetensors.checkpoint").read_bytes(), b"")
        (kept / "eb.safetensors.checkpoint").write_bytes(changed)
        self.refused(*study, "--epochs", 1, "--out", "kept", says=["another revision of the simulation", "remove it"])

        # One training goes on from its checkpoint, all others are given: the same report over an old one.
        some, again = self.folder / "some", self.folder / "again"
        for folder in (some, again):
            folder.mkdir()
        for weights in (self.folder / "study").glob("*.safetensors"):
            if weights.stem != "eb":
                shutil.copy(weights, some)
        shutil.copy(self.folder / "study/eb.safetensors.checkpoint", again)
        (again / "report.html").write_text("old")
        earlier = some / "four-momentum.safetensors"  # of the first simulation, which is not named
        earlier.write_bytes(with_revision(earlier.read_bytes(), b""))
        report = self.json(*study, "--epochs", 1, "--out", "again", "--weights", "some", "--force", *showers, timeout=1800)
        self.assertEqual(len(report.pop("other_showers")), 6)
        self.assertEqual([f.name for f in again.glob("*.safetensors")], ["eb.safetensors"])
        self.assertEqual(self.tensors("again/eb.safetensors"), self.tensors("study/eb.safetensors"))
        self.assertEqual(report["given_weights"], 31)
        of_before = next(t for t in report["trainings"] if t["id"] == "four-momentum")
        self.assertEqual((of_before["simulation"], report["simulation"]), (1, 2))
        of_before["simulation"] = 2
        differing = {"command": "", "minutes": 0, "given_weights": 0}
        self.assertEqual({**report, **differing}, {**numbers, **differing})
        page = (again / "report.html").read_text()
        self.assertIn("Weights of 31 trainings were given", page)
        self.assertIn("an earlier revision of the simulation than 2, which made those of the tests: 4-mom, central.", page)
        self.assertIn("CvM of gg", page)  # by epoch, from the weights' history

        # A part of the study makes the same weights.
        (weights,) = self.out(*study, "--epochs", 1, "--out", "part", "--weights", "part", "--only", "four-momentum",
                              timeout=1800).split()  # a folder to be made holds none yet
        self.assertEqual([f.name for f in (self.folder / "part").glob("*.safetensors")], ["four-momentum.safetensors"])
        self.assertEqual(self.tensors(weights), self.tensors("study/four-momentum.safetensors"))
        # What a folder has already is not trained again, although no checkpoint is there.
        (self.folder / "part/four-momentum.safetensors.checkpoint").unlink()
        self.refused(*study, "--epochs", 1, "--out", "part", "--only", "four-momentum",
                     says=["four-momentum.safetensors", "exist already, without the checkpoint", "--force"])
        before = (self.folder / weights).stat().st_mtime_ns
        made = self.out(*study, "--epochs", 1, "--out", "part", "--weights", "part", "--only", "four-momentum", "reference",
                        timeout=1800).split()
        self.assertEqual([pathlib.Path(m).stem for m in made], ["reference", "four-momentum"])
        self.assertEqual((self.folder / weights).stat().st_mtime_ns, before)
        self.assertEqual(self.tensors("part/reference.safetensors"), self.tensors("study/reference.safetensors"))

        # The report of these two alone.
        report = self.json(*study, "--epochs", 1, "--out", "two", "--weights", "part", "--no-training", timeout=1800)
        self.assertEqual({t["id"]: t["separations"] for t in report["trainings"]},
                         {i: trainings[i]["separations"] for i in ("four-momentum", "reference")})
        self.assertEqual((len(report["left_out"]), len(report["comparisons"])), (30, 15))
        self.assertEqual(list((self.folder / "two").glob("*.safetensors*")), [])
        self.refused(*study, "--epochs", 1, "--out", "two", "--weights", "part", "--no-training", *showers,
                     says="--showers has no effect without the weights of shower-cnn or shower-fcn")
        self.assertIn("Not trained, and left out of all that follows: CMS-B, central; ", (self.folder / "two/report.html").read_text())
        measured = [f["figure"] for f in event_paper.Statements(report).all() if f["value"] is not None]
        self.assertEqual(len(measured), 6)  # the time, three areas and two on the matched sample

    def tensors(self, path):
        content = (self.folder / path).read_bytes()
        return content[8 + int.from_bytes(content[:8], "little"):]

    def particles(self, name, process, pairs=20, **more):
        """Some photon pairs of mass 125 GeV in the barrel, in the place of a generator's events."""
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
        self.refused(*few, "--only", "eb", "--recorded", ".", says="--recorded", code=2)
        self.refused(*few, "--no-training", says="--weights", code=2)
        self.refused(*few, "--weights", "none", says=["no such folder", "none"])
        (self.folder / "empty").mkdir()
        self.refused(*few, "--weights", "empty", says=["no weights of this study", "empty"])
        (self.folder / "empty/eb.safetensors").write_bytes(b"no weights")
        self.refused(*few, "--weights", "empty", says="eb.safetensors")
        self.refused(*few, "--recorded", "none", says=["no such file", "DoublePhoton_Run2012B_0.ig"])
        self.refused(*few, "--library", "none.npz", says=["none.npz"])
        self.refused(*few, "--showers", "none.npz", says=["none.npz"])
        self.refused(*few, "--showers", "none.ig", says=["none.ig"])
        np.savez(self.folder / "flat.npz", x_train=np.zeros(9, np.float32), y_train=np.zeros(2, np.float32))
        self.refused(*few, "--showers", "flat.npz", says=["no list of 32 x 32 crops", "flat.npz"])
        self.refused(*few, "--only", "eb", "--showers", "flat.npz", says="--showers", code=2)
        for name, pixel, label in (("nan", np.nan, 1), ("half", 0, 0.5)):
            crops = np.full((2, 32, 32), 0, np.float32)
            crops[1, 3, 3] = pixel
            np.savez(self.folder / f"{name}.npz", x_train=crops, y_train=np.float32([0, label]))
            self.refused(*few, "--showers", f"{name}.npz", says=["not a finite number, or the label", f"{name}.npz, crop 1"])
        np.savez(self.folder / "same.npz", x_train=np.zeros((2, 32, 32), np.float32), y_train=np.float32([0, 1]))
        self.refused(*few, "--showers", "same.npz", "./same.npz", says="another file of this name")
        os.mkfifo(self.folder / "pipe.ig")
        self.refused(*few, "--showers", "pipe.ig", says=["a pipe or device", "pipe.ig"])
        self.refused(*few, "--particles", "none.npz", says=["none.npz"])
        processes = ("higgs", "born", "gamma-jet")
        files = [f"{process}.npz" for process in processes]
        for file, process in zip(files, processes):
            self.particles(file, process)
        self.refused(*few, "--particles", *files[:2], says="no file holds gamma-jet events")
        self.refused(*few, "--particles", files[0], *files[:2], says=["no process that is still needed", files[0]])
        self.out("simulate", "--minimum-bias", files[0], "-n", 2, "--out", "tiny.npz")
        self.refused(*few, "--library", "tiny.npz", says=["too few collisions", "for 3 parts: 2"])
        self.assertFalse((self.folder / "few").exists())

        (self.folder / "few").mkdir()
        few = (*few, "--events", 300, "--particles", *files)
        self.refused(*few, says=["has the label -1, and its process 0", files[0]])
        for label, (file, process) in enumerate(zip(files, processes)):
            self.particles(file, process, label=np.full(20, (1, 0, 2)[label], np.int32))
        self.refused(*few, says=["has the label 1, and its process 0", files[0]])
        for label, (file, process) in enumerate(zip(files, processes)):
            self.particles(file, process, label=np.full(20, label, np.int32))
        self.refused(*few, says=["of 300 events could be made", f"{files[0]}, for training"])
        # all of one block, of which some are for training
        for label, (file, process) in enumerate(zip(files, processes)):
            block = {"block": np.zeros(900, np.int64)} if label == 0 else {}
            self.particles(file, process, 900, label=np.full(900, label, np.int32), **block)
        self.refused(*few, says=["only 0 of 300", f"{files[0]}, for validation"])


if __name__ == "__main__":
    harness.main()
