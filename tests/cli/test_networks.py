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

    def photon_pairs(self, name, per_class, seed=5):
        """Events of two photons alone: a peak at 125 GeV, and two falling spectra with wider angles."""
        draw = np.random.default_rng(seed)
        n = 3 * per_class
        label = np.arange(n, dtype=np.int32) % 3
        mass = np.where(label == 0, draw.normal(125, 1.5, n), 90 + draw.exponential(40, n))
        eta = draw.uniform(-1.4, 1.4, (n, 2)) * np.where(label == 0, 0.7, 1)[:, None]
        phi = np.stack([draw.uniform(-3, 0, n), draw.uniform(0.1, 3, n)], 1)
        ratio = draw.uniform(1, 2, n)
        second = mass / np.sqrt(2 * ratio * (np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])))
        et = np.stack([ratio * second, second], 1)
        flat = lambda values: values.ravel().astype(np.float32)
        none = {f"track_{f}": np.zeros(0, np.float32) for f in ("pt", "eta", "phi", "charge", "d0", "z0")}
        np.savez(self.folder / name, run=np.ones(n, np.uint32), event=np.arange(n, dtype=np.uint64), label=label,
                 weight=np.ones(n, np.float32), m_gg=mass.astype(np.float32),
                 hit_offset=np.zeros(n + 1, np.int64), hit_id=np.zeros(0, np.uint32), hit_energy=np.zeros(0, np.float32),
                 hit_collection=np.zeros(0, np.uint8), track_offset=np.zeros(n + 1, np.int64), **none,
                 photon_offset=2 * np.arange(n + 1, dtype=np.int64), photon_et=flat(et), photon_eta=flat(eta),
                 photon_phi=flat(phi), photon_energy=flat(et * np.cosh(eta)))

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
        self.assertIn("checkpoint of a training, 4 of 4 epochs", self.out("info", "r.safetensors.checkpoint"))
        (self.folder / "r.safetensors").unlink()
        self.refused("train", "--model", "four-momentum-3", "--data", "train.npz", "--out", "r.safetensors",
                     says=["an earlier run left its checkpoint", "--resume", "--force"])
        failed = self.train("r.safetensors", "--resume", data=("--data", "test.npz"), code=1)
        self.assertIn("the checkpoint was made with other events", failed.stderr)
        for option, value in (("--batch", 7), ("--rate", "2e-2"), ("--rate-decay", 0.5), ("--seed", 9), ("--arithmetic", "direct")):
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
        done = self.train("h.safetensors", "--epochs", 3, "--batch", 50, "--rate", "1e-3", "--rate-decay", 0.5, "--json")
        report = json.loads(done.stdout)
        self.assertEqual([e["epoch"] for e in report["epochs"]], [1, 2, 3])
        best = max(report["epochs"], key=lambda e: e["validation_auc"])
        self.assertEqual(report["best_epoch"], best["epoch"])
        metadata = self.tensors("h.safetensors")[0]["__metadata__"]
        self.assertEqual(metadata["provenance.batch"], "50")
        self.assertEqual(metadata["provenance.learning_rate"], "0.001, times 0.5 from epoch to epoch")
        history = json.loads(metadata["provenance.history"])
        self.assertEqual([e["epoch"] for e in history], [1, 2, 3])
        self.assertEqual([e["epoch"] for e in history if e["best"]][-1], best["epoch"])
        for e, known in zip(history, report["epochs"]):
            for name in ("loss", "validation_loss", "validation_auc"):
                self.assertAlmostEqual(e[name], known[name], places=4)
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

    def test_decorrelation_and_the_bound_on_cvm(self):
        self.photon_pairs("pairs.npz", 1000)
        data = ("--data", "pairs.npz")
        loss = ("--validation", 0.3, "--batch", 100, "--decorrelate", 0.5, "--ring", 120, "--neighbours", 8)
        done = self.train("flat.safetensors", "--epochs", 4, *loss, "--cvm-bound", 0.01, "--json", data=data)
        report = json.loads(done.stdout)
        self.assertRegex(done.stderr, r"AUC 0\.\d{4}, CvM\(gg\) 0\.\d{4}")
        for e in report["epochs"]:
            self.assertEqual(e["validation_cvm"]["events"], 300)
            self.assertAlmostEqual(e["validation_cvm"]["floor"], (1 / 200 - 1 / 300) / 6, places=8)
        within = [e for e in report["epochs"] if e["validation_cvm"]["value"] <= 0.01]
        best = (max(within, key=lambda e: e["validation_auc"]) if within
                else min(report["epochs"], key=lambda e: e["validation_cvm"]["value"]))
        self.assertEqual(report["best_epoch"], best["epoch"])
        metadata = self.tensors("flat.safetensors")[0]["__metadata__"]
        self.assertEqual(metadata["provenance.decorrelation"], "CvM loss, strength 0.5, 8 neighbours, ring of 120")
        self.assertEqual(metadata["provenance.cvm_bound"], "0.01")
        self.assertTrue(metadata["provenance.validation_cvm"].startswith(f"{report['validation_cvm']['value']:.5f} (random"))
        # Stopped and resumed, to the bit.
        self.train("e.safetensors", "--epochs", 2, *loss, "--cvm-bound", 0.01, data=data)
        self.train("e.safetensors", "--epochs", 4, "--resume", "--force", "--validation", 0.3, data=data)
        self.assertEqual(self.tensors("e.safetensors")[1], self.tensors("flat.safetensors")[1])
        for option, value in (("--decorrelate", 0.2), ("--ring", 50), ("--neighbours", 5), ("--cvm-bound", 0.1)):
            failed = self.train("e.safetensors", "--resume", "--force", "--validation", 0.3, option, value, data=data, code=1)
            self.assertIn(f"the checkpoint was made with another {option}", failed.stderr)
        # Without the loss other weights, and no bound that an epoch keeps to.
        done = self.train("p.safetensors", "--epochs", 2, "--validation", 0.3, "--batch", 100, "--cvm-bound", 1e-6, data=data)
        self.assertIn("no epoch keeps to CvM(gg) <= 1e-06; the weights are of the one with the smallest", done.stderr)
        self.assertRegex(done.stdout, r"CvM of the score and m_gg for true gg events: 0\.\d{4}, random scores: 0\.0003 \+- 0\.")
        self.assertNotIn("provenance.decorrelation", self.tensors("p.safetensors")[0]["__metadata__"])
        failed = self.train("q.safetensors", "--decorrelate", 1, "--ring", 0, "--batch", 60, data=data, code=1)
        self.assertIn("12 neighbours are to be found among 20 events, which is no neighbourhood", failed.stderr)
        self.train("q.safetensors", "--epochs", 1, "--decorrelate", 1, "--ring", 0, "--batch", 360, data=data)
        failed = self.train("x.safetensors", "--ring", 50, data=data, code=1)
        self.assertIn("--ring has no effect without --decorrelate", failed.stderr)
        failed = self.train("x.safetensors", "--cvm-bound", 0.002, "--validation", 0.1, data=data, code=1)
        self.assertIn("CvM needs 200 validation events of the class, there are 100", failed.stderr)

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

    def test_blocks_are_not_split_for_validation(self):
        self.photon_pairs("pairs.npz", 300)
        arrays = self.load("pairs.npz")

        def told(blocks, *options):
            np.savez(self.folder / "blocks.npz", **arrays, block=np.arange(900) * blocks // 900)
            return self.train("blocks.safetensors", "--epochs", 1, "--force", *options, data=("--data", "blocks.npz")).stderr

        # Of ten blocks of a class the seventh is the first to be due.
        self.assertIn("810 events and 90 for validation", told(10, "--validation", 0.15))
        self.assertIn("450 events and 450 for validation", told(2))
        single = told(1)
        self.assertEqual(single.count("of which there is one event or block"), 3)
        self.assertIn("900 events and 0 for validation", single)

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
            self.assertRegex(text, rf"(?m)^ *{e['run']} +{e['event']} +file \| +{e['leading_et']:.1f} ")
        self.assertIn("no probabilities", text)
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

    def test_electrons_and_photons(self):
        self.train("electron.safetensors", "--epochs", 1, model="shower-fcn", data=("--simulate", 20))
        self.out("simulate", "--process", "showers", "-n", 20, "--pile-up", 0, "--out", "showers.npz")
        report = self.json("evaluate", "showers.npz", "--model", "shower-fcn", "--weights", "electron.safetensors")
        self.assertEqual((report["events"], report["not_scored"]), (40, 0))
        done = self.train("fcn.safetensors", "--epochs", 1, model="shower-fcn", data=("--data", "showers.npz"))
        self.assertIn("AUC(electron against the rest)", done.stdout)
        self.assertNotIn("left out", done.stderr)
        for option in ("--decorrelate", "--cvm-bound"):
            self.refused("train", "--model", "shower-fcn", "--data", "showers.npz", option, 0.1, "--out", "x.safetensors",
                         says=["shower-fcn has no class gg", option])
        self.refused("train", "--model", "shower-fcn", "--simulate", 2, "--fragmentation", 2, "--out", "x.safetensors",
                     says="--fragmentation has no effect on the particles of a gun")
        self.refused("evaluate", "test.npz", "--model", "shower-fcn", "--weights", "electron.safetensors",
                     says=["the label 2", "none of the network's classes"])

    def test_digis_of_electrons_and_photons(self):
        self.train("lstm.safetensors", "--epochs", 1, model="shower-conv-lstm", data=("--simulate", 8))
        self.out("simulate", "--process", "showers", "-n", 10, "--pile-up", 0, "--out", "plain.npz")
        self.out("simulate", "--process", "showers", "-n", 10, "--pile-up", 0, "--digis", "--out", "digis.npz")
        plain, digis = np.load(self.folder / "plain.npz"), np.load(self.folder / "digis.npz")
        np.testing.assert_array_equal(plain["hit_energy"], digis["hit_energy"])
        barrel = digis["hit_collection"] == 0
        np.testing.assert_array_equal(digis["pulse_id"], digis["hit_id"][barrel])
        self.assertEqual(digis["pulse_samples"].shape, (barrel.sum(), 10))
        bright = digis["hit_energy"][barrel] > 2
        self.assertTrue(np.all(np.argmax(digis["pulse_samples"][bright], axis=1) == 5))
        report = self.json("evaluate", "digis.npz", "--model", "shower-conv-lstm", "--weights", "lstm.safetensors")
        self.assertEqual((report["events"], report["not_scored"]), (20, 0))
        self.train("again.safetensors", "--epochs", 1, model="shower-conv-lstm", data=("--data", "digis.npz"))
        # such weights say what they were trained on too: an event without a pulse is unlike all of it
        arrays = {key: digis[key] for key in digis.files}
        arrays["pulse_samples"] = np.where(np.arange(len(arrays["pulse_id"]))[:, None] < arrays["pulse_offset"][1], 0,
                                           arrays["pulse_samples"]).astype(np.float32)
        np.savez(self.folder / "dark.npz", **arrays)
        options = ("--model", "shower-conv-lstm", "--weights", "again.safetensors", "--json")
        done = self.run_program("classify", "dark.npz", *options)
        self.assertNotIn("not checked", done.stderr)
        outside = [json.loads(line)["outside"] for line in done.stdout.splitlines()]
        self.assertEqual({o["quantity"]: o["value"] for o in outside[0]}, {"values": 0, "value_sum": 0})
        self.assertLess(sum(len(o) > 0 for o in outside), 10)
        self.run_program("classify", "dark.npz", *options, "--strict", code=1)
        for command in (("evaluate",), ("classify",), ("display", "--out", "pictures")):
            self.refused(*command, "plain.npz", "--model", "shower-conv-lstm", "--weights", "lstm.safetensors",
                         says=["the events have no digitised pulses, which shower-conv-lstm reads", "--digis"])
        self.refused("train", "--model", "shower-fcn-digis", "--data", "plain.npz", "--out", "x.safetensors",
                     says="the events have no digitised pulses, which shower-fcn-digis reads")

    def test_evaluate_for_people_and_as_a_page(self):
        text = self.out("evaluate", "test.npz", "--model", "four-momentum-3", "--weights", "w.safetensors", "--report", "r.html")
        self.assertRegex(text, r"H->gg vs gamma\+jet +0\.\d{4} \+- 0\.\d{4} +\d\.\d{4} \+- 0\.\d{4}")
        page = (self.folder / "r.html").read_text()
        self.assertEqual(page.count("xmlns="), 2 + 2 + 2 + 1)  # curves, scores against m_gg, spectra, calibration
        for words in ("H-&gt;gg vs rest", "needs 200 events", "true γγ", "Expected calibration error"):
            self.assertIn(words, page)
        self.assertIsNone(re.search(r"(src|href)=", page), "the page must stand alone")
        self.refused("evaluate", "test.npz", "--model", "four-momentum-3", "--weights", "w.safetensors", "--report", "r.html",
                     says="exists already")

    def test_mass_dependence_and_calibration(self):
        self.photon_pairs("pairs.npz", 600, seed=8)
        report = self.json("evaluate", "pairs.npz", "--model", "four-momentum-3", "--weights", "w.safetensors")
        lines = [json.loads(l) for l in self.out("classify", "pairs.npz", "--model", "four-momentum-3", "--weights",
                                                  "w.safetensors", "--json").splitlines()]
        labels = np.array([l["label"] for l in lines])
        scores = np.array([l["scores"]["H->gg"] for l in lines])
        masses = np.load(self.folder / "pairs.npz")["m_gg"]
        self.assertEqual([m["class"] for m in report["mass_dependence"]], ["gg", "gamma+jet"])
        for m in report["mass_dependence"]:
            of = labels == m["label"]
            ranks = scores[of][np.argsort(masses[of])].argsort().argsort()
            windows = [np.isin(np.arange(600), ranks[i:i + 200]).cumsum() / 200 for i in range(0, 401, 50)]
            want = np.mean([np.mean((np.arange(1, 601) / 600 - w) ** 2) for w in windows])
            self.assertAlmostEqual(m["cvm"]["value"], want, places=5)
            self.assertAlmostEqual(m["cvm"]["floor"], (1 / 200 - 1 / 600) / 6, places=8)
            self.assertEqual(m["events"], 600)
            name = f"H->gg vs {m['class']}"
            self.assertEqual(m["auc_signal"], next(s["auc"] for s in report["separations"] if s["name"] == name))
        signal = report["calibration"][0]
        self.assertEqual(signal["class"], "H->gg")
        for b in signal["bins"]:
            of = (scores > b["low"]) & (scores <= b["high"])
            self.assertEqual(b["events"], of.sum())
            if of.any():
                self.assertAlmostEqual(b["observed"], np.mean(labels[of] == 0), places=6)
        # No two scores are equal, so that their order does not matter.
        published = self.json("evaluate", "pairs.npz", "--model", "four-momentum-3", "--weights", "w.safetensors", "--ties", "mass")
        self.assertEqual(published["mass_dependence"], report["mass_dependence"])
        self.refused("evaluate", "pairs.npz", "--ties", "random", code=2, says=["'random' is none of", "mass"])
        text = self.out("evaluate", "pairs.npz", "--model", "four-momentum-3", "--weights", "w.safetensors")
        cvm = report["mass_dependence"][0]
        self.assertRegex(text, rf"true gg +{cvm['cvm']['value']:.4f} +0\.0006 \+- 0\.000\d +{cvm['auc_signal']:.4f} +600")

    def test_weights_count_and_prompt_pairs_are_told_apart(self):
        self.photon_pairs("pairs.npz", 300, seed=5)
        arrays = dict(np.load(self.folder / "pairs.npz"))
        random = np.random.default_rng(3)
        weight = random.choice([0.5, 1.0, 3.0], 900).astype(np.float32)
        prompt = (random.random(900) < 0.2).astype(np.uint8)  # of any class: only those of gamma+jet are no fakes
        np.savez(self.folder / "weights.npz", **{**arrays, "weight": weight, "prompt_pair": prompt})
        w = ("--model", "four-momentum-3", "--weights", "w.safetensors")
        report = self.json("evaluate", "weights.npz", *w)
        lines = [json.loads(l) for l in self.out("classify", "weights.npz", *w, "--json").splitlines()]
        labels = np.array([l["label"] for l in lines])
        scores = np.array([list(l["scores"].values()) for l in lines])

        def auc(kept, signal, background):
            share = {k: weight[kept & (labels == k)].sum() for k in range(3)}
            a, b = kept & (labels == signal), kept & np.isin(labels, background)
            one, other = weight[a] / share[signal], weight[b] / np.array([share[k] for k in labels[b]]) / len(background)
            beaten = (scores[a, signal][:, None] > scores[b, signal]) + 0.5 * (scores[a, signal][:, None] == scores[b, signal])
            return one @ beaten @ other

        left_out = (labels == 2) & (prompt == 1)
        self.assertEqual(report["prompt_pairs"], left_out.sum())
        figures = {s["name"]: s for s in report["separations"]}
        for name, signal, background in (("H->gg vs rest", 0, [1, 2]), ("gamma+jet vs rest", 2, [0, 1]), ("H->gg vs gamma+jet", 0, [2])):
            self.assertAlmostEqual(figures[name]["auc"], auc(labels >= 0, signal, background), places=5)
            self.assertAlmostEqual(figures[name]["auc_without_prompt_pairs"], auc(~left_out, signal, background), places=5)
        self.assertNotIn("auc_without_prompt_pairs", figures["H->gg vs gg"])
        plain = self.json("evaluate", "pairs.npz", *w)
        self.assertNotEqual(plain["mass_dependence"][0]["cvm"]["value"], report["mass_dependence"][0]["cvm"]["value"])
        self.assertEqual(plain["prompt_pairs"], 0)
        text = " ".join(self.out("evaluate", "weights.npz", *w).split())
        self.assertIn(f"{left_out.sum()} of the gamma+jet events have two prompt photons", text)

    def test_a_matched_sample_is_the_same_from_simulate_and_evaluate(self):
        w = ("--model", "four-momentum-3", "--weights", "w.safetensors")
        self.out("simulate", "--process", "all", "-n", 100, "--seed", 3, "--matched", "--out", "matched.npz")
        made, whole = (np.load(self.folder / name) for name in ("matched.npz", "train.npz"))
        self.assertTrue(np.all(made["photon_et"][made["photon_offset"][:-1] + 1] > 40))
        self.assertTrue(np.all((made["weight"] > 0) & (made["weight"] <= 1)))
        # Every class has as large a part of its events in a cell: of all, the parts' sum.
        parts = [made["weight"][made["label"] == k].sum(dtype=float) / np.sum(made["label"] == k) for k in range(3)]
        np.testing.assert_allclose(parts, parts[0], rtol=1e-5)
        kept = whole["photon_et"][whole["photon_offset"][:300] + 1] > 40
        self.assertEqual(len(made["label"]), kept.sum())
        reports = [self.json("evaluate", *f, *w) for f in (("matched.npz",), ("train.npz", "-n", 300, "--matched"))]
        self.assertEqual(reports[1]["not_matched"], 300 - kept.sum())
        for ours, theirs in zip(*(r["separations"] for r in reports)):
            self.assertAlmostEqual(ours["auc"], theirs["auc"], places=5)
        for s in reports[1]["separations"]:
            for area in s["auc_of_kinematics"].values():
                self.assertTrue(0.5 <= area <= 1, s)
        for c in reports[1]["classes"]:
            self.assertTrue(0 < c["effective_events"] <= c["events"])
        softer, fake = whole["photon_et"][whole["photon_offset"][:300] + 1], whole["label"][:300] == 2
        unmatched = np.mean(softer[fake][:, None] < softer[~fake])
        self.assertGreater(unmatched, reports[1]["separations"][2]["auc_of_kinematics"]["pT2"] + 0.05)
        text = " ".join(self.out("evaluate", "train.npz", "--matched", *w).split())
        self.assertIn("both photon candidates above 40 GeV", text)
        self.refused("evaluate", "train.npz", "-n", 60, "--matched", *w, says=["train.npz", "have both photon candidates above 40 GeV; 20 are needed"])
        self.refused("simulate", "--process", "higgs", "-n", 20, "--matched", "--out", "x.npz", says="one class only")
        self.refused("simulate", "--process", "all", "-n", 19, "--matched", "--out", "x.npz", says="fewer than 20 events")

    def test_against_another_network(self):
        self.photon_pairs("pairs.npz", 300, seed=9)
        self.train("bad.safetensors", "--epochs", 1, "--rate", "1e-9")
        self.train("one.safetensors", "--epochs", 3, model="four-momentum")
        w = ("--model", "four-momentum-3", "--weights", "w.safetensors")
        report = self.json("evaluate", "pairs.npz", *w, "--against", "bad.safetensors", "--report", "against.html")
        against = report["against"]
        self.assertEqual(against["model"], "four-momentum-3")
        other = self.json("evaluate", "pairs.npz", *w[:2], "--weights", "bad.safetensors")
        aucs = [{s["name"]: s["auc"] for s in r["separations"]} for r in (report, other)]
        self.assertEqual([s["name"] for s in against["separations"]], ["H->gg vs rest", "H->gg vs gg", "H->gg vs gamma+jet"])
        for s in against["separations"]:
            self.assertAlmostEqual(s["auc"]["value"], aucs[0][s["name"]] - aucs[1][s["name"]], places=9)
            self.assertTrue(s["auc"]["lower"] < s["auc"]["value"] < s["auc"]["upper"])
        self.assertEqual([m["class"] for m in against["mass_dependence"]], ["gg", "gamma+jet"])
        same = self.json("evaluate", "pairs.npz", *w, "--against", "w.safetensors")["against"]
        self.assertEqual({s["auc"]["upper"] for s in same["separations"]}, {0})
        # Events of a block are resampled together; a block of its own for each is none.
        arrays = dict(np.load(self.folder / "pairs.npz"))
        for name, block in (("own.npz", np.full(900, -1)), ("blocks.npz", np.arange(900) // 30)):
            np.savez(self.folder / name, **{**arrays, "block": block.astype(np.int64)})
        errors = lambda r: [s["background_efficiency_error"] for s in r["separations"]]
        own, blocks = (self.json("evaluate", name, *w, "--against", "bad.safetensors") for name in ("own.npz", "blocks.npz"))
        self.assertEqual((errors(own), own["against"]["separations"]), (errors(report), against["separations"]))
        self.assertNotEqual(errors(blocks), errors(report))
        for ours, theirs in zip(blocks["against"]["separations"], against["separations"]):
            self.assertEqual(ours["auc"]["value"], theirs["auc"]["value"])
            self.assertNotEqual(ours["auc"]["lower"], theirs["auc"]["lower"])
        page = (self.folder / "against.html").read_text()
        self.assertIn("More than four-momentum-3 (bad.safetensors)", page)
        self.assertEqual(page.count("xmlns="), 2 + 2 * 4 + 1)
        text = self.out("evaluate", "pairs.npz", *w, "--against", "one.safetensors", "--against-model", "four-momentum")
        self.assertRegex(text, r"More than four-momentum \(one.safetensors\)")
        self.assertRegex(text, r"H->gg vs gg +[+-]0\.\d{4} \([+-]0\.\d{4} to [+-]0\.\d{4}\)")
        self.refused("evaluate", "pairs.npz", *w, "--against-model", "four-momentum", says="name them with --against")
        self.refused("evaluate", "pairs.npz", *w, "--against", "one.safetensors", says=["one.safetensors", "network"])

    def test_a_yes_or_no_network(self):
        self.train("yes.safetensors", "--epochs", 1, model="four-momentum")
        report = self.json("evaluate", "test.npz", "--model", "four-momentum", "--weights", "yes.safetensors")
        self.assertEqual([s["name"] for s in report["separations"]], ["H->gg vs rest"])
        self.assertEqual([c["events"] for c in report["classes"]], [50, 100])
        self.assertEqual([m["class"] for m in report["mass_dependence"]], ["gg", "gamma+jet"])
        self.assertEqual([m["cvm"] for m in report["mass_dependence"]], [None, None])

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
