import json
import re
import unittest
import zipfile

import numpy as np

import harness

RECORDED = harness.DATA / "ispy-webgl"


def header(path):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8:8 + length]), content[8 + length:]


def ranges(path):
    found = {key.removeprefix("training_range."): text.split(" ") for key, text in header(path)[0]["__metadata__"].items()
             if key.startswith("training_range.")}
    return {name: [float(number) for number in pair] for name, pair in found.items()}


class Classify(harness.Case):
    """For which events a network was trained, what it is told of others, and whose photons decide."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        case.out("simulate", "--process", "all", "-n", 40, "--seed", 3, "--out", "many.npz")
        case.out("simulate", "--process", "all", "-n", 2, "--seed", 4, "--out", "few.npz")
        for model, data in (("four-momentum-3", "many.npz"), ("eb", "few.npz")):
            case.out("train", "--model", model, "--data", data, "--out", f"{model}.safetensors", "--epochs", 1,
                     "--validation", 0)

    def test_labels_are_printed_where_a_file_has_them_whatever_it_is_called(self):
        (self.folder / "few.events").write_bytes((self.folder / "few.npz").read_bytes())
        (self.folder / "recorded.npz").write_bytes(self.ig.read_bytes())
        labels = [["H->gg", "gg", "gamma+jet"][k] for k in self.load("few.npz")["label"]]
        lines = self.out("classify", "few.events", "--model", "eb", "--weights", "eb.safetensors").splitlines()
        self.assertTrue(lines[0].endswith(" | label"))
        self.assertEqual([line.rsplit(" | ", 1)[1] for line in lines[1:] if re.search(r" file \|", line)], labels)
        # The file says what its labels mean, not the network.
        self.out("simulate", "--process", "showers", "-n", 1, "--pile-up", 0, "--out", "showers.npz")
        lines = self.out("classify", "showers.npz", "--model", "eb", "--weights", "eb.safetensors").splitlines()
        self.assertEqual([line.rsplit(" | ", 1)[1] for line in lines if " file |" in line], ["electron", "photon"])
        recorded = self.out("classify", "recorded.npz", "--model", "eb", "--weights", "eb.safetensors")
        self.assertEqual(recorded, self.out("classify", self.ig, "--model", "eb", "--weights", "eb.safetensors"))
        self.assertNotIn("label", recorded)

    def classify(self, file, *options, model="eb", weights=None, code=0):
        """The program's objects, and what it says on standard error."""
        done = self.run_program("classify", file, "--model", model, "--weights", weights or f"{model}.safetensors", "--json",
                                *options, code=code)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def weights_with(self, name, change):
        head, numbers = header(self.folder / "eb.safetensors")
        change(head["__metadata__"])
        text = json.dumps(head).encode()
        text += b" " * (-len(text) % 8)
        (self.folder / name).write_bytes(len(text).to_bytes(8, "little") + text + numbers)
        return name

    # What the weights store.

    def test_weights_store_where_their_training_events_lie(self):
        def inner(values):  # of 120 events one may lie on either side, of 6 none
            ordered, beyond = np.sort(values), len(values) // 100
            return [ordered[beyond], ordered[-1 - beyond]]

        def of_photons(events, what, which):
            return inner(events[f"photon_{what}"][events["photon_offset"][:-1] + which])

        def crystals(events):
            kept = (events["hit_collection"] == 0) & (events["hit_energy"] > 0)
            energies = np.where(kept, events["hit_energy"], 0).astype(np.float64)
            spans = list(zip(events["hit_offset"][:-1], events["hit_offset"][1:]))
            return [energies[a:b].sum() for a, b in spans], [kept[a:b].sum() for a, b in spans]

        many, few = self.load("many.npz"), self.load("few.npz")
        pair, barrel = ranges(self.folder / "four-momentum-3.safetensors"), ranges(self.folder / "eb.safetensors")
        self.assertEqual(sorted(pair), ["cos(dphi)", "eta1", "eta2", "leading_et", "m_gg", "pt1/m", "pt2/m",
                                        "subleading_et"])
        self.assertEqual(sorted(barrel), ["eb_hits_elsewhere", "eb_hits_in_halos", "ecal_energy_sum", "leading_et",
                                          "leading_eta", "m_gg", "subleading_et", "subleading_eta"])
        sums, counts = crystals(few)
        for found, expected in ((pair["leading_et"], of_photons(many, "et", 0)),
                                (pair["eta2"], of_photons(many, "eta", 1)),
                                (pair["m_gg"], inner(many["m_gg"])),
                                (barrel["m_gg"], inner(few["m_gg"])),
                                (barrel["subleading_et"], of_photons(few, "et", 1)),
                                (barrel["leading_eta"], of_photons(few, "eta", 0)),
                                (barrel["ecal_energy_sum"], inner(sums))):
            np.testing.assert_allclose(found, expected, rtol=1e-6)
        halos, elsewhere = barrel["eb_hits_in_halos"], barrel["eb_hits_elsewhere"]
        self.assertTrue(0 < halos[0] <= halos[1] < max(counts))
        self.assertGreaterEqual(halos[1] + elsewhere[1], max(counts))
        self.assertLessEqual(halos[0] + elsewhere[0], min(counts))
        self.out("convert", "eb.safetensors", "--model", "eb", "--to", "safetensors", "--out", "again.safetensors")
        self.assertEqual(ranges(self.folder / "again.safetensors"), barrel)
        self.assertRegex(self.out("info", "eb.safetensors"), r"training_range.eb_hits_in_halos +\d+ \d+\n")

    # Events unlike those of the training.

    def test_an_event_outside_is_told_and_strictly_refused(self):
        lines, said = self.classify("few.npz", "--strict")
        self.assertEqual([line["outside"] for line in lines], [[]] * 6)
        self.assertEqual({line["refused"] for line in lines}, {False})
        self.assertNotIn("outside", said)

        arrays = self.load("few.npz")
        first, last = arrays["hit_offset"][[4, 5]]
        arrays["hit_energy"][first:last] *= np.float32(40)
        np.savez(self.folder / "hot.npz", **arrays)
        crystals = (arrays["hit_collection"] == 0) & (arrays["hit_energy"] > 0)
        total = arrays["hit_energy"][first:last][crystals[first:last]].sum(dtype=np.float64)
        told, said = self.classify("hot.npz")
        self.assertEqual([len(line["outside"]) for line in told], [0] * 4 + [1] + [0])
        outside = told[4]["outside"][0]
        low, high = ranges(self.folder / "eb.safetensors")["ecal_energy_sum"]
        self.assertEqual((outside["quantity"], outside["low"], outside["high"]), ("ecal_energy_sum", low, high))
        self.assertAlmostEqual(outside["value"] / total, 1, places=6)
        self.assertEqual(list(told[4]["scores"]), ["H->gg", "gg", "gamma+jet"])
        self.assertFalse(told[4]["refused"])
        self.assertIn("outside the ranges of the training events: 1 of 6 events", said)

        strict, said = self.classify("hot.npz", "--strict", code=1)
        self.assertEqual([line["refused"] for line in strict], [False] * 4 + [True] + [False])
        self.assertIsNone(strict[4]["scores"])
        self.assertEqual(strict[4]["outside"], told[4]["outside"])
        self.assertEqual([line["scores"] for line in strict if not line["refused"]],
                         [line["scores"] for line in told if not line["outside"]])
        reason = said.strip().splitlines()[-1]
        self.assertRegex(reason, r"^error: hot.npz: 1 of 6 events lie outside the ranges of the training events and were "
                                 rf"not scored, the first of them run 1, event {told[4]['event']}, with ecal_energy_sum")
        self.assertIn("leave --strict out", reason)

        text = self.out("classify", "hot.npz", "--model", "eb", "--weights", "eb.safetensors", "--skip", 4, "-n", 1)
        self.assertEqual(len(re.findall("outside the training range", text)), 1)
        self.assertRegex(text, r"outside the training range: ecal_energy_sum [0-9.e+]+ \([0-9.e+]+ to [0-9.e+]+\)\n")
        self.assertNotIn("refused", text)
        text = self.out("classify", "hot.npz", "--model", "eb", "--weights", "eb.safetensors", "--strict", code=1)
        self.assertEqual(len(re.findall(r" refused +refused +refused \| \S+\n", text)), 1)
        self.assertIn("no probabilities", text)

    def test_more_hits_and_a_lack_of_candidates(self):
        """Twice as many crystals in a recorded-like file; events without a pair."""
        def more(content):
            tree = json.loads(content)
            rows = tree["Collections"]["EBRecHits_V2"]
            at = [c[0] for c in tree["Types"]["EBRecHits_V2"]].index("detid")
            seen = {row[at] for row in rows}
            added = [row[:at] + [0x32000000 | ieta << 9 | iphi] + row[at + 1:] for row, (ieta, iphi) in
                     zip(rows * 40, ((i, p) for i in range(1, 80) for p in range(1, 361, 2)))]
            tree["Collections"]["EBRecHits_V2"] += [row for row in added if row[at] not in seen]
            return json.dumps(tree).encode()

        with zipfile.ZipFile(self.ig) as old, zipfile.ZipFile(self.folder / "crowded.ig", "w") as new:
            members = [m for m in old.namelist() if re.search(r"/Event_\d+$", m)]
            for member in old.namelist():
                content = old.read(member)
                new.writestr(member, more(content) if member == members[0] else content)
        names = lambda line: {o["quantity"]: o["value"] for o in line["outside"]}
        before, after = (self.classify(file, "-n", 1)[0][0] for file in (self.ig, "crowded.ig"))
        self.assertGreater(names(after)["eb_hits_elsewhere"], 2000)
        self.assertLess(names(before).get("eb_hits_elsewhere", 0), 100)

        self.out("simulate", "--process", "gamma-jet", "-n", 30, "--selection", "none", "--out", "any.npz")
        lines, said = self.classify("any.npz", model="four-momentum-3")
        without = [line for line in lines if len(line["photons"]) < 2]
        self.assertTrue(0 < len(without) < 30)
        for line in without:
            self.assertIn("m_gg", names(line))
            self.assertIsNone(names(line)["m_gg"])
            self.assertEqual((line["m_gg"], line["scores"], line["category"]), (None, None, "none"))
        self.assertIn(f"no score: {len(without)} events", said)
        self.assertIn("m_gg missing (", self.out("classify", "any.npz", "--model", "four-momentum-3", "--weights",
                                                "four-momentum-3.safetensors"))

    def test_weights_that_do_not_say(self):
        def forget(metadata):
            for key in [k for k in metadata if k.startswith("training_range.")]:
                del metadata[key]

        silent = self.weights_with("silent.safetensors", forget)
        lines, said = self.classify("few.npz", weights=silent)
        self.assertEqual([line["outside"] for line in lines], [None] * 6)
        self.assertEqual([line["scores"] for line in lines], [line["scores"] for line in self.classify("few.npz")[0]])
        self.assertEqual(said.count("not checked: the weights do not say"), 1)
        self.refused("classify", "few.npz", "--model", "eb", "--weights", silent, "--strict",
                     says=["silent.safetensors", "what events they were trained on", "--strict"])
        for text in ("1", "2 1", "nan 3", "one two"):
            broken = self.weights_with("broken.safetensors", lambda m: m.update({"training_range.m_gg": text}))
            self.refused("classify", "few.npz", "--model", "eb", "--weights", broken,
                         says=["broken.safetensors", "the training range of 'm_gg' is no pair of numbers"])
        other = self.weights_with("other.safetensors", lambda m: m.update({"training_range.tracks": "1 2"}))
        for command in (("classify", "few.npz", "--weights", other),
                        ("convert", other, "--to", "safetensors", "--out", "x.safetensors")):
            self.refused(*command, "--model", "eb", says=["other.safetensors", "'tracks', which the network's input"])

    # Whose photons decide.

    def test_own_candidates_beside_those_of_the_file(self):
        lines, _ = self.classify(self.ig)
        self.assertEqual(len(lines), 8)
        compared = 0
        for line, truth in zip(lines, self.truth):
            own = line["own"]
            self.assertEqual(own["vertex_from"], "tracks")
            if line["category"] != "central" or own["category"] != "central":
                continue
            compared += 1
            self.assertAlmostEqual(own["photons"][0]["et"] / truth["leading_et"], 1, delta=0.1)
            self.assertAlmostEqual(own["m_gg"] / line["m_gg"], 1, delta=0.1)
            self.assertNotEqual(own["m_gg"], line["m_gg"])
        self.assertGreater(compared, 3)
        text = self.out("classify", self.ig, "--model", "eb", "--weights", "eb.safetensors")
        self.assertEqual(len(re.findall(r"(?m)^ *\d+ +\d+ +file \|", text)), 8)
        self.assertEqual(len(re.findall(r"(?m)^ +ours \|", text)), 8)
        self.assertEqual(text.count("equal numbers per class"), 1)

    def test_where_the_vertex_is_from(self):
        def with_vertices(name, rows, tracks=True):
            """The first event with these rows (isValid, isFake, place in metres) of Vertices_V1."""
            def change(content):
                tree = json.loads(content)
                if rows is not None:
                    tree["Types"]["Vertices_V1"] = [["isValid", "int"], ["isFake", "int"], ["pos", "v3d"]]
                    tree["Collections"]["Vertices_V1"] = rows
                if not tracks:
                    tree["Collections"]["Tracks_V3"] = []
                return json.dumps(tree).encode()

            with zipfile.ZipFile(self.ig) as old, zipfile.ZipFile(self.folder / name, "w") as new:
                first = next(m for m in old.namelist() if re.search(r"/Event_\d+$", m))
                new.writestr(first, change(old.read(first)))
            return name

        def vertex(*args, **options):
            own = self.classify(with_vertices("vertex.ig", *args, **options))[0][0]["own"]
            return own["vertex_from"], own["vertex_z"]

        self.assertEqual(vertex(None)[0], "tracks")
        self.assertEqual(vertex([])[0], "tracks")
        self.assertEqual(vertex(None, tracks=False), ("origin", 0))
        rows = [[0, 0, [0, 0, 0.5]], [1, 1, [0, 0, 0.5]], [1, 0, [0, 0, 0.0625]], [1, 0, [0, 0, 0.5]]]
        self.assertEqual(vertex(rows), ("file", 6.25))
        self.assertEqual(vertex(rows, tracks=False), ("file", 6.25))
        self.assertEqual(vertex(rows[:2])[0], "tracks")
        self.assertEqual(vertex(rows[:2], tracks=False), ("origin", 0))
        broken = with_vertices("broken.ig", [[1, 0, "here"]])
        done = self.run_program("classify", broken, "--model", "eb", "--weights", "eb.safetensors", "--json", code=1)
        self.assertEqual(done.stdout, "")
        self.assertIn("holds a text in its column pos", done.stderr)
        self.assertIn("Vertices_V1, row 1", done.stderr)

    def test_the_category_is_that_of_the_candidates(self):
        pairs = [(60, 0.5, 40, -1.43, "central"), (60, 0.5, 40, 1.45, "none"), (60, 1.56, 40, 2.29, "central+forward"),
                 (60, 0.5, 40, -2.31, "none"), (110, 0.5, 19, -0.5, "none"), (30, 0.5, 25, 0.5, "none"),
                 (60, -1.6, 40, 1.2, "central+forward")]
        n = len(pairs)
        flat = lambda *columns: np.array(columns, np.float32).T.ravel()
        et1, eta1, et2, eta2, expected = zip(*pairs)
        none = {f"track_{f}": np.zeros(0, np.float32) for f in ("pt", "eta", "phi", "charge")}
        photons = {"photon_et": flat(et1, et2), "photon_eta": flat(eta1, eta2), "photon_phi": flat([0] * n, [3] * n)}
        arrays = dict(run=np.ones(n, np.uint32), event=np.arange(n, dtype=np.uint64), label=np.zeros(n, np.int32),
                      hit_offset=np.zeros(n + 1, np.int64), hit_id=np.zeros(0, np.uint32),
                      hit_energy=np.zeros(0, np.float32), hit_collection=np.zeros(0, np.uint8),
                      track_offset=np.zeros(n + 1, np.int64), photon_offset=2 * np.arange(n + 1), **none)
        arrays = {**arrays, **photons}
        np.savez(self.folder / "pairs.npz", **arrays)
        categories = lambda file: [line["category"] for line in self.classify(file)[0]]
        self.assertEqual(categories("pairs.npz"), list(expected))
        # a third candidate of 25 GeV in the first event: excluded from both categories in the barrel, from the whole
        # detector's alone in an endcap, from neither with too much behind it
        for eta, h_over_e, category in ((1, 0, "none"), (2, 0, "central"), (1, 0.6, "central")):
            third = {name: np.insert(arrays[name], 2, value) for name, value in
                     (("photon_et", 25), ("photon_eta", eta), ("photon_phi", 1.5))}
            offsets = np.append(0, 2 * np.arange(1, n + 1) + 1)
            third |= {"photon_offset": offsets, "photon_h_over_e": np.insert(np.zeros(2 * n, np.float32), 2, h_over_e)}
            np.savez(self.folder / "third.npz", **{**arrays, **third})
            self.assertEqual(categories("third.npz"), [category, *expected[1:]])
        # of the two leading candidates neither may have too much behind it, whatever the third is
        behind = np.zeros(2 * n + 1, np.float32)
        behind[1] = 0.6
        np.savez(self.folder / "third.npz", **{**arrays, **third, "photon_h_over_e": behind})
        self.assertEqual(categories("third.npz"), ["none", *expected[1:]])

    @unittest.skipUnless((RECORDED / "diphoton_7of10.ig").exists(), "no recorded events")
    def test_recorded_events(self):
        higgs, _ = self.classify(RECORDED / "diphoton_7of10.ig", model="four-momentum-3")
        self.assertEqual([line["category"] for line in higgs], ["central"] * 7)
        off = []
        for line in higgs:
            self.assertTrue(122 < line["m_gg"] < 126.5)
            self.assertEqual(line["own"]["vertex_from"], "file")
            off.append(abs(line["own"]["m_gg"] / line["m_gg"] - 1))
        self.assertLess(np.median(off), 0.015)
        self.assertLess(max(off), 0.03)
        self.assertGreater(max(off), 0)
        for name in ("DoublePhoton_Run2012B_0.ig", "DoubleElectron_Run2012C_0.ig"):
            lines, _ = self.classify(RECORDED / name, model="four-momentum-3")
            self.assertEqual(sum(line["category"] == "central" for line in lines), 3, name)


if __name__ == "__main__":
    harness.main()
