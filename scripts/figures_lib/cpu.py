"""The study `cpu`: networks on CPUs, calotype beside other engines, all in one run."""
import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import sys

from . import common, rounds
from .common import figure, say
from .engines import Contestant, EngineError
from .field import FOLDER, OURS, open_field

NETS = ("EB", "CMSB", "CMSII", "JET", "TINY")
RECORDED = ("EB", "CMSB", "CMSII")

# How each engine is asked to carry out a task: every variant takes part, the fastest counts.
INFERENCE = {
    "oneDNN": ["default"],
    "ONNX Runtime": ["default"],
    "OpenVINO": ["default"],
    "PyTorch": ["compiled", "compiled-cl", "frozen-cl", "eager-cl"],
    "PyTorch of Debian": ["frozen", "frozen-cl"],
}
TRAINING = {"PyTorch": ["compiled", "compiled-cl", "eager-cl"], "PyTorch of Debian": ["eager-cl"]}
DIRECT, WINOGRAD, DISPATCHED = (f"{OURS} {variant}" for variant in ("direct", "winograd", "dispatched"))

SPIN = "a spin loop"

# Largest deviation of an engine's outputs from exec::direct, in units of the largest output; of a trainer's losses in the
# first four steps, which Adam's division by small gradients drives apart.
OUTPUT_LIMIT, LOSS_LIMIT = 1e-5, 1e-3

GOALS = {
    "direct": {"EB": 92, "CMSB": 92, "CMSII": 91, "JET": 92, "TINY": 75},
    "image": {"EB": 1.85, "CMSB": 1.6, "CMSII": 1.65, "JET": 1.65, "TINY": 1.6},
    "events": {"EB": 2.1, "CMSB": 1.85, "CMSII": 1.85},
    "batch": {"EB": 2.0, "CMSB": 1.65, "CMSII": 1.75, "JET": 1.6, "TINY": 1.75},
    "training": {1: 2.2, 2: 2.4},
}


class WrongPeer(Exception):
    """An engine computes something else than we do."""


@dataclasses.dataclass(frozen=True)
class Effort:
    rounds: int
    seconds: float  # of a block
    contended_seconds: float  # of a block beside busy loops: many of the scheduler's turns
    latency_calls: int
    occupancy_seconds: float  # of a block of a program that measures by itself


FULL = Effort(rounds=5, seconds=0.12, contended_seconds=1.0, latency_calls=100_000, occupancy_seconds=0.05)
QUICK = Effort(rounds=3, seconds=0.03, contended_seconds=0.5, latency_calls=2_000, occupancy_seconds=0.01)


@dataclasses.dataclass(frozen=True)
class Task:
    """What everybody does in one setting."""
    task: str
    net: str
    images: str = "dense"
    batch: int = 1
    threads: int = 1

    def contestant(self, engine, variant, task=None, threads=None):
        return Contestant(engine, task or self.task, self.net, self.images, self.batch, threads or self.threads, variant)


class Setting:
    """Blocks of all contestants of one task, by name; `aside`: the names of those that are no peers."""

    def __init__(self, label, blocks, aside):
        self.label = label
        self.blocks = {c.name: b for c, b in blocks.items()}
        self.contestants = {c.name: c for c in blocks}
        self.aside = set(aside)

    def best_peer(self):
        """The name of the fastest; none of none."""
        return rounds.fastest({name: b for name, b in self.blocks.items() if name not in self.aside})

    def ms(self, name):
        return f"{1e3 * rounds.time_of(self.blocks[name]).value:.4g} ms"


class Study:
    def __init__(self, field, effort):
        self.field, self.effort = field, effort
        self.settings, self.figures, self.occupancies = {}, [], {}

    # --- measuring

    @contextlib.contextmanager
    def contestants(self, task, ours, peers=None, limit=OUTPUT_LIMIT):
        """Our variants [{variant, task, threads}] and the peers' {engine: [variant]}, set up, with their outputs compared."""
        engine, made = self.field.engines[OURS], []
        reference = task.contestant(engine, "direct", threads=1)
        wanted = reference.outputs()
        reference.drop()
        try:
            for mine in ours:
                made.append(task.contestant(engine, **mine))
                if mine.get("threads", task.threads) != task.threads:
                    made[-1].name += f" on {mine['threads']}"
            for name, variants in (peers or {}).items():
                for variant in variants if name in self.field.engines else ():
                    try:
                        made.append(task.contestant(self.field.engines[name], variant))
                    except EngineError as failed:
                        say(f"  {name} {variant} cannot: {failed}")
            for c in made:
                off = rounds.deviation(c.outputs(), wanted)
                if not off <= limit:
                    raise WrongPeer(f"{c.name} deviates from exec::direct by {off:.1e} in {task}; the limit is {limit:.0e}")
            yield made
        finally:
            for c in made:
                with contextlib.suppress(EngineError):
                    c.drop()

    def alternate(self, label, contestants, aside, **how):
        say(f"timing {label}: {', '.join(c.name for c in contestants)}")
        blocks = rounds.alternate(contestants, **{"rounds": self.effort.rounds, "seconds": self.effort.seconds, **how})
        self.settings[label] = Setting(label, blocks, aside)
        return self.settings[label]

    def contest(self, label, task, ours, peers, others=(), limit=OUTPUT_LIMIT):
        with self.contestants(task, ours, peers, limit) as made:
            aside = [c.name for c in [*made, *others] if c.engine.name == OURS or c in others]
            return self.alternate(label, [*made, *others], aside)

    # --- writing down

    def add(self, name, value, goal, better, unit, conditions):
        self.figures.append(figure(name, value, goal, better, unit, conditions))
        say(f"  {name}: {common.value_text(self.figures[-1])} (goal {common.goal_text(self.figures[-1])})")

    def how(self, text, *measured):
        parts = [text, f"{self.effort.rounds} rounds in alternation, {common.machine()}"]
        if any(m.noisy for m in measured):
            parts.append("NOISY: other work ran beside most rounds")
        if self.field.missing:
            parts.append(f"missing peers: {self.field.describe_missing()}")
        return "; ".join(parts)

    def add_ratio(self, name, setting, ours, goal, text):
        peer = setting.best_peer()
        if peer is None:
            return self.add(name, None, goal, "higher", "x", self.how("no peer to compare with"))
        ratio = rounds.ratio(setting.blocks[peer], setting.blocks[ours])
        return self.add(name, round(ratio.value, 2), goal, "higher", "x",
                        self.how(f"{text}; {setting.ms(ours)} against {setting.ms(peer)} of the best peer, {peer}", ratio))

    def attempt(self, part):
        """A part that breaks off leaves a row that says so, and what is measured stays."""
        try:
            part()
        except Exception as failed:  # whatever it is, what has been measured stays
            why = (getattr(failed, "stderr", None) or str(failed)).strip().splitlines()
            self.add(f"the rest of: {part.__name__.replace('_', ' ')}", None, None, "higher", "",
                     f"broke off: {why[-1] if why else 'no message'}")

    # --- the rows

    def images(self):
        peak = Contestant(self.field.engines[OURS], "peak")
        peak.name = "peak"
        settings = {net: self.contest(f"batch 1, 1 thread, dense images: {net}", Task("infer", net),
                                      [{"variant": v} for v in ("direct", "winograd", *(["dispatched"] if net == "EB" else []))],
                                      INFERENCE, [peak]) for net in NETS}
        peak.drop()
        for net, s in settings.items():
            share = rounds.ratio(s.blocks["peak"], s.blocks[DIRECT])
            percent = 100 * share.value * s.contestants[DIRECT].work / peak.work
            rate = 1e-9 * peak.work / rounds.time_of(s.blocks["peak"]).value
            self.add(f"direct, batch 1, 1 thread: {net}", round(percent, 1), GOALS["direct"][net], "higher",
                     "% of measured FMA peak",
                     self.how(f"dense images, {s.ms(DIRECT)}, peak {rate:.0f} GFLOP/s, multiplications with padding counted",
                              share))
        for net, s in settings.items():
            self.add_ratio(f"winograd, batch 1, 1 thread, dense images: {net}", s, WINOGRAD, GOALS["image"][net],
                           "image in memory")
        eb = settings["EB"]
        cost = rounds.ratio(eb.blocks[DISPATCHED], eb.blocks[WINOGRAD])
        self.add("exec::dispatched against the same policy compiled directly, batch 1, 1 thread: EB", round(cost.value, 3), None,
                 "lower", "x", self.how(f"winograd, dense images, the instruction set chosen at start, {eb.ms(DISPATCHED)}, "
                                        f"against -march=native, {eb.ms(WINOGRAD)}", cost))

    def events(self):
        for net in RECORDED:
            name = f"winograd, batch 1, 1 thread, from the hits of recorded 2012 events: {net}"
            if not (FOLDER / f"{net}-recorded.f32").exists():
                self.add(name, None, GOALS["events"][net], "higher", "x", "no recorded events here")
                continue
            s = self.contest(f"batch 1, 1 thread, recorded events: {net}", Task("infer", net, "recorded"),
                             [{"variant": "winograd", "task": "events"}], INFERENCE)
            self.add_ratio(name, s, WINOGRAD, GOALS["events"][net],
                           "image builder included on our side, images given to the peers")

    def batches(self):
        for net in NETS:
            s = self.contest(f"batch 32, 1 thread, dense images: {net}", Task("infer", net, batch=32),
                             [{"variant": "winograd"}], INFERENCE)
            self.add_ratio(f"winograd, batch 32, 1 thread: {net}", s, WINOGRAD, GOALS["batch"][net], "dense images")

    def two_threads(self):
        with self.contestants(Task("infer", "EB", threads=2), [{"variant": "winograd"}], INFERENCE) as made:
            s = self.alternate("batch 1, 2 threads, dense images: EB", made, [WINOGRAD])
            hop = Contestant(self.field.engines[OURS], "hop", threads=2)
            hop_ns = 1e9 * min(hop.time(21, 1)) / hop.work
            hop.drop()
            self.add_ratio("winograd, batch 1, 2 threads: EB", s, WINOGRAD, 1.7,
                           f"exec::pool, nothing else running, a cache line takes {hop_ns:.0f} ns from thread to thread")
            best = s.best_peer()
            self.contention([c for c in made if c.name in (WINOGRAD, best)], best)
        with self.contestants(Task("infer", "EB", batch=32, threads=2),
                              [{"variant": "winograd"}, {"variant": "winograd", "threads": 1}]) as made:
            one, two = f"{WINOGRAD} on 1", WINOGRAD
            s = self.alternate("batch 32, 2 threads and 1: EB", made, [one, two])
        gain = rounds.ratio(s.blocks[one], s.blocks[two])
        self.add("batch 32 on 2 threads against 1: EB", round(gain.value, 2), 1.95, "higher", "x",
                 self.how(f"a session for each thread, {s.ms(two)} and {s.ms(one)}", gain))

    def contention(self, racers, peer):
        """Beside a busy loop for every CPU, and without. Means: most calls meet no other work, and all must wait for those
        that do."""
        how = {"seconds": self.effort.contended_seconds, "summary": statistics.fmean}
        loops = os.cpu_count()
        alone = self.alternate("batch 1, 2 threads, means: EB", racers, [WINOGRAD], **how)
        with busy_loops(loops):
            beside = self.alternate(f"batch 1, 2 threads, means beside {loops} busy loops: EB", racers, [WINOGRAD],
                                    watch=rounds.NoWatch(), **how)
        slow = {name: rounds.ratio(beside.blocks[name], alone.blocks[name]) for name in alone.blocks}

        def text(name):
            return f"mean of {name} {beside.ms(name)} beside the loops, {alone.ms(name)} without"

        self.add("slow-down of batch 1 on 2 threads beside a busy loop for every CPU: EB", round(slow[WINOGRAD].value, 2), 2.5,
                 "lower", "x", self.how(text(WINOGRAD), slow[WINOGRAD]))
        name, unit = "the same against the best peer's slow-down: EB", "of the peer's"
        if peer is None:
            self.add(name, None, 1, "lower", unit, self.how("no peer to compare with"))
        else:
            self.add(name, float(f"{slow[WINOGRAD].value / slow[peer].value:.2g}"), 1, "lower", unit,
                     self.how(text(peer), slow[peer]))

    def training(self):
        floor = self.field.engines.get("oneDNN")
        for threads in (1, 2):
            task = Task("train", "EB", batch=32, threads=threads)
            setting = f"batch 32, {threads} thread{'s' if threads > 1 else ''}: EB"
            text = "forward, loss, backward, Adam, dense images"
            floors = [task.contestant(floor, "default", "convolutions")] if floor else []
            for f in floors:
                f.name = "oneDNN's convolutions alone"
            s = self.contest(f"training step, {setting}", task, [{"variant": "direct"}, {"variant": "winograd"}], TRAINING,
                             floors, LOSS_LIMIT)
            for f in floors:
                text += f"; {f.name} (a floor, not a trainer) {s.ms(f.name)}"
                f.drop()
            self.add_ratio(f"training step, winograd, {setting}", s, WINOGRAD, GOALS["training"][threads], text)

    def image_building(self):
        for images, goal, text in (("recorded", 100_000, "recorded 2012 events"),
                                   ("uniform", 40_000, "2,000 ECAL and 800 HCAL hits and 300 tracks placed uniformly")):
            name = f"images/s, parsed event to dense hcal-centric image: {images}"
            try:
                c = Contestant(self.field.engines[OURS], "build", images=images)
            except EngineError as failed:
                self.add(name, None, goal, "higher", "events/s", str(failed))
                continue
            s = self.alternate(f"image building, 1 thread: {images} events", [c], [c.name])
            c.drop()
            time = rounds.time_of(s.blocks[c.name])
            self.add(name, round(1 / time.value), goal, "higher", "events/s",
                     self.how(f"3 x 280 x 360, one core, {text}", time))

    def latency(self):
        """Events differ in what they let us skip, which is no jitter, so calls count by their own event's median; and as
        they are."""
        name, goal = "latency, p99.9 / p50, against the steadier of the best peer and a spin loop: EB", 1.10
        by_event, plain = f"{name}, each event by its own median", f"{name}, the mix of events"
        setting = self.settings.get("batch 1, 1 thread, recorded events: EB")
        best = setting.best_peer() if setting else None
        if best is None:
            for row in (by_event, plain):
                self.add(row, None, goal, "lower", "x", self.how("no peer to compare with, or no recorded events"))
            return
        peer = setting.contestants[best]
        task = Task("infer", "EB", "recorded")
        made = {OURS: task.contestant(self.field.engines[OURS], "winograd", "events"),
                best: task.contestant(peer.engine, peer.variant),
                SPIN: Contestant(self.field.engines[OURS], "peak")}
        calls = self.effort.latency_calls
        say(f"timing latency, {calls} calls: {', '.join(made)}")
        times = {who: [] for who in made}
        with pinned({c.pid for c in made.values()}, max(os.sched_getaffinity(0))):
            # Turns that take as long as ten rounds over our events, of whole rounds over the inputs.
            once = {who: statistics.median(c.time(max(20, 2 * c.inputs), 10)) for who, c in made.items()}
            rounds_of = {who: max(1, round(10 * made[OURS].inputs * once[OURS] / (c.inputs * once[who])))
                         for who, c in made.items()}
            while len(times[OURS]) < calls:
                for who, c in made.items():
                    # The first round finds the caches as the contestant before left them.
                    times[who] += c.time((1 + rounds_of[who]) * c.inputs, 60)[c.inputs:]
        relative = {who: rounds.by_own_median(t, made[who].inputs) for who, t in times.items()}
        own = [1e3 * m for m in rounds.input_medians(times[OURS], made[OURS].inputs)]
        for c in made.values():
            c.drop()
        how = (f"recorded events, all pinned to one CPU, {len(times[OURS]):,} of our calls in turns of ten times all events, "
               "turns of the others as long, a first round of each turn not counted")
        self.add_tail(by_event, relative, best, goal, 1, f"{how}, in units of the median of the same event")
        self.add_tail(plain, times, best, goal, 1e3,
                      f"{how}, in ms; the medians of our events lie between {min(own):.4g} and {max(own):.4g}, by how full "
                      "they are")

    def add_tail(self, name, times, best, goal, scale, text):
        """Our p99.9 / p50 against that of the best peer or a spin loop; {who: times of calls}."""
        at = {who: {q: rounds.quantile(t, q) for q in (0.5, 0.99, 0.999)} for who, t in times.items()}
        tail = {who: q[0.999] / q[0.5] for who, q in at.items()}
        spread = "; ".join(f"{who} p50 {scale * q[0.5]:.4g}, p99 {scale * q[0.99]:.4g}, p99.9 {scale * q[0.999]:.4g}, "
                           f"max {scale * max(times[who]):.4g}" for who, q in at.items())
        self.add(name, round(tail[OURS] / min(tail[best], tail[SPIN]), 2), goal, "lower", "x",
                 f"{text}: {spread}; {common.machine()}")

    def occupancy(self):
        """From the program bench_occupancy: CPU time, by what part of the pixels is filled."""
        say("timing against occupancy ...")
        common.build("bench_occupancy")
        repetitions = self.effort.rounds
        medians = common.google_benchmark(common.find_program("bench_occupancy"), repetitions, self.effort.occupancy_seconds,
                                          "--benchmark_enable_random_interleaving=true", CALOTYPE_DATA=str(common.DATA))
        self.occupancies = occupancy_table(medians)
        for what, dense in self.occupancies.items():
            layer, _, net = what.partition("/")
            if not layer.endswith(" dense"):
                continue
            sparse = self.occupancies[f"{layer.removesuffix(' dense')}/{net}"]
            worst = max(sparse, key=sparse.get)
            (alone,) = dense.values()
            self.add(f"{what.replace(' dense/', ' at any occupancy against its dense kernel alone: ')}",
                     round(sparse[worst] / alone, 3), 1.02, "lower", "x",
                     f"bench_occupancy, {repetitions} repetitions at random turns, CPU time; slowest at {worst} filled, "
                     f"{sparse[worst]:.4g} ms against {alone:.4g} ms; {common.machine()}")

    def cold_start(self):
        """From the program bench_cold_start, which starts processes of its own."""
        rows = (("process start to first score, load_unverified: EB", "load_unverified_ms", 4, "ms"),
                ("process start to first score, self-test included: EB", "self_test_ms", 5, "ms"),
                ("peak resident memory of the scorer: EB", "peak_rss_mb", 8, "MB"))
        found = cold_start_figures()
        for name, key, goal, unit in rows:
            value = found.get(key)
            if value is None:
                self.add(name, None, goal, "lower", unit, "there is no program bench_cold_start")
                continue
            text = f"bench_cold_start: weights on disk, {found.get('processes', 'several')} processes"
            if unit == "ms" and "nothing_ms" in found:
                text += f", median; a process that does nothing takes {found['nothing_ms']:.2f} ms"
            self.add(name, round(value, 2), goal, "lower", unit, f"{text}; {common.machine()}")


IN_MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0}


def occupancy_table(medians):
    """{"conv0/eb": {"0.01 %": ms, ..., "recorded events": ms}} from the medians of bench_occupancy."""
    table = {}
    for name, m in medians.items():
        if name.startswith("recorded, "):
            table.setdefault(name.removeprefix("recorded, "), {})["recorded events"] = 1e3 / m["items_per_second"]
        else:
            what, _, per_million = name.rpartition("/")
            table.setdefault(what, {})[f"{int(per_million) / 1e4:g} %"] = m["cpu_time"] * IN_MS[m["time_unit"]]
    # They took turns at random.
    return dict(sorted(table.items(), key=lambda row: row[0].split("/")[::-1]))


def cold_start_figures():
    """{name: number}; none where the build has no such program."""
    if "bench_cold_start" not in common.run("cmake", "--build", common.BUILD, "--target", "help"):
        return {}
    common.build("bench_cold_start")
    return json.loads(common.run(common.find_program("bench_cold_start"), "--json"))


@contextlib.contextmanager
def busy_loops(count):
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@contextlib.contextmanager
def pinned(pids, cpu):
    """All threads of the processes on one CPU, and back."""
    def place(cpus):
        for thread in [int(t) for pid in pids for t in os.listdir(f"/proc/{pid}/task")]:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread, cpus)

    before = os.sched_getaffinity(0)
    place({cpu})
    try:
        yield
    finally:
        place(before)


def study(quick):
    """The record: figures, medians of every engine, versions, what is missing."""
    field = open_field()
    if os.getloadavg()[0] > os.cpu_count():
        say(f"other work keeps this machine busy (load {os.getloadavg()[0]:.1f}): expect noisy rows and a long run")
    try:
        done = Study(field, QUICK if quick else FULL)
        for part in (done.images, done.events, done.batches, done.two_threads, done.training, done.image_building,
                     done.latency, done.occupancy, done.cold_start):
            done.attempt(part)
    finally:
        field.close()
    times = {}
    for s in done.settings.values():
        medians = {name: rounds.time_of(blocks) for name, blocks in s.blocks.items()}
        times[s.label] = {name: {"ms": float(f"{1e3 * m.value:.4g}"), "noisy": m.noisy} for name, m in medians.items()}
    occupancy = {what: {part: float(f"{ms:.4g}") for part, ms in row.items()} for what, row in done.occupancies.items()}
    record = {"figures": done.figures, "times": times, "occupancy": occupancy, "versions": field.versions, "missing": field.missing}
    (FOLDER / "last.json").write_text(json.dumps(record, indent=1))
    return record
