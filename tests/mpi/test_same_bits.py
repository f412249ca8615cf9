#!/usr/bin/env python3
"""Training by one MPI process, by two and by three ends in the same file and the same numbers."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

MPIEXEC, PROGRAM = sys.argv[1:3]
# Open MPI asks for these where it is run as root, or with more processes than cores; MPICH does not know them.
ENVIRONMENT = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                            "OMPI_MCA_rmaps_base_oversubscribe": "1"}


def run(processes, *arguments):
    return subprocess.run([MPIEXEC, "-n", str(processes), PROGRAM, *arguments], capture_output=True, text=True, env=ENVIRONMENT)


class Together(unittest.TestCase):
    def test_bits(self):
        with tempfile.TemporaryDirectory() as folder:
            results = {}
            for processes in (1, 2, 3):
                weights = pathlib.Path(folder, f"{processes}.safetensors")
                done = run(processes, str(weights), "14", "2")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout.count("epoch "), 2, "one process speaks")
                results[processes] = (done.stdout, weights.read_bytes())
            self.assertEqual(results[2], results[1])
            self.assertEqual(results[3], results[1])

    def test_refuses(self):
        self.assertNotEqual(run(2).returncode, 0)
        with tempfile.TemporaryDirectory() as folder:
            done = run(2, f"{folder}/none/w.safetensors", "4", "1")
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(done.stderr.count("none/w.safetensors"), 1, done.stderr)


unittest.main(argv=sys.argv[:1])
