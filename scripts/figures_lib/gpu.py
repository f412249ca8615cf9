"""The study `gpu`: networks on an NVIDIA device, exec::cuda beside PyTorch, all in one run."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from .common import ROOT, figure, say

BUILD = ROOT / "build/gpu"
HEADERS = BUILD / "include"  # of what our headers need, for machines without packages; taken along in `build`
SOURCE = ROOT / "benchmarks/cuda.cu"
PEER = ROOT / "benchmarks/peers/torch_gpu.py"
NO_DEVICE = 77
NO_NAME = "none"

PRECISIONS = ("fp32", "tf32", "fp16")
# Events a second from images that are on the device.
GOALS = {"eb": {"fp32": 120_000, "tf32": 300_000, "fp16": 1_000_000},
         "cms-b": {"fp32": 100_000, "tf32": 250_000, "fp16": 800_000},
         "cms-ii": {"fp32": 60_000, "tf32": 150_000, "fp16": 500_000},
         "jets": {"fp32": 450_000, "tf32": 1_100_000, "fp16": 3_000_000}}
LATENCY = {"fp32": 60, "tf32": 50, "fp16": 30}  # microseconds of cms-b
TRAINING = {"fp32": 40_000, "tf32": 60_000, "bf16": 120_000}  # images a second, eb, batch 360
UNWRITTEN = "there are no such kernels yet"
SECONDS = {"ours": 200, "peers": 160}  # that may be spent measuring


class NotHere(Exception):
    """Why nothing can be measured on this machine."""


def nvcc():
    found = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
    if not found:
        raise NotHere("no nvcc here")
    return found


def headers():
    """The folders to include from besides ours."""
    installed = pathlib.Path("/usr/include/xsimd")
    if installed.exists() and not (HEADERS / "xsimd").exists():
        HEADERS.mkdir(parents=True, exist_ok=True)
        shutil.copytree(installed, HEADERS / "xsimd")
    if not (HEADERS / "xsimd").exists():
        raise NotHere(f"no xsimd here; bring its headers to {HEADERS.relative_to(ROOT)}/xsimd")
    return ["-isystem", str(HEADERS)]


def lines_of(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


NETWORKS = {"eb": "m::eb", "cms-b": "m::cms_b", "cms-ii": "m::cms_ii", "jets": "bench::jets"}


def ours():
    """[what bench_cuda printed], of all networks, and {network: why nothing of it is told}; they are compiled at once."""
    include = headers()  # first: where there is no device they are brought together for a machine that has one
    if device_name() == NO_NAME:  # before some minutes of compilation
        raise NotHere("no NVIDIA device here")
    compiler = nvcc()
    programs = {name: BUILD / f"bench_cuda_{name}" for name in NETWORKS}
    commands = [[compiler, "-std=c++20", "--expt-relaxed-constexpr", "-O3", "-arch=sm_90", f"-I{ROOT / 'include'}", *include,
                 f"-DCALOTYPE_NETWORK={NETWORKS[name]}", str(SOURCE), "-o", str(program)] for name, program in programs.items()]
    say("building bench_cuda ...")
    at_once = len(commands) if (os.cpu_count() or 1) >= 2 * len(commands) else 1
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        built = list(pool.map(lambda c: subprocess.run(c, capture_output=True, text=True), commands))
    for done in built:
        if done.returncode:
            sys.exit(f"figures: bench_cuda was not built: {done.stderr.strip()}")
    measured, failed, end = [], {}, time.monotonic() + SECONDS["ours"]
    for name, program in programs.items():
        say(f"measuring exec::cuda, {name} ...")
        status, output, complaint = measure(program, max(1, end - time.monotonic()))
        if status == NO_DEVICE:
            raise NotHere("no NVIDIA device here")
        found = lines_of(output)
        bad = [m["precision"] for m in found if not m["good"]]
        if bad:
            failed[name] = f"not near enough to exec::scalar: {', '.join(bad)}"
        elif status or not found:
            failed[name] = " ".join(complaint.split()) or f"ended with status {status}"
        measured += [m for m in found if m["good"]]  # those that are right count, whatever came of the others
    for name, why in failed.items():
        say(f"figures: exec::cuda, {name}: {why}")
    return measured, failed


def measure(program, seconds):
    """(exit status, what was printed, complaint)"""
    try:
        done = subprocess.run([str(program)], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as late:
        return 1, (late.stdout or b"").decode(), f"did not end within {seconds:.0f} seconds"
    return done.returncode, done.stdout, done.stderr


def peers(wanted):
    """[what the peer printed], or why there is none."""
    if not wanted:
        return [], "left out"
    try:
        budget = SECONDS["peers"]
        done = subprocess.run([sys.executable, str(PEER), "--budget", str(budget - 40)], capture_output=True, text=True, timeout=budget)
    except subprocess.TimeoutExpired as late:  # what it had measured counts
        return lines_of((late.stdout or b"").decode()), f"it did not end within {budget} seconds"
    found = lines_of(done.stdout)
    return found, "" if found else (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]


def device_name():
    try:
        return subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], check=True,
                              capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return NO_NAME


def near(row):
    return "bits of exec::scalar" if row["precision"] == "fp32" else f"scores within {row['error']:.1g} of exec::scalar"


def figures_of(measured, beside, reason, failed={}):
    """`reason`: why nothing was measured, or empty; `failed`: why nothing was of some networks."""
    def best(name, precision, key, better):
        values = [p[key] for p in beside if p["network"] == name and p["precision"] == precision and key in p]
        return better(values) if values else None

    rows = {(m["network"], m["precision"]): m for m in measured if "events_per_second" in m}
    training = {m["precision"]: m for m in measured if "training_images_per_second" in m}
    figures = []
    for name, goals in GOALS.items():
        for precision, goal in goals.items():
            row = rows.get((name, precision))
            peer = best(name, precision, "events_per_second", max)
            why = reason or failed.get(name, "")
            told = f"images on the device, batch {row['batch']:,}, {near(row)}" if row else why
            told += f"; PyTorch {peer:,.0f}" if peer else ""
            figures.append(figure(f"{name}, {precision}", row and round(row["events_per_second"]), goal, "higher", "events/s", told))
    for precision, goal in LATENCY.items():
        row = rows.get(("cms-b", precision))
        peer = best("cms-b", precision, "one_event_us", min)
        why = reason or failed.get("cms-b", "")
        told = "spread over the device, image on the device" if row else why
        told += f"; PyTorch, replayed graph, {peer:.0f} us" if peer else ""
        figures.append(figure(f"cms-b, one event, {precision}", row and round(row["one_event_us"], 1), goal, "lower", "us", told))
    for precision in PRECISIONS:
        row = rows.get(("cms-ii", precision))
        share = row and round(100 * row["from_hits_per_second"] / row["events_per_second"], 1)
        told = (f"{row['from_hits_per_second']:,.0f} events/s, batch 1,024, 740 hits and tracks an event, 8 threads list them" if row
                else reason or failed.get("cms-ii", ""))
        figures.append(figure(f"cms-ii, {precision}, from hits on the host to scores on the host, of the rate above", share, 80,
                              "higher", "%", told))
    for precision, goal in TRAINING.items():
        row = training.get(precision)
        why = reason or failed.get("eb", "")
        told = "from hits on the host to new weights, bits of exec::scalar" if row else why if precision == "fp32" else UNWRITTEN
        figures.append(figure(f"training step, eb, batch 360, {precision}", row and round(row["training_images_per_second"]), goal,
                              "higher", "images/s", told))
    return figures


def study(with_peers):
    measured, beside, failed, why = [], [], {}, ""
    try:
        measured, failed = ours()
        beside, missing = peers(with_peers)
        if missing:
            say(f"PyTorch: {missing}")
    except NotHere as reason:
        why = str(reason)
        say(f"figures: {why}: nothing is measured")
    return {"device": device_name(), "figures": figures_of(measured, beside, why, failed), "peers": beside, "failed": sorted(failed)}
