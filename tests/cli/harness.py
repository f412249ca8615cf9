"""Runs the program `calotype` for the tests beside this file.

CALOTYPE names the program. A test script ends with `harness.main()`; it exits with 77 where everything was skipped.
"""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CALOTYPE", str(ROOT / "build/release/calotype"))
DATA = pathlib.Path(os.environ.get("CALOTYPE_DATA", str(ROOT.parent / "shared/data")))

try:
    import numpy as np
except ImportError:
    print("SKIPPED: numpy is not installed (Debian: python3-numpy)")
    sys.exit(77)


class Case(unittest.TestCase):
    """A folder of its own with a synthetic .ig file in it, and the program."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="calotype_cli_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.ig = cls.folder / "events.ig"
        made = subprocess.run([sys.executable, str(ROOT / "scripts/make_synthetic_ig.py"), str(cls.ig), "--events", "8"],
                              check=True, capture_output=True, text=True)
        cls.truth = json.loads(made.stdout)

    def run_program(self, *args, code=0, env=None, before=None, stdout=subprocess.PIPE, timeout=600):
        """Runs it in the folder and checks its exit code."""
        done = subprocess.run([PROGRAM, *map(str, args)], cwd=self.folder, stdout=stdout, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, **(env or {})}, preexec_fn=before, timeout=timeout)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}\n{done.stderr}")
        return done

    def out(self, *args, **options):
        return self.run_program(*args, **options).stdout

    def json(self, *args, **options):
        return json.loads(self.out(*args, "--json", **options))

    def address_space(self, size):
        """What lets a program run in so much memory; a program whose sanitiser reserves more by itself is not tested so."""
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))
        if subprocess.run([PROGRAM, "--version"], preexec_fn=limit, capture_output=True).returncode != 0:
            self.skipTest(f"the program does not start in {size} bytes")
        return limit

    def refused(self, *args, says=(), code=1, **options):
        """Fails with one sentence on standard error that holds every given text, and leaves no file behind."""
        before = sorted(self.folder.rglob("*"))
        done = self.run_program(*args, code=code, **options)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("error: "), lines[0])
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, lines[0])
        self.assertEqual(sorted(self.folder.rglob("*")), before, "something was left behind")
        return lines[0]

    def load(self, name):
        with np.load(self.folder / name) as file:
            return {key: file[key] for key in file.files}


def main():
    result = unittest.main(exit=False, verbosity=1).result
    for case, reason in result.skipped:
        print(f"SKIPPED: {case}: {reason}")
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun > 0 and len(result.skipped) == result.testsRun else 0)
