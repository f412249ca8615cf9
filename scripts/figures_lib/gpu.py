"""The study `gpu`: networks on an NVIDIA device, exec::cuda beside PyTorch, all in one run."""
import json
import pathlib
import shutil
import subprocess
import sys

from .common import ROOT, figure, say

BUILD = ROOT / "build/gpu"
HEADERS = BUILD / "include"  # of what our headers need, for machines without packages; taken along in `build`
SOURCE = ROOT / "benchmarks/cuda.cu"
PEER = ROOT / "benchmarks/peers/torch_gpu.py"
NO_DEVICE = 77

PRECISIONS = ("fp32", "tf32", "fp16")
# Events a second from images that are on the device.
GOALS = {"eb": {"fp32": 120_000, "tf32": 300_000, "fp16": 1_000_000},
         "cms-b": {"fp32": 100_000, "tf32": 250_000, "fp16": 800_000},
         "cms-ii": {"fp32": 60_000, "tf32": 150_000, "fp16": 500_000},
         "jets": {"fp32": 450_000, "tf32": 1_100_000, "fp16": 3_000_000}}
LATENCY = {"fp32": 60, "tf32": 50, "fp16": 30}  # microseconds of cms-b
TRAINING = {"fp32": 40_000, "tf32": 60_000, "bf16": 120_000}  # images a second, eb, batch 360
UNWRITTEN = "there are no such kernels yet"


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


def ours():
    """[what bench_cuda printed]"""
    program = BUILD / "bench_cuda"
    command = [nvcc(), "-std=c++20", "--expt-relaxed-constexpr", "-O3", "-arch=sm_90", f"-I{ROOT / 'include'}", *headers(),
               str(SOURCE), "-o", str(program)]
    say("building bench_cuda ...")
    subprocess.run(command, check=True, capture_output=True, text=True)
    say("measuring exec::cuda ...")
    try:
        done = subprocess.run([str(program)], capture_output=True, text=True, timeout=150)
    except subprocess.TimeoutExpired:
        sys.exit("figures: bench_cuda did not end within 150 seconds")
    if done.returncode == NO_DEVICE:
        raise NotHere("no NVIDIA device here")
    measured = lines_of(done.stdout)
    if done.returncode or not all(m["exact"] for m in measured):
        sys.exit(f"figures: exec::cuda has not the bits of exec::scalar, or failed: {(done.stderr or done.stdout).strip()}")
    return measured


def peers(wanted):
    """[what the peer printed], or why there is none."""
    if not wanted:
        return [], "left out"
    try:
        done = subprocess.run([sys.executable, str(PEER), "--budget", "180"], capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired as late:  # what it had measured counts
        return lines_of((late.stdout or b"").decode()), "it did not end within 240 seconds"
    found = lines_of(done.stdout)
    return found, "" if found else (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]


def device_name():
    try:
        return subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], check=True,
                              capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"


def figures_of(measured, beside, why):
    """`why`: why nothing was measured, or empty."""
    def best(name, precision, key, better):
        values = [p[key] for p in beside if p["network"] == name and p["precision"] == precision and key in p]
        return better(values) if values else None

    rows = {m["network"]: m for m in measured if "events_per_second" in m}
    from_hits = next((m["from_hits_per_second"] for m in measured if "from_hits_per_second" in m), None)
    figures = []
    for name, goals in GOALS.items():
        for precision, goal in goals.items():
            value = rows[name]["events_per_second"] if precision == "fp32" and name in rows else None
            peer = best(name, precision, "events_per_second", max)
            told = f"images on the device, batch {rows[name]['batch']:,}, bits of exec::scalar" if value else (
                why if precision == "fp32" else UNWRITTEN)
            told += f"; PyTorch {peer:,.0f}" if peer else ""
            figures.append(figure(f"{name}, {precision}", value and round(value), goal, "higher", "events/s", told))
    for precision, goal in LATENCY.items():
        value = rows["cms-b"]["one_event_us"] if precision == "fp32" and rows else None
        peer = best("cms-b", precision, "one_event_us", min)
        told = "spread over the device, image on the device" if value else why if precision == "fp32" else UNWRITTEN
        told += f"; PyTorch, replayed graph, {peer:.0f} us" if peer else ""
        figures.append(figure(f"cms-b, one event, {precision}", value and round(value, 1), goal, "lower", "us", told))
    share = from_hits and round(100 * from_hits / rows["cms-ii"]["events_per_second"], 1)
    figures.append(figure("cms-ii, fp32, from hits on the host to scores on the host, of the rate above", share, 80, "higher", "%",
                          f"{from_hits:,.0f} events/s, batch 1,024, 740 hits and tracks an event" if share else why))
    figures += [figure(f"training step, eb, batch 360, {precision}", None, goal, "higher", "images/s", UNWRITTEN)
                for precision, goal in TRAINING.items()]
    return figures


def study(with_peers):
    measured, beside, why = [], [], ""
    try:
        measured = ours()
        beside, missing = peers(with_peers)
        if missing:
            say(f"PyTorch: {missing}")
    except NotHere as reason:
        why = str(reason)
        say(f"figures: {why}: nothing is measured")
    return {"device": device_name(), "figures": figures_of(measured, beside, why), "peers": beside}
