import json
import struct

import numpy as np

import harness


class Info(harness.Case):
    def test_an_ig_file(self):
        report = self.json("info", self.ig)
        self.assertEqual(report["events"], 8)
        self.assertEqual([r["run"] for r in report["runs"]], sorted(e["run"] for e in self.truth))
        collections = {c["name"].split("_V")[0]: c for c in report["collections"]}
        rows = sum(e["hits"]["EB"] + e["repetitions"] for e in self.truth)
        self.assertEqual(collections["EBRecHits"]["rows"], rows)
        self.assertEqual(collections["EBRecHits"]["repetitions"], sum(e["repetitions"] for e in self.truth))
        self.assertEqual(collections["Tracks"]["rows"], sum(e["tracks"] for e in self.truth))
        self.assertEqual(sum(c["nan_in_unused_columns"] for c in report["collections"]), sum(e["nans"] for e in self.truth))
        self.assertGreater(collections["EBRecHits"]["energy_not_positive"], 0)
        self.assertFalse(collections["TriggerPaths"]["used"])
        self.assertIn({"name": "CaloTowers", "events": sum(e["towers"] == 0 for e in self.truth)}, report["absent"])

    def test_an_ig_file_for_people(self):
        text = self.out("info", self.ig)
        self.assertIn("8 events", text)
        self.assertRegex(text, r"EBRecHits_V\d +8 +0")
        self.assertIn("events without CaloTowers: 2", text)
        self.assertIn("rows that repeat another, counted once: 2", text)

    def test_arrays(self):
        np.savez(self.folder / "a.npz", one=np.zeros((2, 3), np.float32))
        report = self.json("info", "a.npz")
        self.assertEqual(report["kind"], "arrays")
        self.assertEqual(report["arrays"], [{"name": "one", "type": report["arrays"][0]["type"], "shape": [2, 3]}])
        self.assertIn("2 x 3", self.out("info", "a.npz"))

    def test_simulated_events_and_weights(self):
        self.out("simulate", "--process", "all", "-n", 3, "--out", "sim.npz")
        report = self.json("info", "sim.npz")
        self.assertEqual((report["kind"], report["events"]), ("events", 9))
        self.assertEqual(report["labels"], [{"label": k, "events": 3} for k in range(3)])
        self.assertIn("simulate --process all", report["metadata"]["command"])
        self.out("train", "--model", "four-momentum-3", "--data", "sim.npz", "--epochs", 1, "--out", "w.safetensors")
        report = self.json("info", "w.safetensors")
        self.assertEqual((report["kind"], report["parameters"]), ("model", 50691))
        self.assertEqual(report["metadata"]["classes"], "H->gg|gg|gamma+jet")
        text = self.out("info", "w.safetensors")
        self.assertIn("fcn.0.weight", text)
        self.assertRegex(text, r"provenance.history +1 epoch")

    def test_names_cannot_steer_the_terminal(self):
        header = json.dumps({"a\n\x1b[31mb": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                             "__metadata__": {"k\rey": "va\x9blue"}}).encode()
        (self.folder / "names.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
        text = self.out("info", "names.safetensors")
        self.assertIn(r"a\n\x1b[31mb", text)
        self.assertRegex(text, r"k\\rey +va\\x9blue")
        self.assertEqual(self.json("info", "names.safetensors")["tensors"][0]["name"], "a\n\x1b[31mb")


if __name__ == "__main__":
    harness.main()
