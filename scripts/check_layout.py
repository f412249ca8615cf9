#!/usr/bin/env python3
"""Checks what the compiler cannot: which folder may include which, who may see third-party headers, where macros live,
and that every test and example is reached by the build.

    scripts/check_layout.py                     the rules of the source tree
    scripts/check_layout.py --odr HEADERS_FILE  the ODR test's generated list names every public header
    scripts/check_layout.py --update-readme     copies examples/score_events.cpp into the README
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PUBLIC = ROOT / "include" / "calotype"
ORDER = "core detector tensor exec kernel image nn models eval observables sim io train report".split()

# Third-party headers, and the only places that may include them.
GUESTS = {
    r"xsimd/|immintrin\.h$": r"(kernel/cpu|exec/cpu)",
    r"thrust/|tbb/|omp\.h$": r"(kernel/thrust|kernel/cuda)",
    r"cuda|cub/|mma\.h$": r"(kernel/cuda|kernel/thrust)",
    r"xtensor/|xtl/": r"tensor/xtensor\.hpp$",
    r"zip\.h$|nlohmann/|H5|hdf5": r"io/",
    r"png\.h$": r"(io|report)/",
    r"mpi\.h$": r"train/mpi\.hpp$",
}

# What light headers must not cost: descriptions are included by every user and by nvcc.
LIGHT = r"(core/(config|hash|math)\.hpp|detector/|nn/(layers|plan|input)\.hpp|models/|image/layout\.hpp)"
HEAVY = {"string", "vector", "functional", "iostream", "sstream", "fstream", "map", "unordered_map", "memory", "regex",
         "algorithm", "ranges", "random", "thread", "mutex", "future", "filesystem", "format"}
# The inference header must stay free of these, however deep.
NEVER_IN_UMBRELLA = {"iostream", "sstream", "fstream", "regex", "filesystem", "ranges"}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
MODULE = re.compile(r"^\s*(import|module|export)\b", re.M)
DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)", re.M)


def headers():
    return sorted(PUBLIC.rglob("*.hpp"))


def points_down(name, target):
    """A header includes only from its own folder and those above."""
    here, there = name.split("/")[0], target.split("/")[0]
    return ORDER.index(there) > ORDER.index(here)


def check_cycles():
    done, path = set(), []

    def visit(name):
        if name in path:
            yield "these headers include each other: " + " -> ".join(path[path.index(name):] + [name])
        elif name not in done and (ROOT / "include" / name).exists():
            path.append(name)
            for include in INCLUDE.findall((ROOT / "include" / name).read_text()):
                if include.startswith("calotype/"):
                    yield from visit(include)
            path.pop()
            done.add(name)

    for header in headers():
        yield from visit(header.relative_to(ROOT / "include").as_posix())


def check_headers():
    for path in headers():
        name = path.relative_to(PUBLIC).as_posix()
        text = path.read_text()
        where = f"include/calotype/{name}"
        folder = name.split("/")[0]
        umbrella = "/" not in name
        if not umbrella and folder not in ORDER:
            yield f"{where}: {folder}/ is not a folder of the design ({' '.join(ORDER)})"
            continue
        if not re.search(r"^#pragma once$", text, re.M):
            yield f"{where}: no #pragma once"
        if MODULE.search(text):
            yield f"{where}: a line begins with import, module or export, which nvcc takes for a C++20 module's"
        for macro in DEFINE.findall(text):
            if name != "core/config.hpp":
                yield f"{where}: defines the macro {macro}; macros live in core/config.hpp"
        for include in INCLUDE.findall(text):
            if include.startswith("calotype/"):
                target = include.removeprefix("calotype/")
                if not (PUBLIC / target).exists():
                    yield f"{where}: includes <{include}>, which does not exist"
                elif not umbrella and "/" not in target:
                    yield f"{where}: includes the umbrella <{include}>; include what you use"
                elif not umbrella and points_down(name, target):
                    yield f"{where}: includes <{include}>, from a folder below {folder}/"
                continue
            for guest, home in GUESTS.items():
                if re.match(guest, include) and not re.match(home, name):
                    yield f"{where}: includes <{include}>; only {home} may"
            if re.match(LIGHT, name) and include in HEAVY:
                yield f"{where}: includes <{include}>, which is too heavy for a description"


def check_umbrella():
    reached, pending = {}, ["calotype/calotype.hpp"] if (PUBLIC / "calotype.hpp").exists() else []
    while pending:
        name = pending.pop()
        if name in reached:
            continue
        reached[name] = INCLUDE.findall((ROOT / "include" / name).read_text())
        pending += [i for i in reached[name] if i.startswith("calotype/") and (ROOT / "include" / i).exists()]
    for name, includes in sorted(reached.items()):
        if re.match(r"calotype/(io|train|report|sim)/|calotype/kernel/(thrust|cuda)", name):
            yield f"<calotype/calotype.hpp> reaches <{name}>, which is included by name only"
        for include in includes:
            if include in NEVER_IN_UMBRELLA or re.match(r"xtensor/|nlohmann/|zip\.h|H5|thrust/", include):
                yield f"<calotype/calotype.hpp> reaches <{include}> through <{name}>"


README_PROGRAM = re.compile(r"```cpp\n(.*?)```", re.S)


def example():
    path = ROOT / "examples/score_events.cpp"
    return path.read_text() if path.exists() else ""


def check_readme():
    """The README shows examples/score_events.cpp, which is compiled and run."""
    shown = README_PROGRAM.search((ROOT / "README.md").read_text())
    if not shown or shown[1] != example():
        yield "README.md: its program is not examples/score_events.cpp; run scripts/check_layout.py --update-readme"


def update_readme():
    readme = ROOT / "README.md"
    readme.write_text(README_PROGRAM.sub(lambda _: f"```cpp\n{example()}```", readme.read_text(), count=1))


def tracked(*patterns):
    run = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT, capture_output=True, text=True)
    return [f for f in run.stdout.splitlines() if (ROOT / f).exists()]


def check_build():
    """The globs of tests/ and examples/ reach these places; a file elsewhere would never be compiled."""
    reached = [r"tests/(unit|reference)/[^/]+/.+", r"tests/(static|parity|gradient)/.+", r"tests/compile_fail/[^/]+",
               r"tests/(cuda|dispatch|embedding|mpi)/[^/]+", r"tests/(main|odr/\w+|consumer/\w+)\.cpp", r"examples/[^/]+", r"examples/[^/]+/.+",
               r"benchmarks/[^/]+", r"benchmarks/compile/[^/]+", r"benchmarks/peers/(ours/)?[^/]+"]
    for file in tracked("*.cpp", "*.cu"):
        if not any(re.fullmatch(pattern, file) for pattern in reached):
            yield f"{file}: no CMakeLists.txt reaches it"
    for file in tracked("tests/unit/*.cpp"):
        if not (PUBLIC / pathlib.Path(file).relative_to("tests/unit").parent).is_dir():
            yield f"{file}: mirrors no folder of include/calotype/"
    for file in tracked("tests/compile_fail/*.cpp"):
        if not (ROOT / file).read_text().startswith("// expect: "):
            yield f"{file}: the first line must be `// expect: <regular expression>`"


def check_odr(listing):
    text = listing.read_text()
    for path in headers():
        name = path.relative_to(ROOT / "include").as_posix()
        if path.suffix == ".hpp" and name not in text:
            yield f"include/{name}: missing from the ODR test; reconfigure the build"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--odr", type=pathlib.Path)
    parser.add_argument("--update-readme", action="store_true")
    options = parser.parse_args()
    if options.update_readme:
        return update_readme()
    checks = [check_odr(options.odr)] if options.odr else [check_headers(), check_cycles(), check_umbrella(),
                                                                    check_readme(), check_build()]
    problems = [problem for check in checks for problem in check]
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
