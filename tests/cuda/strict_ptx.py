#!/usr/bin/env python3
"""Reads PTX of strict float kernels and fails on any instruction that computes in double, rounds otherwise than to nearest,
may be contracted by ptxas (no explicit .rn), is approximate, or is a float atomic.

    strict_ptx.py FILE.ptx ...
"""
import re
import sys

INSTRUCTION = re.compile(r"^\s*(?:@!?%p\d+\s+)?([a-z][\w.]*)\s", re.M)


def complaint(name):
    parts = name.split(".")
    if "f64" in parts:
        return "double precision"
    if "f32" not in parts:
        return None
    if "approx" in parts or "full" in parts or parts[0] in {"ex2", "lg2", "sin", "cos", "tanh", "rsqrt"}:
        return "approximate"
    if parts[0] in {"atom", "red"}:
        return "a float atomic"
    if "ftz" in parts:
        return "flushes subnormals to zero"
    if parts[0] in {"add", "sub", "mul", "mad", "fma", "div", "sqrt", "rcp"} and "rn" not in parts:
        return "not .rn: ptxas may contract it"
    return None


def main():
    complaints = 0
    for path in sys.argv[1:]:
        with open(path) as file:
            text = file.read()
        names = INSTRUCTION.findall(text)
        if "fma.rn.f32" not in names or ".entry" not in text:
            sys.exit(f"{path}: no kernels here")
        counts = {}
        for name in names:
            if complaint(name):
                counts[name] = counts.get(name, 0) + 1
        for name, count in sorted(counts.items()):
            print(f"{path}: {count} x {name}: {complaint(name)}")
        complaints += len(counts)
    sys.exit(1 if complaints or len(sys.argv) < 2 else 0)


if __name__ == "__main__":
    main()
