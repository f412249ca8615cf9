import json
import re
import resource
import struct

import numpy as np

import harness

WEIGHTS = harness.ROOT / "examples/weights/eb.safetensors"


class Convert(harness.Case):
    """Weights as a header, bit for bit, and weights of other programs as weights of ours."""

    def read(self, path):
        content = path.read_bytes()
        length = struct.unpack("<Q", content[:8])[0]
        return json.loads(content[8:8 + length]), content[8 + length:]

    def header(self, name):
        text = (self.folder / name).read_text()
        numbers = re.sub(r"//.*", "", text[text.index("}, {") + 4:])
        return text, np.array([float.fromhex(x[:-1]) for x in re.findall(r"-?0x[0-9a-f.]+p[+-]\d+f", numbers)], np.float32)

    def test_a_header_holds_every_bit(self):
        report = self.json("convert", WEIGHTS, "--model", "eb", "--to", "header", "--out", "w.hpp", "--namespace", "my::trigger",
                           "--name", "barrel")
        self.assertEqual(report, {"out": "w.hpp", "format": "header", "model": "eb", "parameters": 88723,
                                  "constant": "my::trigger::barrel"})
        text, numbers = self.header("w.hpp")
        meta, data = self.read(WEIGHTS)
        self.assertEqual(numbers.tobytes(), data)
        meta = meta["__metadata__"]
        self.assertIn("namespace my::trigger {", text)
        self.assertRegex(text, rf"static constexpr [^;]*<\s*0x{meta['layout_signature']}ULL, 0x{meta['network_signature']}ULL, "
                               r"88723, 3> barrel = ")
        self.assertIn("{" + ", ".join(x + "f" for x in meta["self_test_logits"].split()) + "}", text)
        self.assertIn(meta["provenance.command"], text)

    def test_names_unless_told_otherwise(self):
        self.assertIn("88,723 parameters of eb as weights::eb",
                      self.out("convert", WEIGHTS, "--model", "eb", "--to", "header", "--out", "names.hpp"))

    def test_provenance_cannot_leave_its_comment(self):
        meta, data = self.read(WEIGHTS)
        meta["__metadata__"]["provenance.note"] = "one\n#error two\\"
        meta["__metadata__"]["provenance.history"] = "[]"
        head = json.dumps(meta).encode()
        (self.folder / "odd.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + data)
        self.out("convert", "odd.safetensors", "--model", "eb", "--to", "header", "--out", "odd.hpp")
        text, _ = self.header("odd.hpp")
        self.assertIn("//   note: one?#error two?\n", text)
        self.assertNotIn("history", text)  # too long for a comment

    def test_weights_of_another_program(self):
        meta, data = self.read(WEIGHTS)
        original = dict(meta["__metadata__"])
        del meta["__metadata__"]
        head = json.dumps(meta).encode()
        (self.folder / "plain.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + data)
        self.refused("convert", "plain.safetensors", "--model", "eb", "--to", "header", "--out", "x.hpp",
                     says="does not say which network")
        self.out("convert", "plain.safetensors", "--model", "eb", "--to", "safetensors", "--unverified", "--out", "own.safetensors")
        meta, same = self.read(self.folder / "own.safetensors")
        self.assertEqual(same, data)
        for key in ("layout_signature", "network_signature", "self_test_logits", "classes"):
            self.assertEqual(meta["__metadata__"][key], original[key])
        self.out("classify", self.ig, "--model", "eb", "--weights", "own.safetensors")

    def test_numbers_of_16_bits(self):
        original, data = self.read(WEIGHTS)
        self.out("convert", WEIGHTS, "--model", "eb", "--to", "safetensors", "--numbers", "f16", "--out", "f16.safetensors")
        meta, half = self.read(self.folder / "f16.safetensors")
        rounded = np.frombuffer(data, "<f4").astype("<f2")
        self.assertEqual(half, rounded.tobytes())
        self.assertEqual({v["dtype"] for k, v in meta.items() if k != "__metadata__"}, {"F16"})
        for key, text in original["__metadata__"].items():
            if key.startswith(("training_range.", "provenance.")): self.assertEqual(meta["__metadata__"][key], text)
        self.out("classify", self.ig, "--model", "eb", "--weights", "f16.safetensors")
        self.assertEqual(self.json("info", "f16.safetensors")["tensors"][0]["type"], "F16")
        self.assertRegex(self.out("info", "f16.safetensors"), r"conv0.weight +F16 +16 x 1 x 7 x 7")
        report = self.json("convert", "f16.safetensors", "--model", "eb", "--to", "safetensors", "--out", "f32.safetensors")
        self.assertEqual((report["numbers"], report["parameters"]), ("f32", 88723))
        self.assertEqual(self.read(self.folder / "f32.safetensors")[1], rounded.astype("<f4").tobytes())
        self.out("convert", WEIGHTS, "--model", "eb", "--to", "safetensors", "--numbers", "bf16", "--out", "bf16.safetensors")
        _, brain = self.read(self.folder / "bf16.safetensors")
        bits = np.frombuffer(data, "<u4").astype("u8")
        self.assertEqual(brain, ((bits + 0x7fff + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes())

    def test_parameters_beyond_16_bits(self):
        meta, data = self.read(WEIGHTS)
        head = json.dumps(meta).encode()
        (self.folder / "large.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + struct.pack("<f", 70000) + data[4:])
        large = ("convert", "large.safetensors", "--model", "eb", "--to", "safetensors", "--unverified", "--out", "x.safetensors")
        self.refused(*large, "--numbers", "f16", says=["x.safetensors", "larger than any number of F16", "as F32"])
        self.assertFalse((self.folder / "x.safetensors").exists())
        self.out(*large, "--numbers", "bf16")

    def test_what_is_refused(self):
        self.refused("convert", WEIGHTS, "--model", "eb", "--to", "header", "--out", "x.hpp", "--numbers", "f16",
                     says="--numbers has no effect on a header")
        for option in ("--name", "--namespace"):
            self.refused("convert", WEIGHTS, "--model", "eb", "--to", "safetensors", "--out", "x", option, "a",
                         says="--name and --namespace have no effect on a safetensors file")
        self.refused("convert", WEIGHTS, "--model", "eb", "--to", "safetensors", "--out", "x", "--numbers", "f8", code=2,
                     says="'f8' is none of f32")
        to_header = ("convert", WEIGHTS, "--model", "eb", "--to", "header", "--out", "x.hpp")
        for name in ("int", "2b", "a-b", "", "a__b", "_A", "std", "a b", "a::b"):
            with self.subTest(name):
                if name: self.refused(*to_header, "--name", name, says=[f"'{name}'", "constant"])
                if name != "a::b": self.refused(*to_header, "--namespace", name, says=[f"'{name}'", "namespace"])
        for scope in ("a:", "::a", "a::", "a::int", "a:::b"):
            self.refused(*to_header, "--namespace", scope, says=[f"'{scope}'", "namespace"])
        self.refused("convert", WEIGHTS, "--model", "cms-b", "--to", "header", "--out", "x.hpp", says="another input")
        self.refused("convert", WEIGHTS, "--model", "none", "--to", "header", "--out", "x.hpp", says="no network 'none'")
        self.refused("convert", "absent.safetensors", "--model", "eb", "--to", "header", "--out", "x.hpp", says="absent.safetensors")
        self.refused("convert", WEIGHTS, "--model", "cms-b", "--to", "header", "--out", "x.hpp", "--unverified",
                     says="do not fit the network")
        self.refused("convert", WEIGHTS, "--model", "eb", "--to", "onnx", "--out", "x", code=2, says="'onnx' is none of header")
        (self.folder / "taken.hpp").write_text("precious")
        self.refused(*to_header[:-1], "taken.hpp", says=["taken.hpp", "exists already"])
        self.refused(*to_header[:-1], "no/where.hpp", says=["no/where.hpp", "create the folder first"])
        self.refused(*to_header, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
                     says=["x.hpp", "nothing was left behind"])
        self.assertEqual((self.folder / "taken.hpp").read_text(), "precious")


if __name__ == "__main__":
    harness.main()
