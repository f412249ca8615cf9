import struct

import numpy as np

import harness


def size_of_png(path):
    start = path.read_bytes()[:24]
    assert start[:8] == b"\x89PNG\r\n\x1a\n", path
    return struct.unpack(">II", start[16:24])


class Display(harness.Case):
    def test_two_pictures_per_event(self):
        names = self.json("display", self.ig, "--out", "all")
        self.assertEqual(len(names), 2 * 8)
        first = self.truth[0]
        self.assertEqual(names[0], f"all/run{first['run']}_event{first['event']}_ecal-centric.png")
        for name in names:
            width, height = size_of_png(self.folder / name)
            self.assertGreater(width, 360 * 4)
            self.assertGreater(height, 270 * 4)

    def test_layouts_scale_and_part_of_a_file(self):
        names = self.json("display", self.ig, "--out", "some", "--layout", "central", "--scale", 2, "-n", 1, "--skip", 4)
        self.assertEqual(len(names), 1)
        self.assertIn(f"event{self.truth[4]['event']}_central", names[0])
        width, height = size_of_png(self.folder / names[0])
        self.assertTrue(720 < width < 1000 and 340 < height < 600)

    def test_thresholds_change_the_picture(self):
        draw = lambda *options: self.json("display", self.ig, "--out", "t", "-n", 1, "--layout", "central", "--force", *options)
        before = (self.folder / draw()[0]).read_bytes()
        self.assertEqual((self.folder / draw()[0]).read_bytes(), before)
        self.assertNotEqual((self.folder / draw("--min-ecal", 5)[0]).read_bytes(), before)

    def test_towers(self):
        self.assertEqual(len(self.json("display", self.ig, "--out", "towers", "--hcal", "towers", "-n", 1)), 2)
        done = self.run_program("display", self.ig, "--out", "towers2", "--hcal", "towers")
        self.assertIn("without calorimeter towers", done.stderr)
        self.refused("display", self.ig, "--out", "towers3", "--hcal", "towers", "--skip", 2, "-n", 1,
                     says=["no event has calorimeter towers", "--hcal hits"])

    def test_pictures_are_kept_unless_told(self):
        names = self.json("display", self.ig, "--out", "kept", "-n", 1)
        content = (self.folder / names[0]).read_bytes()
        self.refused("display", self.ig, "--out", "kept", "-n", 1, says=["exists already", names[0]])
        self.assertEqual((self.folder / names[0]).read_bytes(), content)
        self.json("display", self.ig, "--out", "kept", "-n", 1, "--force")

    def test_every_event_has_a_picture_of_its_own(self):
        self.out("simulate", "--process", "all", "-n", 3, "--out", "alike.npz")
        names = self.json("display", "alike.npz", "--out", "alike", "--layout", "central")
        self.assertEqual(names, [f"alike/run1_event{i}_label{k}_central.png" for i in range(3) for k in range(3)])
        self.assertEqual(sorted(names), sorted(f"alike/{p.name}" for p in (self.folder / "alike").iterdir()))
        self.assertEqual(len({(self.folder / name).read_bytes() for name in names}), 9)
        arrays = self.load("alike.npz")
        arrays["label"][:] = 1  # nothing tells the events apart any more
        np.savez(self.folder / "same.npz", **arrays)
        names = self.json("display", "same.npz", "--out", "same", "--layout", "central", "--skip", 1)
        self.assertEqual(names[:4], [f"same/run1_event{i}_label1{more}_central.png"
                                     for i, more in ((0, ""), (0, "_index2"), (1, ""), (1, "_index4"))])
        self.assertEqual(len(set(names)), 8)

    def test_weights_alone_are_those_of_cms_b(self):
        self.out("train", "--model", "cms-b", "--simulate", 1, "--epochs", 1, "--out", "b.safetensors")
        draw = lambda out, *options: (self.folder / self.json("display", self.ig, "--out", out, "-n", 1, *options)[0]).read_bytes()
        named = draw("named", "--model", "cms-b", "--weights", "b.safetensors")
        self.assertEqual(draw("alone", "--weights", "b.safetensors"), named)
        self.assertNotEqual(draw("bare"), named)
        self.refused("display", self.ig, "--out", "x", "--weights", "absent.safetensors", says=["absent.safetensors", "no such file"])

    def test_thresholds_at_the_ends_of_their_ranges(self):
        for value in ("1e-6", "1e6"):
            names = self.json("display", self.ig, "--out", f"at{value}", "-n", 1, "--scale", 1, "--min-pt", value, "--min-ecal", value,
                              "--min-hcal", value)
            self.assertEqual(len(names), 2)

    def test_the_place_must_be_a_folder(self):
        (self.folder / "file").write_text("")
        self.refused("display", self.ig, "--out", "file", says=["file", "in the way"])
        self.refused("display", self.ig, "--out", "no/where", says=["no/where", "make the folder above it"])

    def test_scores_below_the_title(self):
        self.out("simulate", "--process", "all", "-n", 4, "--out", "sim.npz")
        self.out("train", "--model", "four-momentum-3", "--data", "sim.npz", "--epochs", 1, "--out", "w.safetensors")
        plain = self.json("display", self.ig, "--out", "plain", "-n", 1)
        scored = self.json("display", self.ig, "--out", "scored", "-n", 1, "--model", "four-momentum-3", "--weights",
                           "w.safetensors")
        self.assertNotEqual((self.folder / plain[0]).read_bytes(), (self.folder / scored[0]).read_bytes())


if __name__ == "__main__":
    harness.main()
