"""Contestants measured alternately: each in a block of calls, all of them in every round, so that a ratio compares what
was measured within seconds. Medians over rounds, ratios round by round."""
import dataclasses
import math
import os
import pathlib
import statistics
import time

TICK = 1 / os.sysconf("SC_CLK_TCK")
NOISE = 0.12  # share of one CPU that other processes may take from a quiet block


@dataclasses.dataclass
class Block:
    time: float  # seconds of a call
    noisy: bool = False


@dataclasses.dataclass
class Measured:
    """A number from several rounds; noisy where fewer than half of them were quiet."""
    value: float
    noisy: bool = False


class OtherWork:
    """The share of one CPU that processes other than a contestant's take."""

    def __init__(self, proc=pathlib.Path("/proc")):
        self.proc = proc

    def busy(self):
        user, nice, system, _, _, irq, softirq, steal = map(int, (self.proc / "stat").read_text().split()[1:9])
        return TICK * (user + nice + system + irq + softirq + steal)

    def of_process(self, pid):
        fields = (self.proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return TICK * (int(fields[11]) + int(fields[12]))

    def during(self, pid, work):
        """(what work() returns, whether the time was noisy)."""
        busy, own, start = self.busy(), self.of_process(pid), time.monotonic()
        outcome = work()
        wall = time.monotonic() - start
        others = self.busy() - busy - (self.of_process(pid) - own)
        return outcome, others > max(NOISE * wall, 2.1 * TICK)


class NoWatch:
    """For contests in which other work is the point."""

    def during(self, _, work):
        return work(), False


def calls_for(contestant, seconds):
    """How many calls fill a block: whole rounds over the contestant's inputs. Warms up on the way."""
    once = statistics.median(contestant.time(max(3, contestant.inputs), 2 * seconds))
    return contestant.inputs * max(1, math.ceil(seconds / (once * contestant.inputs)))


def alternate(contestants, rounds, seconds, watch=None, summary=statistics.median, tries=3):
    """{contestant: [Block of every round]}. Every other round goes backwards, so that nobody always follows the same
    neighbour. A noisy block is measured again, `tries` times in all; one that takes far too long, since other work is in the
    way, ends early. `summary` makes one time of those of a block."""
    limit = max(1.0, 4 * seconds)
    watch = watch or OtherWork()
    calls = {c: calls_for(c, seconds) for c in contestants}
    blocks = {c: [] for c in contestants}
    for number in range(rounds):
        for c in contestants if number % 2 == 0 else reversed(contestants):
            for _ in range(tries):
                times, noisy = watch.during(c.pid, lambda: c.time(calls[c], limit))
                if not noisy:
                    break
            blocks[c].append(Block(summary(times), noisy))
    return blocks


def over_rounds(values, noisy):
    """The median over the quiet rounds; over all of them, and marked, where most are noisy."""
    quiet = [v for v, n in zip(values, noisy) if not n]
    if 2 * len(quiet) < len(values):
        return Measured(statistics.median(values), True)
    return Measured(statistics.median(quiet))


def time_of(blocks):
    return over_rounds([b.time for b in blocks], [b.noisy for b in blocks])


def ratio(numerator, denominator):
    """Of two contestants' times, round by round."""
    return over_rounds([a.time / b.time for a, b in zip(numerator, denominator)],
                       [a.noisy or b.noisy for a, b in zip(numerator, denominator)])


def fastest(blocks):
    """The contestant of {contestant: blocks} with the smallest median; none of none."""
    return min(blocks, key=lambda c: time_of(blocks[c]).value, default=None)


def quantile(values, share):
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def input_medians(times, inputs):
    """Of the times of calls that went round so many inputs: the median of every input."""
    return [statistics.median(times[i::inputs]) for i in range(min(inputs, len(times)))]


def by_own_median(times, inputs):
    """The same times, each in units of its own input's median."""
    medians = input_medians(times, inputs)
    return [t / medians[i % inputs] for i, t in enumerate(times)]


def deviation(values, reference):
    """The largest difference, in units of the largest reference; infinite where one is not a number or the counts differ."""
    if len(values) != len(reference) or not reference or not all(map(math.isfinite, [*values, *reference])):
        return math.inf
    return max(abs(v - r) for v, r in zip(values, reference)) / max(map(abs, reference))
