import harness

# Parameters, of the first seven as published in the event paper's Table 2, and millions of multiply-adds.
EXPECTED = {
    "eb": (88723, 127.8),
    "cms-b": (90291, 151.0),
    "ecal": (295187, 167.4),
    "cms-i": (299891, 197.8),
    "cms-ii": (90291, 252.3),
    "four-momentum": (50433, 0.05),
    "four-momentum-3": (50691, 0.05),
    "reference": (51715, 0.05),
    "eb-mass-aware": (88723, 127.8),
    "cms-b-mass-aware": (90291, 151.0),
    "ecal-mass-aware": (295187, 167.4),
    "eb-sum-pt": (88723, 127.8),
    "eb-deeper": (137651, 196.3),
    "eb-average-pooling": (88723, 127.8),
    "eb-batch-norm": (88723, 127.8),
    "eb-fcn-head": (109747, 127.8),
    "four-momentum-shallow": (17667, 0.02),
    "four-momentum-narrow": (3459, 0.00),
    "shower-cnn": (574066, 6.64),
    "shower-fcn": (303682, 0.30),
    "shower-cnn-digis": (575362, 7.97),
    "shower-conv-lstm": (265154, 26.80),
    "shower-fcn-digis": (1335746, 1.34),
    "shower-resnet": (88690, 127.8),
}


class Models(harness.Case):
    def test_the_cost_sheet(self):
        sheet = {n["name"]: n for n in self.json("models")}
        self.assertEqual(sheet.keys(), EXPECTED.keys())
        for name, (parameters, millions) in EXPECTED.items():
            self.assertEqual(sheet[name]["parameters"], parameters)
            self.assertAlmostEqual(sheet[name]["multiply_adds"] / 1e6, millions, delta=0.05)
            self.assertTrue(sheet[name]["input"])
            self.assertGreater(sheet[name]["workspace_bytes"], 0)
        self.assertLessEqual(sheet["cms-ii"]["workspace_bytes"], 4_000_000)
        self.assertEqual(len({n["network_signature"] for n in sheet.values()}), len(sheet))

    def test_layers_add_up(self):
        for n in self.json("models", "--diagram"):
            self.assertEqual(sum(l["multiply_adds"] for l in n["layers"]), n["multiply_adds"])
            self.assertEqual(sum(l["parameters"] for l in n["layers"]) + n["idle_parameters"], n["parameters"])

    def test_for_people(self):
        text = self.out("models", "cms-b", "--diagram")
        self.assertRegex(text, r"cms-b +90,291 +151\.0 M")
        self.assertRegex(text, r"conv 7x7 /2, relu +16 x 83 x 178 +2,368")
        self.assertNotIn("four-momentum", text)

    def test_a_drawing(self):
        drawing = self.folder / "cms-i.svg"
        self.out("models", "cms-i", "--diagram", "--out", drawing)
        svg = drawing.read_text()
        self.assertEqual(svg.count(">image<"), 3)  # barrel and two endcaps
        self.assertEqual(svg.count(">conv 7x7 /2, relu<"), 3)
        self.assertEqual(svg.count("h14 V"), 3 * 7)  # the shortcuts
        self.refused("models", "cms-i", "--diagram", "--out", drawing, says=["exists already"])
        self.refused("models", "cms-i", "--diagram", "--force", code=2, says=["--force", "--out"])
        self.refused("models", "--diagram", "--out", self.folder / "all.svg", says=["one network"])

    def test_an_unknown_network(self):
        self.refused("models", "eb-9", says=["'eb-9'", "cms-ii"])


if __name__ == "__main__":
    harness.main()
