#!/usr/bin/env python3
"""calotype inside programs of its users, as they build it: without exceptions and run-time type information, weights in
the program, no allocation, no lock and a bounded stack while it scores.

    test_embedding.py COMPILER FOLDER WRITE_WEIGHTS [FLAG...]     programs are built in FOLDER with COMPILER and FLAGs
"""
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BARE = ["-fno-exceptions", "-fno-rtti"]
# All that scoring may call outside itself: none of these allocates, locks or throws.
HARMLESS = {"memcpy", "memset", "memmove", "sqrt", "sqrtf", "_GLOBAL_OFFSET_TABLE_"}
# What docs/embedding.md promises of the stack below the call of a session.
STACK_BYTES = int(re.search(r"at most ([\d,]+) bytes of stack", (HERE / "../../docs/embedding.md").read_text())[1].replace(",", ""))


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=FOLDER)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def build(name, *sources, flags=()):
    run(COMPILER, *FLAGS, *BARE, "-O1", f"-I{FOLDER}", *flags, *sources, "-o", FOLDER / name, "-pthread")
    return FOLDER / name


class Embedding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scores = run(WRITER, FOLDER).splitlines()

    def test_weights_in_the_program(self):
        """Two models of one type, under one name, in two translation units; first.hpp is included in two of them."""
        units = []
        for name in ("first", "second"):
            run(COMPILER, *FLAGS, *BARE, "-O1", f"-I{FOLDER}", f'-DWEIGHTS="{name}.hpp"', f"-DNAME={name}", "-c",
                HERE / "unit.cpp", "-o", FOLDER / f"{name}.o")
            units.append(FOLDER / f"{name}.o")
            symbols = run("nm", "-C", units[-1]).splitlines()
            weights = [s.split()[1] for s in symbols if s.endswith("user::trained::tagger")]
            self.assertEqual(weights, ["r"], "the weights must be constant data that no other unit can see")
            self.assertFalse([s for s in symbols if "typeinfo" in s or "__cxa_throw" in s])
        self.assertEqual(run(build("program", HERE / "program.cpp", *units)).splitlines(), self.scores)
        self.assertNotEqual(self.scores[0].split()[1:], self.scores[1].split()[1:])

    def test_weights_in_a_file(self):
        content = (FOLDER / "first.safetensors").read_bytes()
        for what, damage in (("cut", content[:-100]), ("no JSON", content[:8] + b"[[[[" + content[12:])):
            (FOLDER / "damaged.safetensors").write_bytes(damage)
            program = build("loading", HERE / "loading.cpp") if what == "cut" else FOLDER / "loading"
            lines = run(program, FOLDER / "first.safetensors", FOLDER / "damaged.safetensors").splitlines()
            self.assertEqual(lines[0], self.scores[0])
            self.assertTrue(lines[1].startswith("refused: "), lines)

    def test_nothing_is_called_while_scoring(self):
        # With exceptions on, a noexcept function names the routine that would end the program.
        for exceptions, more in ((BARE, set()), ([], {"__gxx_personality_v0", "__cxa_begin_catch", "_ZSt9terminatev"})):
            run(COMPILER, *FLAGS, *exceptions, "-O2", "-DNDEBUG", "-c", HERE / "scoring.cpp", "-o", FOLDER / "scoring.o")
            called = {line.split()[-1] for line in run("nm", "-u", FOLDER / "scoring.o").splitlines()}
            self.assertLessEqual(called, HARMLESS | more)

    def test_the_stack_is_bounded(self):
        """The longest chain of calls below a scoring function, from the compiler's own account of every frame."""
        for level in (["-O2"], ["-O3"], ["-O3", "-march=x86-64-v4"]):
            frames, calls = self.frames_and_calls(level)
            deepest = {}

            def depth(function, above=()):
                self.assertNotIn(function, above, "recursion has no bound")
                if function not in deepest:
                    below = [depth(f, (*above, function)) for f in calls.get(function, ())]
                    deepest[function] = frames.get(function, 0) + 8 + max(below, default=0)  # 8: the return address
                return deepest[function]

            found = 0
            for net in ("eb", "cms_b", "cms_ii"):
                for arithmetic in ("direct", "winograd"):
                    stack = depth(f"{net}_{arithmetic}")
                    found += stack > 100
                    print(f"{' '.join(level)} {net} {arithmetic}: {stack} bytes of stack")
                    self.assertLessEqual(stack, STACK_BYTES)
            self.assertEqual(found, 6, "the functions were not found")

    def frames_and_calls(self, level):
        if "clang" in pathlib.Path(COMPILER).name:
            raise unittest.SkipTest("clang does not tell which function calls which")
        run(COMPILER, *FLAGS, *BARE, *level, "-DNDEBUG", "-fcallgraph-info=su", "-c", HERE / "scoring.cpp", "-o", FOLDER / "stack.o")
        text = (FOLDER / "stack.ci").read_text()
        frames, calls = {}, {}
        for title, label in re.findall(r'^node: { title: "([^"]*)" label: "([^"]*)"', text, re.M):
            told = re.search(r"(\d+) bytes \(([a-z,]+)\)", label)
            if told:
                self.assertIn(told[2], ("static", "dynamic,bounded"), title)
                frames[title] = int(told[1])
            else:
                self.assertIn(title, HARMLESS, "a call of unknown depth")
        for caller, called in re.findall(r'^edge: { sourcename: "([^"]*)" targetname: "([^"]*)"', text, re.M):
            self.assertNotIn("indirect", called)
            calls.setdefault(caller, set()).add(called)
        return frames, calls


if __name__ == "__main__":
    COMPILER, FOLDER, WRITER, *FLAGS = sys.argv[1:]
    FOLDER = pathlib.Path(FOLDER)
    FOLDER.mkdir(parents=True, exist_ok=True)
    unittest.main(argv=sys.argv[:1], verbosity=1)
