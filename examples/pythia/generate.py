#!/usr/bin/env python3
"""Stable particles of proton collisions at 8 TeV from Pythia 8, for `calotype simulate --particles`.

    python3 -m venv venv && venv/bin/pip install --only-binary :all: pythia8mc awkward
    venv/bin/python examples/pythia/generate.py --process higgs -n 1000 --out higgs.npz

Events are made in blocks, each with a seed of its own, so that event i of a seed is the same for any number of jobs. A
finished block stays in OUT.npz.blocks/, and a run that was stopped goes on from there. docs/formats.md describes the file.
"""
import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import math
import os
import pathlib
import shutil
import signal
import sys
import time

try:
    import numpy as np
except ImportError:
    sys.exit("error: the Python module 'numpy' is missing: pip install numpy")

import enrichment

PROCESSES = ("higgs", "born", "gamma-jet", "minimum-bias")
LABEL = {"higgs": 0, "born": 1, "gamma-jet": 2, "minimum-bias": -1}
BLOCK = {"higgs": 500, "born": 500, "gamma-jet": 250, "minimum-bias": 2000}  # events that a block keeps
COMMON = ("Beams:eCM = 8000.", "Tune:pp = 18", "Print:quiet = on", "Random:setSeed = on")
SETTINGS = {
    "higgs": ("HiggsSM:gg2H = on", "25:m0 = 125.", "25:onMode = off", "25:onIfMatch = 22 22"),
    "born": ("PromptPhoton:ffbar2gammagamma = on", "PhaseSpace:pTHatMin = 25.", "PhaseSpace:pTHatMax = 250.",
             "PhaseSpace:mHatMin = 80."),
    "gamma-jet": ("PromptPhoton:qg2qgamma = on", "PromptPhoton:qqbar2ggamma = on", "PromptPhoton:gg2ggamma = on",
                  "PhaseSpace:pTHatMin = 40."),
    "minimum-bias": ("SoftQCD:inelastic = on",),
}
NEUTRINOS = (12, 14, 16)
ETA_MAX = 4.0  # further out nothing is recorded, wherever the vertex lies
GROUP = 50  # events that are filtered at a time
BARREN = 100000  # attempts without one event kept that end a block


class Problem(Exception):
    """One sentence for the user."""


@dataclasses.dataclass(frozen=True)
class Options:
    process: str
    seed: int
    parton_eta: float  # of both outgoing partons; infinite where they are not cut
    hadronisations: int  # of every parton event

    def describe(self):
        return {"process": self.process, "seed": str(self.seed), "parton_eta": f"{self.parton_eta:g}",
                "hadronisations": str(self.hadronisations), "settings": "; ".join(COMMON[:2] + SETTINGS[self.process])}


def import_generator():
    try:
        import awkward  # noqa: F401  (nextBatch gives its arrays)
        import pythia8mc
    except ImportError as error:
        raise Problem(f"the Python module '{error.name}' is missing: pip install --only-binary :all: pythia8mc awkward") from None
    return pythia8mc


def seed_of(options, block):
    """A Pythia seed, 1 to 900,000,000, for one block of one process."""
    name = f"{options.process} {options.seed} {block}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % 900_000_000 + 1


class Source:
    """Whole event records, in groups, with the number of the parton event of each."""

    def __init__(self, options, block):
        self.pythia8 = import_generator()
        self.options = options
        self.tried = self.passed = 0  # parton events before and after the cut on their directions
        self.partons = -1
        self.hooks = self.cut_on_partons() if math.isfinite(options.parton_eta) else None
        repeated = options.hadronisations > 1
        extra = ("HadronLevel:all = off",) if repeated else ()
        seed = f"Random:seed = {seed_of(options, block)}"
        self.generator = self.start(COMMON + SETTINGS[options.process] + extra + (seed,), self.hooks)
        # hands out what it is given: the way from an event to arrays leads through nextBatch alone
        self.copier = self.start(("ProcessLevel:all = off", "PartonLevel:all = off", "HadronLevel:all = off",
                                  "Print:quiet = on")) if repeated else None

    def start(self, settings, hooks=None):
        pythia = self.pythia8.Pythia("", False)
        for line in settings:
            if not pythia.readString(line):
                raise Problem(f"this Pythia does not know the setting '{line}'")
        if hooks is not None:
            pythia.setUserHooksPtr(hooks)
        if not pythia.init():
            raise Problem("Pythia does not start with " + "; ".join(settings))
        return pythia

    def cut_on_partons(self):
        source = self

        class Hooks(self.pythia8.UserHooks):
            def __init__(self):
                super().__init__()

            def canVetoProcessLevel(self):
                return True

            def doVetoProcessLevel(self, process):
                source.tried += 1
                veto = any(abs(process[i].eta()) > source.options.parton_eta for i in (5, 6))
                source.passed += not veto
                return veto

        return Hooks()

    def group(self):
        """(records, parton event of each record)"""
        if self.copier is None:
            records = [self.generator.nextBatch(GROUP)]
            numbers = self.partons + 1 + np.arange(len(records[0]))
            self.partons += len(records[0])
            return records, numbers
        records, numbers = [], []
        while len(records) < GROUP:
            if not self.generator.next():
                continue
            self.partons += 1
            partons = self.pythia8.Event(self.generator.event)
            for _ in range(self.options.hadronisations):
                self.generator.event.assign(partons)
                if not self.generator.forceHadronLevel(False):
                    continue
                self.copier.event.assign(self.generator.event)
                record = self.copier.nextBatch(1)
                if len(record) == 1:
                    records.append(record)
                    numbers.append(self.partons)
        return records, np.array(numbers)

    def cross_section(self):
        """Nanobarn, before the cut on the partons, and its error."""
        info = self.generator.infoPython()
        share = self.passed / self.tried if self.tried else 1.0
        return 1e6 * info.sigmaGen() / share, 1e6 * info.sigmaErr() / share


def columns(records):
    """One record after the other as arrays: offsets, and a dictionary of one array per quantity."""
    offsets, parts = [np.zeros(1, np.int64)], []
    for record in records:
        lists = record.layout.content("prt")
        begin = np.asarray(lists.offsets)
        offsets.append(begin[1:] - begin[0] + offsets[-1][-1])
        entry = lists.content
        cut = slice(int(begin[0]), int(begin[-1]))
        momentum, vertex = entry.content("p"), entry.content("vProd")
        index = np.asarray(vertex.index)[cut]
        part = {name: np.asarray(entry.content(name).data)[cut] for name in ("id", "status", "mother1")}
        part |= {name: np.asarray(momentum.content(name).data)[cut] for name in ("px", "py", "pz", "e")}
        for name in ("px", "py", "pz"):  # mm; entries without a vertex were made where the protons met
            known = np.asarray(vertex.content.content(name).data)
            part["v" + name[1]] = np.where(index >= 0, known[np.maximum(index, 0)] if len(known) else 0.0, 0.0)
        parts.append(part)
    return np.concatenate(offsets), {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def make_block(options, number, wanted):
    """The first `wanted` events kept of a block, as arrays, with what was counted on the way."""
    source = Source(options, number)
    kept, tally, count, hadronised = [], [], 0, 0
    while count < wanted:
        if hadronised > BARREN and count == 0:
            raise Problem(f"none of {hadronised} events of {options.process} passes; are the cuts too tight?")
        records, partons = source.group()
        offsets, c = columns(records)
        start = np.repeat(offsets[:-1], np.diff(offsets))
        # mothers count from the record's entry 0, which stands for the event and is nobody's mother
        mother = np.where(c["mother1"] > 0, start + c["mother1"], -1)
        p = enrichment.Particles(offsets, c["id"], c["status"] > 0, mother, c["px"], c["py"], c["pz"])
        hadronised += len(offsets) - 1
        if options.process == "minimum-bias":
            pairs = enrichment.Pairs.none(len(offsets) - 1)
            take = np.arange(len(offsets) - 1)
        else:
            pairs = enrichment.enriched(p) if options.process == "gamma-jet" else enrichment.hardest_photons(p)
            take = np.flatnonzero(pairs.found)
        tally.append((partons, np.isin(np.arange(len(partons)), take)))
        store = p.final & (np.abs(p.eta) < ETA_MAX) & ~np.isin(np.abs(p.pdg_id), NEUTRINOS) & np.isin(p.event, take)
        event = {"particles": np.bincount(p.event[store], minlength=len(offsets) - 1)[take],
                 "parton": partons[take]}
        for name in ("pt", "eta", "phi", "prompt", "seed", "seed_share"):
            event["candidate_" + name] = getattr(pairs, name)[take]
        particle = {"pdg_id": c["id"], "px": c["px"], "py": c["py"], "pz": c["pz"], "energy": c["e"],
                    "x": 0.1 * c["vx"], "y": 0.1 * c["vy"], "z": 0.1 * c["vz"]}  # cm
        kept.append((event, {name: values[store] for name, values in particle.items()}))
        count += len(take)
    event = {name: np.concatenate([e[name] for e, _ in kept])[:wanted] for name in kept[0][0]}
    particles = int(event["particles"].sum())
    particle = {name: np.concatenate([p[name] for _, p in kept])[:particles] for name in kept[0][1]}
    parton, passed = (np.concatenate(column) for column in zip(*tally))
    passes = np.bincount(parton, passed)[np.unique(parton)]  # of the hadronisations of each parton event
    sigma, sigma_error = source.cross_section()
    counted = {"hadronised": hadronised, "partons": len(passes), "passed": passes.sum(), "squares": (passes**2).sum(),
               "tried": source.tried, "inside": source.passed, "sigma": sigma, "sigma_error": sigma_error}
    return event | particle | {"counted": np.array(list(counted.values()), float)}


COUNTED = ("hadronised", "partons", "passed", "squares", "tried", "inside", "sigma", "sigma_error")


def save(path, arrays):
    """Writes an archive that appears whole or not at all."""
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    try:
        with open(partial, "wb") as file:
            np.savez_compressed(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def finish_block(options, number, wanted, path):
    """What a job does. Returns the block's number, or a sentence."""
    try:
        save(path, make_block(options, number, wanted))
        return number
    except Problem as problem:
        return str(problem)


def summary(options, counted, version):
    """Metadata: texts, as in every file of events."""
    total = dict(zip(COUNTED, counted.sum(axis=0)))
    blocks = len(counted)
    inside = total["inside"] / total["tried"] if total["tried"] else 1.0
    mean = total["passed"] / total["partons"]
    spread = math.sqrt(max(total["squares"] / total["partons"] - mean**2, 0) / total["partons"])
    per_event = total["partons"] / total["hadronised"]
    weights = 1 / np.maximum(counted[:, COUNTED.index("sigma_error")], 1e-30)**2
    sigma = float(np.average(counted[:, COUNTED.index("sigma")], weights=weights))
    return options.describe() | {
        "generator": f"Pythia {version}",
        "blocks": str(blocks),
        "hadronised": str(int(total["hadronised"])),
        "parton_acceptance": f"{inside:.6g}",
        "cross_section_nb": f"{sigma:.6g}",
        "cross_section_error_nb": f"{1 / math.sqrt(weights.sum()):.2g}",
        # of events before any cut; hadronisations of one parton event are not independent
        "filter_efficiency": f"{inside * mean * per_event:.6g}",
        "filter_efficiency_error": f"{inside * spread * per_event:.2g}"}


def merge(options, paths, count, version):
    blocks = []
    for path in paths:
        try:
            with np.load(path) as file:
                blocks.append({name: file[name] for name in file.files})
        except (OSError, ValueError, KeyError) as error:
            raise Problem(f"the block {path} cannot be read ({error}); remove it and start again") from None
    join = lambda name: np.concatenate([block[name] for block in blocks])
    offsets = np.concatenate(([0], np.cumsum(join("particles")[:count])))
    out = {"offsets": offsets.astype(np.int64), "pdg_id": join("pdg_id")[:offsets[-1]].astype(np.int32)}
    for name in ("px", "py", "pz", "energy", "x", "y", "z"):
        out[name] = join(name)[:offsets[-1]].astype(np.float32)
    parton = np.concatenate([block["parton"] + (i << 32) for i, block in enumerate(blocks)])[:count]
    out |= {"event": np.arange(count, dtype=np.uint64), "block": parton.astype(np.int64),
            "label": np.full(count, LABEL[options.process], np.int32), "weight": np.ones(count, np.float32)}
    for name, kind in (("pt", np.float32), ("eta", np.float32), ("phi", np.float32), ("prompt", np.uint8),
                       ("seed", np.int32), ("seed_share", np.float32)):
        out["candidate_" + name] = join("candidate_" + name)[:count].astype(kind)
    metadata = summary(options, np.stack([block["counted"] for block in blocks]), version)
    out["metadata"] = np.frombuffer(json.dumps({"format": "calotype-particles"} | metadata).encode(), np.uint8)
    return out, metadata


def prepare(folder, options, version):
    """The folder of the blocks, which must be of the same run."""
    record = json.dumps(options.describe() | {"generator": version}, indent=1)
    try:
        folder.mkdir(exist_ok=True)
        note = folder / "run.json"
        if note.exists():
            if note.read_text() != record:
                raise Problem(f"{folder} holds blocks of another run (see run.json): remove it, or ask for the same")
        else:
            note.write_text(record)
    except OSError as error:
        raise Problem(f"{folder} cannot be used: {error.strerror}") from None


def run(arguments):
    options = Options(arguments.process, arguments.seed, arguments.parton_eta, arguments.hadronisations)
    out = pathlib.Path(arguments.out)
    if out.exists() and not arguments.force:
        raise Problem(f"{out} exists: choose another name, or say --force")
    pythia8 = import_generator()
    version = f"{pythia8.Pythia('', False).parm('Pythia:versionNumber'):.3f}"
    folder = out.with_name(out.name + ".blocks")
    prepare(folder, options, version)
    size = BLOCK[options.process]
    paths = [folder / f"{number:06d}.npz" for number in range((arguments.events + size - 1) // size)]
    unfinished = [number for number, path in enumerate(paths) if not path.exists()]
    start, done = time.monotonic(), len(paths) - len(unfinished)
    # Ctrl-C is for this process alone: blocks at work are finished
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, initializer=signal.signal,
                                                initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        jobs = [pool.submit(finish_block, options, number, size, paths[number]) for number in unfinished]
        try:
            for job in concurrent.futures.as_completed(jobs):
                if isinstance(job.result(), str):
                    raise Problem(job.result())
                done += 1
                left = (time.monotonic() - start) * (len(paths) - done) / max(1, done - len(paths) + len(unfinished))
                print(f"{options.process}: block {done} of {len(paths)}, {left:.0f} s to go", file=sys.stderr)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    arrays, metadata = merge(options, paths, arguments.events, version)
    save(out, arrays)
    shutil.rmtree(folder)
    return {"out": str(out), "events": arguments.events} | metadata


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--process", required=True, choices=PROCESSES)
    parser.add_argument("-n", "--events", type=positive, required=True, help="events to keep")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True, metavar="F.npz")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="processes at work; never changes the events")
    parser.add_argument("--parton-eta", type=float, metavar="ETA",
                        help="both outgoing partons within +-ETA (born, gamma-jet: 2.7 by default; 1.7 will do for the barrel)")
    parser.add_argument("--hadronisations", type=positive, metavar="K",
                        help="of every parton event, kept in one block (gamma-jet: 5 by default)")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    arguments = parser.parse_args()
    partons = arguments.process in ("born", "gamma-jet")
    if arguments.parton_eta is None:
        arguments.parton_eta = 2.7 if partons else math.inf
    elif not partons:
        parser.error("--parton-eta is for born and gamma-jet")
    if not arguments.parton_eta > 0:
        parser.error("--parton-eta must be positive")
    if arguments.hadronisations is None:
        arguments.hadronisations = 5 if arguments.process == "gamma-jet" else 1
    if not arguments.out.endswith(".npz"):
        parser.error("--out must end with .npz")
    try:
        print(json.dumps(run(arguments), indent=2))
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: stopped; the same command goes on from the finished blocks", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
