import json
import os
import re
import resource
import struct
import zipfile

import numpy as np

import harness


class BadInput(harness.Case):
    """Every sentence about what cannot be used: what, where, and a non-zero exit code; nothing left behind."""

    READERS = (
        ("info",),
        ("images", "--layout", "central", "--out", "x.npz"),
        ("display", "--out", "x"),
        ("classify", "--model", "four-momentum-3", "--weights", "good.safetensors"),
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        case.out("simulate", "--process", "all", "-n", 4, "--out", "good.npz")
        case.out("train", "--model", "four-momentum-3", "--data", "good.npz", "--epochs", 1, "--out", "good.safetensors")

    def every_reader_refuses(self, name, *says):
        for command, *options in self.READERS:
            with self.subTest(command=command, file=name):
                self.refused(command, name, *options, says=[str(name), *says])

    def write(self, name, content):
        (self.folder / name).write_bytes(content)
        return name

    def ig_with(self, name, change, event=0):
        """The synthetic file with the text of one event changed; event 0 is strict JSON."""
        with zipfile.ZipFile(self.ig) as old, zipfile.ZipFile(self.folder / name, "w") as new:
            members = [m for m in old.namelist() if re.search(r"/Event_\d+$", m)]
            for member in old.namelist():
                content = old.read(member)
                if member == members[event]:
                    content = change(content)
                new.writestr(member, content)
        return name

    def changed_hits(self, name, change, collection="EBRecHits_V2"):
        def edit(content):
            tree = json.loads(content)
            change(tree["Collections"][collection], [c[0] for c in tree["Types"][collection]])
            return json.dumps(tree).encode()

        return self.ig_with(name, edit)

    # Files that are none.

    def test_no_file(self):
        self.every_reader_refuses("absent.ig", "no such file")

    def test_a_folder(self):
        (self.folder / "folder.ig").mkdir()
        self.every_reader_refuses("folder.ig", "this is a folder")

    def test_a_pipe(self):
        os.mkfifo(self.folder / "pipe.npz")
        self.every_reader_refuses("pipe.npz", "a pipe or device")
        self.weights_refused("pipe.npz", "a pipe or device")
        self.refused("convert", "pipe.npz", "--model", "eb", "--to", "header", "--out", "x.hpp", says=["pipe.npz", "a pipe or device"])
        self.refused("train", "--model", "eb", "--data", "pipe.npz", "--out", "x.safetensors", says=["pipe.npz", "a pipe or device"])

    def test_an_empty_file(self):
        self.every_reader_refuses(self.write("empty.ig", b""), "empty")

    def test_something_else(self):
        self.every_reader_refuses(self.write("text.ig", b"run event energy\n" * 50))

    def test_a_truncated_archive(self):
        content = self.ig.read_bytes()
        for part in (0.2, 0.9, 0.999):
            self.every_reader_refuses(self.write("short.ig", content[:int(part * len(content))]))

    def test_an_archive_without_events(self):
        with zipfile.ZipFile(self.folder / "foreign.ig", "w") as z:
            z.writestr("readme", "hello")
        self.every_reader_refuses("foreign.ig", "no events")

    def test_a_damaged_member(self):
        content = bytearray(self.ig.read_bytes())
        with zipfile.ZipFile(self.ig) as z:
            member = z.infolist()[3]
        for i in range(40):
            content[member.header_offset + 400 + i] ^= 0x55
        self.every_reader_refuses(self.write("damaged.ig", bytes(content)), member.filename)

    # Events that cannot be used.

    def test_an_event_that_is_cut_off(self):
        self.every_reader_refuses(self.ig_with("cut.ig", lambda c: c[:len(c) // 2], event=1), "Event_2")

    def test_nan_in_a_used_column(self):
        for word in ("NaN", "Infinity"):
            self.changed_hits("nan.ig", lambda rows, columns: rows[3].__setitem__(columns.index("energy"), float(word)))
            self.every_reader_refuses("nan.ig", "EBRecHits", "Event_1")

    def test_an_unknown_id_and_one_of_another_detector(self):
        for raw in (0x32000000, 0x34000000 | 50 << 7 | 20, 0x7fffffff):
            self.changed_hits("id.ig", lambda rows, columns: rows[3].__setitem__(columns.index("detid"), raw))
            self.every_reader_refuses("id.ig", "EBRecHits", "Event_1")

    def test_the_same_id_with_another_energy(self):
        def repeat(rows, columns):
            again = list(rows[0])
            again[columns.index("energy")] += 1
            rows.append(again)

        self.changed_hits("twice.ig", repeat)
        self.every_reader_refuses("twice.ig", "EBRecHits")

    def test_no_event_asked_for_or_left(self):
        for command, *options in self.READERS[1:]:
            self.refused(command, self.ig, *options, "-n", 0, says=["events.ig", "8 events"])
            self.refused(command, self.ig, *options, "--skip", 8, says=["events.ig", "8 events"])
            self.refused(command, "good.npz", *options, "-n", 0, says=["good.npz", "12 events"])
            self.refused(command, "good.npz", *options, "--skip", 99, says=["good.npz", "12 events"])

    def test_npz_files_that_are_no_events(self):
        np.savez(self.folder / "other.npz", a=np.zeros(3))
        for command, *options in self.READERS[1:]:
            self.refused(command, "other.npz", *options, says=["other.npz", "no array"])
        arrays = self.load("good.npz")
        arrays["hit_offset"][2] = arrays["hit_offset"][3] + 1
        np.savez(self.folder / "offsets.npz", **arrays)
        self.every_reader_refuses("offsets.npz")
        arrays = self.load("good.npz")
        arrays["hit_energy"][7] = np.nan
        np.savez(self.folder / "nan.npz", **arrays)
        self.every_reader_refuses("nan.npz", "hit_energy")

    # Weights.

    def weights_refused(self, name, *says, model="four-momentum-3"):
        self.refused("classify", self.ig, "--model", model, "--weights", name, says=[str(name), *says])

    def test_weights_for_another_network_or_input(self):
        self.weights_refused("good.safetensors", "another input", model="eb")
        self.out("train", "--model", "cms-b", "--simulate", 1, "--epochs", 1, "--out", "b.safetensors")
        self.weights_refused("b.safetensors", "another input", "1x170x360", model="eb")
        self.weights_refused("good.safetensors", "classes", model="four-momentum")
        self.refused("classify", "good.safetensors", "--model", "eb", says="this is a model file")

    def test_weights_that_are_missing(self):
        self.weights_refused("absent.safetensors")
        self.refused("classify", self.ig, "--model", "eb", env={"CALOTYPE_WEIGHTS": str(self.folder)},
                     says=["eb.safetensors", "--weights", "calotype train --model eb"])

    def test_a_lying_weights_file(self):
        good = (self.folder / "good.safetensors").read_bytes()
        length = struct.unpack("<Q", good[:8])[0]
        header = json.loads(good[8:8 + length])

        def rewritten(change):
            changed = json.loads(json.dumps(header))
            change(changed)
            text = json.dumps(changed).encode()
            return struct.pack("<Q", len(text)) + text + good[8 + length:]

        name = "fcn.2.weight"
        lies = {
            "cut": good[:len(good) - 100],
            "header cut": good[:8 + length // 2],
            "seven bytes": good[:7],
            "100 GB header": struct.pack("<Q", 100 * 10**9) + good[8:],
            "huge tensor": rewritten(lambda h: h[name].update(shape=[10**6, 10**6], data_offsets=[0, 4 * 10**12])),
            "beyond the end": rewritten(lambda h: h[name].update(data_offsets=[x + 10**7 for x in h[name]["data_offsets"]])),
            "overlap": rewritten(lambda h: h[name].update(data_offsets=[x - 4 for x in h[name]["data_offsets"]])),
            "backwards": rewritten(lambda h: h[name].update(data_offsets=h[name]["data_offsets"][::-1])),
            "other type": rewritten(lambda h: h[name].update(dtype="I32")),
            "missing tensor": rewritten(lambda h: h.__setitem__("other", h.pop(name))),
            "other self-test": rewritten(lambda h: h["__metadata__"].update(self_test_logits="0x1p+0 0x1p+0 0x1p+0")),
            "no metadata": rewritten(lambda h: h.pop("__metadata__")),
            "not JSON": struct.pack("<Q", 4) + b"{{{{" + good[8:],
        }
        for what, content in lies.items():
            with self.subTest(what):
                self.weights_refused(self.write("lie.safetensors", content))
        changed = bytearray(good)
        for i in range(8 + length + 3, len(good), 4):
            changed[i] ^= 0x80  # the sign of every parameter
        self.weights_refused(self.write("lie.safetensors", bytes(changed)), "self-test")

    def test_names_that_would_break_the_sentence(self):
        values = np.zeros(1, np.float32).tobytes()
        header = json.dumps({"a\nerror: b\x1b[31m": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                             "__metadata__": dict(self.good_metadata())}).encode()
        self.write("names.safetensors", struct.pack("<Q", len(header)) + header + values)
        self.weights_refused("names.safetensors", r"a\nerror: b\x1b[31m")
        self.refused("info", "no\nfile.ig", says=r"no\nfile.ig")
        self.refused("models", "--wi\nngs", code=2, says=r"--wi\nngs")

    def good_metadata(self):
        good = (self.folder / "good.safetensors").read_bytes()
        return json.loads(good[8:8 + struct.unpack("<Q", good[:8])[0]])["__metadata__"]

    def test_sentences_speak_of_the_program(self):
        np.savez(self.folder / "taken.npz", a=np.zeros(1))
        self.assertIn("replace it with force (--force)", self.refused("images", self.ig, "--layout", "central", "--out", "taken.npz"))
        header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
        self.write("foreign.safetensors", struct.pack("<Q", len(header)) + header + bytes(4))
        self.weights_refused("foreign.safetensors", "use weights that calotype has written")

    # Places that cannot be written.

    WRITERS = (
        ("images", "events.ig", "--layout", "central", "--out"),
        ("simulate", "--process", "higgs", "-n", "3", "--out"),
        ("train", "--model", "four-momentum-3", "--data", "good.npz", "--epochs", "1", "--out"),
        ("evaluate", "good.npz", "--model", "four-momentum-3", "--weights", "good.safetensors", "--report"),
    )

    def test_outputs_that_are_folders_or_exist_or_lie_nowhere(self):
        (self.folder / "place").mkdir(exist_ok=True)
        self.write("taken", b"precious")
        for command in self.WRITERS:
            with self.subTest(command=command[0]):
                self.refused(*command, "place", says=["place", "folder"])
                self.refused(*command, "place", "--force", says=["place", "folder"])
                self.refused(*command, "taken", says=["taken", "exists already"])
                self.refused(*command, "no/where", says=["no/where", "create the folder first"])
                self.assertEqual((self.folder / "taken").read_bytes(), b"precious")

    def test_an_output_that_is_an_input(self):
        self.write("in.ig", self.ig.read_bytes())
        self.write("in.npz", (self.folder / "good.npz").read_bytes())
        self.write("in.safetensors", (self.folder / "good.safetensors").read_bytes())
        os.symlink("in.ig", self.folder / "link.ig")
        os.link(self.folder / "in.npz", self.folder / "w.safetensors.checkpoint")
        first = self.truth[0]
        (self.folder / "pictures").mkdir()
        picture = f"pictures/run{first['run']}_event{first['event']}_central.png"
        os.link(self.folder / "in.ig", self.folder / picture)
        network = ("--model", "four-momentum-3", "--weights", "in.safetensors")
        commands = (
            ("images", "in.ig", "--layout", "central", "--out", "in.ig"),
            ("images", "in.ig", "--layout", "central", "--out", "link.ig"),
            ("images", "in.ig", "--layout", "central", "--out", "./pictures/../in.ig"),
            ("display", "in.ig", "--layout", "central", "-n", 1, "--out", "pictures"),
            ("train", "--model", "four-momentum-3", "--data", "in.npz", "--epochs", 1, "--out", "in.npz"),
            ("train", "--model", "four-momentum-3", "--data", "in.npz", "--epochs", 1, "--out", "w.safetensors"),
            ("evaluate", "in.npz", *network, "--report", "in.npz"),
            ("convert", "in.safetensors", "--model", "four-momentum-3", "--to", "header", "--out", "in.safetensors"),
            ("evaluate", "in.npz", *network, "--report", "in.safetensors"),
        )
        kept = {p: p.read_bytes() for p in self.folder.glob("in.*")}
        for command in commands:
            for force in ((), ("--force",)):
                with self.subTest(command=command, force=force):
                    self.refused(*command, *force, says=["the same file as the input", "choose another name"])
        self.assertEqual({p: p.read_bytes() for p in self.folder.glob("in.*")}, kept)

    def test_memory_that_does_not_suffice(self):
        limit = self.address_space(300 * 10**6)
        size = 4 * 250 * 10**6  # a hole in the file, which takes no room on the disk
        header = json.dumps({"a": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
        self.write("large.checkpoint", struct.pack("<Q", len(header)) + header)
        os.truncate(self.folder / "large.checkpoint", 8 + len(header) + size)
        failed = self.run_program("train", "--model", "four-momentum-3", "--data", "good.npz", "--resume", "--out", "large",
                                  before=limit, code=1)
        for part in ("memory", "fewer events"):
            self.assertIn(part, failed.stderr.splitlines()[-1])
        self.assertIn("250,000,000 parameters", self.run_program("info", "large.checkpoint", before=limit).stdout)

    def test_a_full_disk(self):
        limit = lambda size: lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        self.refused("images", self.ig, "--layout", "central", "--out", "x.npz", before=limit(500_000),
                     says=["x.npz", "nothing was left behind"])
        self.refused("simulate", "--process", "all", "-n", 20, "--out", "x.npz", before=limit(20_000),
                     says=["x.npz", "nothing was left behind"])
        self.refused("display", self.ig, "--out", "x", before=limit(2_000), says=["x/run", "nothing was left behind"])
        self.refused("evaluate", "good.npz", "--model", "four-momentum-3", "--weights", "good.safetensors", "--report", "x.html",
                     before=limit(1_000), says=["x.html", "nothing was left behind"])
        before = sorted(self.folder.rglob("*"))
        done = self.run_program("train", "--model", "four-momentum-3", "--data", "good.npz", "--epochs", 1, "--out",
                                "x.safetensors", before=limit(50_000), code=1)
        self.assertIn("nothing was left behind", done.stderr)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def test_standard_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            done = self.run_program("models", stdout=full, code=1)
        self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    harness.main()
