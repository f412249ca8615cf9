import json
import re

import numpy as np

import harness


class Networks(harness.Case):
    """Train, evaluate and classify, with the small network where the size of the network does not matter."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        case.out("simulate", "--process", "all", "-n", 200, "--seed", 3, "--out", "train.npz")
        case.out("simulate", "--process", "all", "-n", 50, "--seed", 4, "--out", "test.npz")
        case.train("w.safetensors", "--epochs", 4)

    def train(self, out, *options, model="four-momentum-3", data=("--data", "train.npz"), **how):
        return self.run_program("train", "--model", model, *data, "--out", out, *options, **how)

    def tensors(self, name):
        content = (self.folder / name).read_bytes()
        length = int.from_bytes(content[:8], "little")
        return json.loads(content[8:8 + length]), content[8 + length:]

    def test_the_same_command_gives_the_same_weights(self):
        self.train("a.safetensors", "--epochs", 2)
        self.train("b.safetensors", "--epochs", 2, "--threads", 1)
        self.train("c.safetensors", "--epochs", 2, "--seed", 2)
        self.assertEqual(self.tensors("a.safetensors")[1], self.tensors("b.safetensors")[1])
        self.assertNotEqual(self.tensors("a.safetensors")[1], self.tensors("c.safetensors")[1])

    def test_resuming_goes_on_exactly(self):
        self.train("r.safetensors", "--epochs", 2)
        self.refused("train", "--model", "four-momentum-3", "--data", "train.npz", "--out", "r.safetensors", says="exists already")
        done = self.train("r.safetensors", "--epochs", 4, "--resume", "--force")
        self.assertIn("epoch  3 of 4", done.stderr)
        self.assertNotIn("epoch  2 of 4", done.stderr)
        self.assertEqual(self.tensors("r.safetensors")[1], self.tensors("w.safetensors")[1])
        (self.folder / "r.safetensors").unlink()
        self.refused("train", "--model", "four-momentum-3", "--data", "train.npz", "--out", "r.safetensors",
                     says=["an earlier run left its checkpoint", "--resume", "--force"])
        failed = self.train("r.safetensors", "--resume", data=("--data", "test.npz"), code=1)
        self.assertIn("the checkpoint was made with other events", failed.stderr)
        for option, value in (("--batch", 7), ("--rate", "2e-2"), ("--seed", 9), ("--arithmetic", "direct")):
            failed = self.train("r.safetensors", "--resume", option, value, code=1)
            self.assertIn(f"the checkpoint was made with another {option}", failed.stderr)
        self.assertFalse((self.folder / "r.safetensors").exists())
        (self.folder / "altered").mkdir()
        arrays = dict(np.load(self.folder / "train.npz"))
        energies = next(name for name in sorted(arrays) if "energy" in name)
        arrays[energies] = arrays[energies] * np.float32(1.5)
        np.savez(self.folder / "altered/train.npz", **arrays)
        failed = self.train("r.safetensors", "--resume", data=("--data", "altered/train.npz"), code=1)
        self.assertIn("the checkpoint was made with other events", failed.stderr)

    def test_the_history_and_the_provenance(self):
        done = self.train("h.safetensors", "--epochs", 3, "--batch", 50, "--rate", "1e-3", "--json")
        report = json.loads(done.stdout)
        self.assertEqual([e["epoch"] for e in report["epochs"]], [1, 2, 3])
        best = max(report["epochs"], key=lambda e: e["validation_auc"])
        self.assertEqual(report["best_epoch"], best["epoch"])
        metadata = self.tensors("h.safetensors")[0]["__metadata__"]
        self.assertEqual(metadata["provenance.batch"], "50")
        self.assertIn("train --model four-momentum-3", metadata["provenance.command"])
        self.assertIn("540 events and 60 for validation", metadata["provenance.data"])
        self.assertEqual(metadata["provenance.arithmetic"], "winograd")

    def test_either_arithmetic(self):
        make = lambda out, *options: self.train(out, "--batch", 4, *options, model="eb", data=("--simulate", 2))
        make("win.safetensors", "--epochs", 1)
        make("dir.safetensors", "--epochs", 1, "--arithmetic", "direct")
        self.assertEqual(self.tensors("dir.safetensors")[0]["__metadata__"]["provenance.arithmetic"], "direct")
        self.assertNotEqual(self.tensors("win.safetensors")[1], self.tensors("dir.safetensors")[1])
        make("whole.safetensors", "--epochs", 2, "--arithmetic", "direct")
        make("dir.safetensors", "--epochs", 2, "--resume", "--force")
        self.assertEqual(self.tensors("dir.safetensors")[0]["__metadata__"]["provenance.arithmetic"], "direct")
        self.assertEqual(self.tensors("dir.safetensors")[1], self.tensors("whole.safetensors")[1])
        failed = self.run_program("train", "--model", "eb", "--simulate", 2, "--out", "dir.safetensors", "--resume", "--force",
                                  "--arithmetic", "winograd", code=1)
        self.assertIn("the checkpoint was made with another --arithmetic", failed.stderr)
        self.assertIn("--arithmetic", self.out("train", "--help"))

    def test_a_run_that_diverges_leaves_nothing_that_blocks_another(self):
        before = sorted(self.folder.rglob("*"))
        failed = self.train("d.safetensors", "--epochs", 1, "--batch", 10, "--rate", "1e5", code=1)
        self.assertRegex(failed.stderr, r"no longer a finite number; start anew with a smaller learning rate")
        self.assertEqual(sorted(self.folder.rglob("*")), before)
        self.train("d.safetensors", "--epochs", 1)

    def test_training_without_validation(self):
        done = self.train("n.safetensors", "--epochs", 2, "--validation", 0)
        self.assertRegex(done.stderr, r"epoch  1 of 2: loss \d\.\d{4}, no validation events")
        self.assertIn("no validation events, weights of the last epoch, 2", done.stdout)
        self.assertNotIn("AUC", done.stdout + done.stderr)
        self.assertNotIn("provenance.validation_auc", self.tensors("n.safetensors")[0]["__metadata__"])
        report = json.loads(self.train("n.safetensors", "--epochs", 2, "--validation", 0, "--json", "--force").stdout)
        self.assertIsNone(report["validation_auc"])
        self.assertEqual(report["best_epoch"], 2)
        self.assertEqual([(e["validation_loss"], e["validation_auc"]) for e in report["epochs"]], [(None, None)] * 2)

    def test_every_class_is_validated_where_it_can_be(self):
        self.out("simulate", "--process", "all", "-n", 3, "--out", "few.npz")
        self.train("few.safetensors", "--epochs", 1, data=("--data", "few.npz"))
        data = self.tensors("few.safetensors")[0]["__metadata__"]["provenance.data"]
        self.assertIn("6 events and 3 for validation", data)
        arrays = self.load("few.npz")
        arrays["label"][:] = [0, 1, 1, 1, 1, 1, 2, 2, 2]
        np.savez(self.folder / "single.npz", **arrays)
        done = self.train("single.safetensors", "--epochs", 1, data=("--data", "single.npz"))
        self.assertIn("not validated: H->gg, of which there is one event", done.stderr)
        self.assertIn("7 events and 2 for validation", done.stderr)

    def test_training_on_simulated_events(self):
        done = self.train("s.safetensors", "--epochs", 1, data=("--simulate", 20))
        self.assertIn("20 events per class", done.stderr)

    def test_every_network_trains_and_scores(self):
        for model in ("eb", "cms-b", "ecal", "cms-i", "cms-ii", "four-momentum"):
            self.train(f"{model}.safetensors", "--epochs", 1, "--batch", 4, model=model, data=("--simulate", 2))
            lines = self.out("classify", self.ig, "--model", model, "--weights", f"{model}.safetensors", "--json", "-n", 2)
            for line in lines.splitlines():
                scores = json.loads(line)["scores"]
                if model == "four-momentum":
                    self.assertEqual(list(scores), ["H->gg"])
                    self.assertTrue(0 < scores["H->gg"] < 1)
                else:
                    self.assertEqual(list(scores), ["H->gg", "gg", "gamma+jet"])
                    self.assertAlmostEqual(sum(scores.values()), 1, places=5)

    def test_classify_one_line_per_event(self):
        text = self.out("classify", self.ig, "--model", "four-momentum-3", "--weights", "w.safetensors")
        for e in self.truth:
            self.assertRegex(text, rf"(?m)^ *{e['run']} +{e['event']} \| +{e['leading_et']:.1f} ")
        self.assertIn("not the probability", text)
        lines = self.out("classify", self.ig, "--model", "four-momentum-3", "--weights", "w.safetensors", "--json").splitlines()
        self.assertEqual([json.loads(l)["event"] for l in lines], [e["event"] for e in self.truth])
        one = json.loads(lines[2])
        a, b = one["photons"]
        mass = np.sqrt(2 * a["et"] * b["et"] * (np.cosh(a["eta"] - b["eta"]) - np.cos(a["phi"] - b["phi"])))
        self.assertAlmostEqual(one["m_gg"], mass, places=3)

    def test_events_without_two_photons_have_no_score(self):
        self.out("simulate", "--process", "gamma-jet", "-n", 40, "--selection", "none", "--out", "any.npz")
        done = self.run_program("classify", "any.npz", "--model", "four-momentum-3", "--weights", "w.safetensors", "--json")
        lines = [json.loads(l) for l in done.stdout.splitlines()]
        without = [l for l in lines if l["scores"] is None]
        self.assertTrue(0 < len(without) < 40)
        self.assertTrue(all(l["m_gg"] is None and len(l["photons"]) < 2 for l in without))
        self.assertIn(f"no score: {len(without)} events", done.stderr)

    def test_evaluate_agrees_with_the_scores(self):
        report = self.json("evaluate", "test.npz", "--model", "four-momentum-3", "--weights", "w.safetensors")
        self.assertEqual(report["events"], 150)
        lines = [json.loads(l) for l in self.out("classify", "test.npz", "--model", "four-momentum-3", "--weights",
                                                  "w.safetensors", "--json").splitlines()]
        labels = np.array([l["label"] for l in lines])
        scores = np.array([list(l["scores"].values()) for l in lines])
        self.assertAlmostEqual(report["accuracy"], np.mean(scores.argmax(1) == labels), places=6)
        self.assertAlmostEqual(report["cross_entropy"], -np.mean(np.log(scores[np.arange(150), labels])), places=5)

        def auc(signal, background):
            a, b = scores[labels == signal, signal], scores[np.isin(labels, background), signal]
            return np.mean((a[:, None] > b[None]) + 0.5 * (a[:, None] == b[None]))

        figures = {s["name"]: s for s in report["separations"]}
        self.assertAlmostEqual(figures["H->gg vs rest"]["auc"], auc(0, [1, 2]), places=6)
        self.assertAlmostEqual(figures["gamma+jet vs rest"]["auc"], auc(2, [0, 1]), places=6)
        self.assertAlmostEqual(figures["H->gg vs gamma+jet"]["auc"], auc(0, [2]), places=6)
        for s in figures.values():
            self.assertTrue(0 < s["auc_error"] < 0.1)
            self.assertTrue(0 <= s["background_efficiency"] <= 1)
        same = self.json("evaluate", "test.npz", "--model", "four-momentum-3", "--weights", "w.safetensors", "--threads", 1)
        self.assertEqual(same, report)

    def test_evaluate_for_people_and_as_a_page(self):
        text = self.out("evaluate", "test.npz", "--model", "four-momentum-3", "--weights", "w.safetensors", "--report", "r.html")
        self.assertRegex(text, r"H->gg vs gamma\+jet +0\.\d{4} \+- 0\.\d{4} +\d\.\d{4} \+- 0\.\d{4}")
        page = (self.folder / "r.html").read_text()
        self.assertEqual(page.count("<svg"), 2)
        self.assertIn("H-&gt;gg vs rest", page)
        self.assertIsNone(re.search(r"(src|href)=", page), "the page must stand alone")
        self.refused("evaluate", "test.npz", "--model", "four-momentum-3", "--weights", "w.safetensors", "--report", "r.html",
                     says="exists already")

    def test_a_yes_or_no_network(self):
        self.train("yes.safetensors", "--epochs", 1, model="four-momentum")
        report = self.json("evaluate", "test.npz", "--model", "four-momentum", "--weights", "yes.safetensors")
        self.assertEqual([s["name"] for s in report["separations"]], ["H->gg vs rest"])
        self.assertEqual([c["events"] for c in report["classes"]], [50, 100])

    def test_refused(self):
        w = ("--model", "four-momentum-3", "--weights", "w.safetensors")
        self.refused("evaluate", self.ig, *w, says=["no labels", "events.ig"])
        self.out("simulate", "--process", "higgs", "-n", 5, "--out", "one.npz", "--force")
        self.refused("evaluate", "one.npz", *w, says="all events are of one class")
        self.refused("train", "--model", "eb", "--data", self.ig, "--out", "x.safetensors", says=["no labels", "events.ig"])
        self.refused("train", "--model", "eb", "--out", "x.safetensors", says=["--data", "--simulate"])
        self.refused("train", "--model", "eb", "--data", "train.npz", "--simulate", 3, "--out", "x.safetensors",
                     says=["--data", "--simulate"])
        self.refused("train", "--model", "eb", "--simulate", 10**18, "--out", "x.safetensors", code=2,
                     says=["--simulate", "more than 10,000,000"])
        for option in ("--pile-up", "--fragmentation"):
            self.refused("train", "--model", "eb", "--data", "train.npz", option, 1, "--out", "x.safetensors",
                         says=[option, "no effect on events from a file"])
        failed = self.train("x.safetensors", data=("--data", "one.npz"), code=1)
        self.assertIn("all events are of one class", failed.stderr)
        self.refused("train", "--model", "none", "--simulate", 3, "--out", "x.safetensors", says="'none'")
        self.refused("train", "--model", "eb", "--simulate", 3, "--resume", "--out", "x.safetensors", says="no checkpoint")
        arrays = self.load("train.npz")
        arrays["label"][5] = 7
        np.savez(self.folder / "label.npz", **arrays)
        self.refused("evaluate", "label.npz", *w, says=["label 7", "label.npz"])
        failed = self.train("x.safetensors", data=("--data", "label.npz"), code=1)
        self.assertIn("label 7", failed.stderr)


if __name__ == "__main__":
    harness.main()
