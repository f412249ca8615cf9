import harness

COMMANDS = ["models", "info", "display", "images", "simulate", "train", "evaluate", "classify", "convert", "reproduce",
            "validate"]


class Help(harness.Case):
    def test_the_program_lists_its_commands(self):
        text = self.out("--help")
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command} +[A-Z]")

    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            text = self.out(command, "--help")
            self.assertIn(f"Usage: calotype {command}", text)
            self.assertIn("--json", text)

    def test_version(self):
        self.assertRegex(self.out("--version"), r"^calotype \d+\.\d+\.\d+\n$")

    def test_a_command_line_that_is_not_understood(self):
        self.refused(code=2, says="'calotype --help'")
        self.refused("fly", code=2, says="fly")
        self.refused("images", self.ig, code=2, says=["--layout", "'calotype images --help'"])
        self.refused("images", self.ig, "--layout", "round", "--out", "x.npz", code=2,
                     says=["'round' is none of central, ecal-centric, hcal-centric"])
        self.refused("images", self.ig, "--layout", "central", "--out", "x.npz", "--channels", "ecal,ecal", code=2,
                     says="'ecal' is listed twice")
        self.refused("images", self.ig, "--layout", "central", "--out", "x.npz", "-n", "-3", code=2, says="-3")
        self.refused("models", "--wings", code=2, says="--wings")
        self.refused("train", "--model", "eb", "--simulate", "5", "--out", "w", "--epochs", "0", code=2, says="--epochs")

    def test_real_options_take_finite_numbers_only(self):
        reals = {
            ("simulate", "--process", "higgs", "-n", 1, "--out", "x.npz"): ("--pile-up", "--fragmentation"),
            ("train", "--model", "four-momentum-3", "--simulate", 1, "--out", "x.safetensors"):
                ("--rate", "--rate-decay", "--validation", "--pile-up", "--fragmentation"),
            ("evaluate", self.ig): ("--efficiency",),
            ("display", self.ig, "--out", "x"): ("--min-pt", "--min-ecal", "--min-hcal"),
        }
        for command, options in reals.items():
            for option in options:
                for word in ("nan", "-nan", "inf", "-inf", "1e999", "-1", "1e7", "0.5x", ""):
                    with self.subTest(command=command[0], option=option, word=word):
                        sentence = self.refused(*command, f"{option}={word}", code=2, says=option)
                        self.assertLess(len(sentence), 200)
                        if word:
                            self.assertRegex(sentence, rf"{option}: '{word}' is no number from \S+ to \S+;")


if __name__ == "__main__":
    harness.main()
