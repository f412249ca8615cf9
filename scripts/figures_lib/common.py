"""What all studies of scripts/figures share."""
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build/release"
RECORD = ROOT / "docs/figures"
DATA = pathlib.Path(os.environ.get("CALOTYPE_DATA", ROOT / "../shared/data"))


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, **options).stdout


def configure():
    run("cmake", "--preset", "release", cwd=ROOT)


def build(*targets):
    say(f"building {', '.join(targets)} ...")
    configure()
    run("cmake", "--build", BUILD, *(a for t in targets for a in ("--target", t)))


def find_program(name):
    found = sorted(p for p in BUILD.rglob(name) if p.is_file() and os.access(p, os.X_OK))
    if not found:
        sys.exit(f"figures: the build made no program {name}; see build/release")
    return found[0]


def google_benchmark(program, repetitions, seconds, *options, **environment):
    """{benchmark: its medians}."""
    text = run(program, f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={seconds}", "--benchmark_format=json",
               "--benchmark_report_aggregates_only=true", *options, env={**os.environ, **environment})
    return {b["run_name"]: b for b in json.loads(text)["benchmarks"] if b.get("aggregate_name") == "median"}


def figure(name, value, goal, better, unit, conditions):
    """value null: not measured; goal null: quoted only."""
    return {"figure": name, "value": value, "goal": goal, "better": better, "unit": unit, "conditions": conditions}


def machine():
    """The CPU, with its family and model where a virtual machine hides its name ("AMD EPYC")."""
    told = dict(re.findall(r"^(model name|cpu family|model)\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M))
    name = told.get("model name", platform.machine())
    if not re.search(r"\d", name) and "cpu family" in told:
        name += f" (family {told['cpu family']}, model {told['model']})"
    return f"{name}, {os.cpu_count()} cores"


def is_exact(f):
    """Counts that the compiler asserts: neither more nor less will do."""
    return f["figure"].startswith(("parameters of", "multiply-adds of"))


def verdict(f):
    if f["value"] is None:
        return "not measured"
    if f["goal"] is None:
        return "quoted"
    if is_exact(f):
        return "reached" if f["value"] == f["goal"] else "MISSED"
    reached = f["value"] >= f["goal"] if f["better"] == "higher" else f["value"] <= f["goal"]
    return "reached" if reached else "MISSED"


def value_text(f):
    return "not measured" if f["value"] is None else f"{f['value']:,} {f['unit']}".strip()


def goal_text(f):
    return "-" if f["goal"] is None else f"{'≥' if f['better'] == 'higher' else '≤'} {f['goal']:,}"
