#!/usr/bin/env python3
"""Measures what calotype costs to compile, against its budget; reports, never fails on a time.

    scripts/compile_budget.py              a table for people
    scripts/compile_budget.py --json       [{figure, value, goal, better, unit, conditions}, ...]
    scripts/compile_budget.py --headers    every public header alone, most expensive first

Times are processor seconds of the compiler (user + system), the least of --repeat runs: on a shared machine the wall clock
measures the neighbours.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
DESCRIPTIONS = ["calotype/detector/presets/*.hpp", "calotype/nn/layers.hpp", "calotype/models/*.hpp"]


def compiler(name):
    path = shutil.which(name) or shutil.which("g++")
    if not path:
        sys.exit("compile_budget: no g++ found (Debian: g++)")
    line = subprocess.run([path, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    return path, line


def seconds(path, flags, source, repeat):
    """Least processor time of compiling `source`, or None when it does not compile."""
    best = None
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "probe.cpp")
        file.write_text(source)
        command = [path, "-std=c++20", f"-I{INCLUDE}", *flags, "-c", str(file), "-o", str(file.with_suffix(".o"))]
        for _ in range(repeat):
            process = subprocess.Popen(command, stderr=subprocess.PIPE)
            message = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                print(message.decode(errors="replace")[:2000], file=sys.stderr)
                return None
            spent = usage.ru_utime + usage.ru_stime
            best = spent if best is None else min(best, spent)
    return round(best, 3)


def readme_program():
    block = re.search(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    return block[1] if block else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--headers", action="store_true")
    parser.add_argument("--compiler", default="g++-12")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    path, version = compiler(options.compiler)

    def cost(flags, source):
        return seconds(path, flags, source, options.repeat) if source else None

    light, full = ["-O2", "-march=x86-64-v3"], ["-O3", "-march=native"]
    if options.headers:
        names = sorted(p.relative_to(INCLUDE).as_posix() for p in (INCLUDE / "calotype").rglob("*.hpp"))
        costs = [(cost(light, f"#include <{name}>\n"), name) for name in names]
        for value, name in sorted(costs, key=lambda pair: -(pair[0] or 0)):
            print(f"{'does not compile' if value is None else f'{value:.2f} s':>16}  {name}")
        return

    umbrella = INCLUDE / "calotype/calotype.hpp"
    descriptions = sorted(p.relative_to(INCLUDE).as_posix() for d in DESCRIPTIONS for p in INCLUDE.glob(d))
    each = {name: cost(light, f"#include <{name}>\n") for name in descriptions}
    known = {name: value for name, value in each.items() if value is not None}
    worst = max(known, key=known.get) if known else None
    program = readme_program() if umbrella.exists() else None

    def figure(name, value, goal, conditions):
        return {"figure": name, "value": value, "goal": goal, "better": "lower", "unit": "s",
                "conditions": f"{conditions}; processor time, least of {options.repeat}; {version}"}

    figures = [
        figure("compile the inference header alone", cost(light, "#include <calotype/calotype.hpp>\n") if umbrella.exists()
               else None, 2.0, " ".join(light)),
        figure("compile the most expensive description header alone", known.get(worst), 0.3, f"<{worst}>, {' '.join(light)}"),
        figure("compile the README's program", cost(full, program), 8.0, " ".join(full)),
    ]
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for f in figures:
            value = "not measured" if f["value"] is None else f"{f['value']:.2f} {f['unit']}"
            print(f"{f['figure']}: {value} (goal < {f['goal']} {f['unit']}; {f['conditions']})")


if __name__ == "__main__":
    main()
