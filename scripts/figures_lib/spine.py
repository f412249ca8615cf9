"""The study `spine`: what the library as a whole costs and does, on this machine alone."""
import hashlib
import json
import subprocess
import sys

from .common import DATA, ROOT, build, figure, find_program, google_benchmark, machine, run, say


COUNTS = {  # name: (parameters, millions of multiply-adds), event paper Table 2 and the authors' public code
    "eb": (88723, 127.8), "cms-b": (90291, 151.0), "ecal": (295187, 167.4), "cms-i": (299891, 197.8),
    "cms-ii": (90291, 252.3), "four-momentum": (50433, 0.05), "four-momentum-3": (50691, 0.05),
}


def cost_figures(calotype):
    figures = []
    models = {m["name"]: m for m in json.loads(run(calotype, "models", "--json"))}
    for name, (parameters, millions) in COUNTS.items():
        m = models.get(name, {})
        figures.append(figure(f"parameters of {name}", m.get("parameters"), parameters, "lower", "", "the paper's count"))
        figures.append(figure(f"multiply-adds of {name}", round(m["multiply_adds"] / 1e6, 1 if millions > 1 else 2) if m else None,
                              millions, "lower",
                              "million", "one event, forward, zero padding counted"))
    workspace = models.get("cms-ii", {}).get("workspace_bytes")
    figures.append(figure("workspace of cms-ii", workspace, 4_000_000, "lower", "bytes", "image, builder and activations"))
    return figures


def median_of(target, filter_, counter, repetitions=7):
    build(target)
    say(f"timing {filter_} ...")
    found = google_benchmark(find_program(target), repetitions, 0.3, f"--benchmark_filter={filter_}")
    if len(found) != 1 or counter not in (medians := next(iter(found.values()))):
        raise LookupError(f"{target} knows no {filter_}")
    return medians[counter]


def speed_figures():
    peak = "% of measured FMA peak"
    rows = [  # figure, goal, unit, digits, conditions; program, benchmark, counter, repetitions
        (("3x3 convolution 16->16 at 41x89", 80, peak, 1, "exec::cpu, one core, CPU time"),
         ("bench_kernels", "^forward/3x3 16->16 41x89$", "% of peak", 7)),
        (("the whole eb network", 60, peak, 1, "exec::cpu, one core, batch 1, dense image, CPU time"),
         ("bench_kernels", "^infer/eb 1x170x360$", "% of peak", 7)),
        (("forward and backward of eb, batch 32, Adam included", 45, "% of both cores' measured FMA peak", 1,
          "exec::cpu, two threads, wall clock"),
         ("bench_training", "training step/eb/2", "% of peak", 5)),
        (("images, hcal-centric, builder alone", 20_000, "events/s per core", 0, "recorded 2012 events, CPU time"),
         ("bench_image_builder", "^build<hcal_centric>$", "items_per_second", 7)),
    ]
    figures = []
    for (name, goal, unit, digits, conditions), measurement in rows:
        value, how = None, f"median of {measurement[-1]}, {machine()}"
        try:
            value = round(median_of(*measurement), digits or None)
        except (subprocess.CalledProcessError, LookupError, SystemExit) as failed:
            detail = getattr(failed, "stderr", None) or str(failed)
            how = "not measured: " + (detail.strip().splitlines() or ["the benchmark failed"])[-1][:200]
        figures.append(figure(name, value, goal, "higher", unit, f"{conditions}; {how}"))
    return figures


def reading_figures(calotype):
    """`calotype images` on every .ig file in every layout: how many of them work."""
    if not DATA.is_dir():
        return [figure(".ig files turned into images", None, None, "higher", "", "no data here")]
    files = sorted(DATA.rglob("*.ig"))
    out = ROOT / "build/figures.npz"
    good = 0
    for path in files:
        for layout in ("central", "ecal-centric", "hcal-centric"):
            done = subprocess.run([str(calotype), "images", str(path), "--layout", layout, "--out", str(out), "--force"],
                                  capture_output=True)
            good += done.returncode == 0
            if done.returncode:
                say(f"{path.name}, {layout}: {done.stderr.decode().strip()}")
    out.unlink(missing_ok=True)
    total = 3 * len(files)
    return [figure(".ig files turned into images", good if total else None, total, "higher", f"of {total}",
                   f"{len(files)} files in 3 layouts each")]


GENERATED = ", generated events"  # where scripts/train was given some
TESTS = {  # of scripts/train: suffix of the figure's name, goal for eb (none where it is only quoted)
    "": 0.90, ", second seed": 0.90, ", fragmentation 1.4": 0.90, ", fragmentation 0.7": 0.90,
    ", lone pi0 for the jet": None, GENERATED: None,
}


def weights_are_recorded(model):
    """Whether the record beside the weights is that of these weights."""
    weights, record = (ROOT / f"examples/weights/{model}.{kind}" for kind in ("safetensors", "json"))
    return record.exists() and weights.exists() and json.loads(record.read_text())["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()


def check():
    """Fails where the figures of weights are not those of the weights that are there."""
    for model in ("eb", "cms-b"):
        if not weights_are_recorded(model):
            sys.exit(f"figures: examples/weights/{model}.json is the record of other weights; run scripts/train {model} --test-only")


def training_figures(model, goals):
    record = ROOT / f"examples/weights/{model}.json"
    report = json.loads(record.read_text())
    figures = [figure(f"training time of {model}", report["minutes"], 20 if goals else None, "lower", "minutes",
                      f"{report['training']}, simulation not included, {report['cores']} cores")]
    for pair in ("H->gg vs gamma+jet", "H->gg vs gg"):
        for suffix, goal in TESTS.items():
            optional = suffix == GENERATED and suffix not in report["tests"]
            if not optional and (pair != "H->gg vs gg" or not suffix):
                area, error = report["auc"][pair + suffix]
                figures.append(figure(f"AUC {pair}, {model}{suffix}", area, goal if goals and pair == "H->gg vs gamma+jet" else None,
                                      "higher", "", f"+- {error}; {report['tests'][suffix]}"))
    value, floor = report["cvm"]["gg"]
    figures.append(figure(f"CvM of true gg, {model}", value, None, "lower", "", f"random scores {floor}; {report['tests']['']}"))
    return figures


def compile_figures():
    say("timing the compiler ...")
    return json.loads(run(ROOT / "scripts/compile_budget.py", "--json"))


def study(_):
    check()
    build("example_calotype")
    calotype = find_program("calotype")
    figures = cost_figures(calotype) + speed_figures() + reading_figures(calotype)
    figures += training_figures("eb", True) + training_figures("cms-b", False) + compile_figures()
    return {"figures": figures}
