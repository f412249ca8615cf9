"""The study `event-paper`: what a finished `calotype reproduce event-paper` shows, and the gates of the simulation under it."""
import json
import math
import pathlib
import re
import subprocess
import sys

from .common import ROOT, build, figure, find_program, say

# AUCs of the four-momentum network and how far ours may be from them (event paper, Table 6).
FOUR_MOMENTUM = [("H->gg vs rest", 0.71, 0.04), ("gg vs rest", 0.81, 0.03), ("gamma+jet vs rest", 0.81, 0.03)]
SEPARATIONS = ("H->gg vs rest", "gg vs rest", "gamma+jet vs rest", "H->gg vs gg", "H->gg vs gamma+jet")
AUC = {"eb": 0.92, "cms-b": 0.94}  # H->gg vs gamma+jet
CVM = {"eb": 0.002, "cms-b": 0.002, "ecal": 0.004, "cms-i": 0.004, "cms-ii": 0.004}
AUC_OF_GG = 0.65  # so that a small CvM is not that of a useless score
PAIRS, SINGLE = "shower-pairs", "shower-resnet"
EXPECTED_PAIRS = (0.885, 0.035)  # 0.85 to 0.92 from the area of single showers; above 0.95 something else was learned
MINUTES = 40  # of the whole study with the budget `small`

NO_RECORDED = "no recorded events were given (--recorded)"
FACTORS = {"EB hits of 0.1 to 1 GeV per event": 1.5, "EE hits of 0.2 to 2 GeV per event": 1.5, "HB hits of 0.5 to 2 GeV per event": 1.5,
           "tracks above 2 GeV per event": 1.5, "halo hits of 0.095 to 0.115 GeV over those of 0.075 to 0.095": 2,
           "hits at 0.5 to 0.6 from a candidate over those at 0.6 to 0.7, per area": 1.5}
MEDIANS = {"r9": 1, "r9, r9 > 0.94": 1, "sigma_ieta_ieta, r9 > 0.94": 5}  # %
WIDTHS = {"r9, r9 > 0.94": 1.5, "sigma_ieta_ieta, r9 > 0.94": 1.5}  # of a dozen recorded photons; below 0.94 lies a tail

# A toy of showers with spot fluctuations and 45 % conversions; a boosted tree on 5 x 5 crystals, photon against pi0.
PION = {"20-30": 0.88, "30-45": 0.81, "45-60": 0.76}
PION_TOLERANCE = 0.04  # ours


def read_report(folder):
    path = pathlib.Path(folder) / "report.json"
    try:
        report = json.loads(path.read_text())
    except FileNotFoundError:
        sys.exit(f"figures: {path} is not there; name the folder of a finished calotype reproduce event-paper with --report")
    except json.JSONDecodeError as wrong:
        sys.exit(f"figures: {path} is no JSON file ({wrong}); let calotype reproduce write it again")
    if report.get("study") != "event-paper":
        sys.exit(f"figures: {path} is of no event-paper study; name another folder with --report")
    return report


def events_text(events):
    """Events per class: a number, or one for every category."""
    numbers = events if isinstance(events, dict) else {"": events}
    if len(set(numbers.values())) == 1:
        return f"{next(iter(numbers.values())):,}"
    return ", ".join(f"{category} {number:,}" for category, number in numbers.items())


class Statements:
    """What the paper claims, of one report."""

    def __init__(self, report):
        self.report = report
        self.trainings = {t["id"]: t for t in report["trainings"]}
        self.titles = {t["id"]: t["title"] for t in [*report["trainings"], *report.get("left_out", [])]}
        self.has_goals = report["budget"] != "small"  # too few events for them
        self.figures = []

    def goal(self, goal):
        return goal if self.has_goals else None

    def conditions(self, *parts):
        r = self.report
        return "; ".join([*parts, f"budget {r['budget']}, {events_text(r['test_events'])} test events per class, seed {r['seed']}"])

    def add(self, name, value, goal, better, unit, *conditions):
        self.figures.append(figure(name, None if value is None else round(value, 6), goal, better, unit,
                                   self.conditions(*conditions)))

    def separation(self, training, name):
        """None where the training was left out."""
        t = self.trainings.get(training)
        return t and next(s for s in t["separations"] if s["name"] == name)

    def title(self, training):
        return self.titles[training]

    def left_out(self, name, goal, better, unit=""):
        self.figures.append(figure(name, None, goal, better, unit, self.conditions("not trained")))

    def time(self):
        r = self.report
        more = len(r.get("paper_split", [])) + sum(len(t["seeds"]) - 1 for t in r.get("by_seed", []))
        given = r.get("given_weights", 0)  # from elsewhere, and without all of the simulation
        goal = MINUTES if r["budget"] == "small" and more == given == 0 else None
        self.add("the whole study", round(r["minutes"], 1), goal, "lower", "minutes",
                 f"simulation, {len(self.trainings) + more} trainings and tests on {r['threads']} threads",
                 *([f"{given} of them trained before, with the minutes on their record"] if given else []))

    def four_momentum(self):
        for name, paper, tolerance in FOUR_MOMENTUM:
            s = self.separation("four-momentum", name)
            what = f"4-mom, AUC {name}: distance from the paper's {paper}"
            if not s:
                self.left_out(what, tolerance, "lower")
                continue
            self.add(what, abs(s["auc"] - paper), tolerance, "lower", "", f"AUC {s['auc']:.4f} +- {s['auc_error']:.4f}")

    def images(self):
        for training, goal in AUC.items():
            s = self.separation(training, "H->gg vs gamma+jet")
            what = f"{self.title(training)}, AUC H->gg vs gamma+jet"
            if not s:
                self.left_out(what, self.goal(goal), "higher")
                continue
            self.add(what, s["auc"], self.goal(goal), "higher", "",
                     f"+- {s['auc_error']:.4f}; without gamma+jet events of two prompt photons "
                     f"{s['auc_without_prompt_pairs']:.4f}; the paper has {s['published_auc']}")

    def matched(self):
        for training in ("four-momentum", "reference", *AUC):
            s = self.separation(training, "H->gg vs gamma+jet")
            what = f"{self.title(training)}, AUC H->gg vs gamma+jet, classes matched in pT1, pT2 and eta"
            if not s:
                self.left_out(what, None, "higher")
                continue
            self.add(what, s["auc_matched"], None, "higher", "", f"+- {s['auc_matched_error']:.4f}; both candidates above 40 GeV")

    def controls(self):
        for name in SEPARATIONS:
            s, what = self.separation("overlay", name), f"{self.title('overlay')}, AUC {name}: distance from 0.50"
            if not s:
                self.left_out(what, 2, "lower", "standard errors")
                continue
            distance = abs(s["auc"] - 0.5)  # exactly 0 where all scores are equal, and then the error is 0 too
            self.add(what, distance / s["auc_error"] if distance else 0.0, 2, "lower", "standard errors",
                     f"AUC {s['auc']:.4f} +- {s['auc_error']:.4f}")
        s, what = self.separation("rest-of-event", "H->gg vs gamma+jet"), f"{self.title('rest-of-event')}, AUC H->gg vs gamma+jet"
        if s:
            self.add(what, s["auc"], None, "higher", "",
                     f"+- {s['auc_error']:.4f}; crystals more than 0.7 from both candidates, whose places the network sees")
        else:
            self.left_out(what, None, "higher")

    def other_showers(self):
        for o in self.report.get("other_showers", []):
            what = f"{self.title(o['id'])}, AUC of electron vs photon, {o['sample']}"
            count = f"{o['electrons']} electrons, {o['photons']} photons"
            if "auc" in o:
                self.figures.append(figure(what, round(o["auc"], 4), None, "higher", "", f"+- {o['auc_error']:.3f}; {count}"))

    def seeds(self):
        for t in self.report.get("by_seed", []):
            for f in t["figures"]:
                self.add(f"{self.title(t['id'])}, {f['name']}: spread over {len(t['seeds'])} seeds", f["spread"], None, "lower", "",
                         f"mean {f['mean']:.4f}")

    def paper_split(self):
        for t in self.report.get("paper_split", []):
            s, own = t["separations"][4], self.trainings[t["id"]]["separations"][4]
            self.add(f"{t['title']}, {t['category']}: AUC {s['name']}, validation = test as in the paper", s["auc"], None, "higher", "",
                     f"+- {s['auc_error']:.4f}; three-way split {own['auc']:.4f}")

    def decorrelation(self):
        for training, goal in CVM.items():
            if training not in self.trainings:
                self.left_out(f"{self.title(training)}: CvM of true gg", self.goal(goal), "lower")
                continue
            t, cvm = self.trainings[training], self.trainings[training]["cvm_gg"]
            self.add(f"{t['title']}, {t['category']}: CvM of true gg", cvm["value"], self.goal(goal), "lower", "",
                     f"random scores {cvm['floor']:.5f} +- {cvm['floor_error']:.5f}, {cvm['events']:,} events; true gamma+jet "
                     f"{t['cvm_gamma_jet']['value']:.5f}; the paper has {cvm['published']}")
            s = self.separation(training, "H->gg vs gg")
            self.add(f"{t['title']}, {t['category']}: AUC H->gg vs gg beside that CvM", s["auc"], self.goal(AUC_OF_GG), "higher", "",
                     f"+- {s['auc_error']:.4f}; the paper has {s['published_auc']}")

    def comparisons(self):
        for c in self.report["comparisons"]:
            relation, goal = {"above": ("above", 0), "not below": ("not below", -0.01), "open": ("against", None)}[c["claim"]]
            name = f"{self.title(c['first'])} {relation} {self.title(c['second'])}, AUC of {c['auc_of']}: lower bound"
            if "lower" not in c:
                self.left_out(name, None if goal is None else self.goal(goal), "higher")
                continue
            self.add(name, c["lower"], None if goal is None else self.goal(goal), "higher", "",
                     f"difference {c['difference']:+.4f}, paired bootstrap, 95 % interval {c['lower']:+.4f} to {c['upper']:+.4f}")
        pairs, single = (self.separation(t, "electron vs photon") for t in (PAIRS, SINGLE))
        what = f"{self.title(PAIRS)} above {self.title(SINGLE)}, AUC of electron vs photon: lower bound"
        middle, width = EXPECTED_PAIRS
        size = f"{self.title(PAIRS)}, AUC of electron vs photon: distance from {middle}"
        if pairs:
            self.add(size, abs(pairs["auc"] - middle), self.goal(width), "lower", "", f"AUC {pairs['auc']:.4f} +- {pairs['auc_error']:.4f}; "
                     "0.85 to 0.92 are expected of two independent showers")
        else:
            self.left_out(size, self.goal(width), "lower")
        if not (pairs and single):
            self.left_out(what, self.goal(0), "higher")
            return
        difference = pairs["auc"] - single["auc"]
        error = math.hypot(pairs["auc_error"], single["auc_error"])
        self.add(what, difference - 1.96 * error, self.goal(0), "higher", "",
                 f"difference {difference:+.4f} +- {error:.4f}, of independent events; the paper has 1.00 for pairs, expected are "
                 "0.85-0.92, and above 0.95 is a leak")

    def all(self):
        self.time()
        self.four_momentum()
        self.images()
        self.matched()
        self.controls()
        self.decorrelation()
        self.comparisons()
        self.other_showers()
        self.seeds()
        self.paper_split()
        return self.figures


# --- the gates


def number_in(pattern, text):
    """The number that the pattern's group holds; None where it is not found."""
    found = re.search(pattern, text)
    return float(found[1]) if found else None


def factor_off(ratio):
    """By which a ratio misses 1, upwards or downwards; None where there is none."""
    return round(max(ratio, 1 / ratio), 3) if ratio else None


def response_gates(validation):
    """Of what `calotype reproduce --recorded DIR` or `calotype validate` compared."""
    how = f"{validation['simulated_events']:,} simulated events"
    none = NO_RECORDED
    peak, off = validation["m_gg"], validation.get("m_gg_of_recorded")
    figures = [figure("simulated H->gg: distance of the median m_gg from 125.0", round(abs(peak["median"] - 125), 3), 0.3, "lower", "GeV",
                      f"median {peak['median']:.2f} +- {peak['error']:.2f} GeV; {how}"),
               figure("m_gg of the seven recorded candidates against CMS's: median distance",
                      round(100 * off["median_distance"], 3) if off else None, 1.5, "lower", "%",
                      "from their hits and primary vertex" if off else none)]
    for row in validation["per_event"]:
        ratio = row["simulated"] / row["recorded"] if row["recorded"] else None
        figures.append(figure(f"{row['name']} per event, simulated over recorded: factor off",
                              factor_off(ratio), 1.5, "lower", "x",
                              f"simulated {row['simulated']:.1f}, recorded {row['recorded']:.1f}; {how}" if ratio else none))
    return figures


def share_gate(name, ours, theirs):
    """How far a share of recorded ones lies from that of simulated ones; each a pair of numbers, part and whole, or None."""
    if not theirs or not theirs[1]:
        return figure(name, None, 2, "lower", "standard errors", NO_RECORDED)
    share, found = ours[0] / ours[1] if ours[1] else 0, theirs[0] / theirs[1]
    # where the simulation has none or all, the error is that of the recorded share
    of = share if 0 < share < 1 else found
    error = math.sqrt(of * (1 - of) / theirs[1])
    off = abs(found - share)
    return figure(name, round(off / error, 2) if error else float(off > 0), 2, "lower", "standard errors",
                  f"simulated {share:.3f}, recorded {theirs[0]:.0f} of {theirs[1]:.0f}")


def plot_gates(validation):
    """Of the numbers that the validation page's plots show; goals are ours, recorded events are few."""
    figures = []
    for row in validation.get("compared", []):
        ratio = row["simulated"] / row["recorded"] if row["recorded"] else None
        error = f" +- {row['error']:.2g}" if row["error"] else ""
        figures.append(figure(f"{row['name']}, simulated over recorded: factor off",
                              factor_off(ratio), FACTORS.get(row["name"]), "lower", "x",
                              f"simulated {row['simulated']:.4g}, recorded {row['recorded']:.4g}{error}" if ratio else NO_RECORDED))
    for key, whose in (("halo_step", "photons"), ("halo_step_of_trigger", "a trigger's candidates")):
        if key not in validation:
            continue
        ours, theirs = (of and (of["below"], of["hits"]) for of in (validation[key][name] for name in ("simulated", "recorded")))
        figures.append(share_gate(f"share of halo hits of 0.075 to 0.115 GeV below the step at 0.095 GeV, away from others, {whose}: distance from "
                                  "recorded ones", ours, theirs))
    for row in validation.get("kept_in_hb", []):
        share = row["simulated"]
        figures.append(figure(f"share of HB hits of {row['from']:g} to {row['to']:g} GeV that are kept: distance from recorded towers",
                              None if share is None else round(abs(share - row["recorded"]), 3), 0.1, "lower", "",
                              "no such hit" if share is None else f"simulated {share:.3f}, recorded {row['recorded']:.2f}"))
    for row in validation.get("shapes", []):
        ours, theirs = row["simulated"], row["recorded"]
        off = abs(ours["median"] / theirs["median"] - 1) if ours and theirs else None
        figures.append(figure(f"{row['name']} of photons: distance of the medians", None if off is None else round(100 * off, 2),
                              MEDIANS[row["name"]], "lower", "%",
                              f"medians {ours['median']:.4f} and {theirs['median']:.4f}; half of the central 68 % {ours['half_width']:.4f} and "
                              f"{theirs['half_width']:.4f}; {ours['photons']:,} simulated and {theirs['photons']:,} recorded photons"
                              if off is not None else NO_RECORDED))
        if row["name"] not in WIDTHS:
            continue
        ratio = ours["half_width"] / theirs["half_width"] if ours and theirs and theirs["half_width"] else None
        figures.append(figure(f"{row['name']} of photons: width, simulated over recorded: factor off", factor_off(ratio),
                              WIDTHS[row["name"]], "lower", "x",
                              f"half of the central 68 %; {theirs['photons']:,} recorded photons" if ratio else NO_RECORDED))
    shapes = {row["name"]: row for row in validation.get("shapes", [])}
    if "r9, r9 > 0.94" in shapes:
        def narrow(sample):
            part, whole = shapes["r9, r9 > 0.94"][sample], shapes["r9"][sample]
            return (part["photons"] if part else 0, whole["photons"]) if whole else None

        figures.append(share_gate("share of photons with r9 > 0.94: distance from recorded ones", narrow("simulated") or (0, 0),
                                  narrow("recorded")))
    return figures


def pion_gates(text):
    """Of what tests/reference/sim/photon_pion.cpp says."""
    figures = []
    for bin_, goal in PION.items():
        auc = number_in(rf"{bin_} GeV ([\d.]+)", text)
        figures.append(figure(f"photon against pi0, {bin_} GeV: distance of the AUC from {goal}",
                              None if auc is None else round(abs(auc - goal), 4), PION_TOLERANCE, "lower", "",
                              "not measured (needs scikit-learn)" if auc is None else
                              f"AUC {auc:.3f}, boosted tree on 5 x 5 crystals; an independent toy has {goal}"))
    return figures


def gates(report):
    build("reference_sim")
    say("telling photons from pions ...")
    # Its own limits are not ours: what it measured counts.
    pions = subprocess.run([str(find_program("reference_sim")), "-tc=photons and pions*", "-s"], capture_output=True, text=True, cwd=ROOT)
    return response_gates(report["validation"]) + plot_gates(report["validation"]) + pion_gates(pions.stdout)


def tables(report):
    """What the page shows beside the statements: {category, variants and controls apart: [training]}."""
    kept = {}
    for t in report["trainings"]:
        row = {"title": t["title"], "separations": [
            {k: round(v, 4) if isinstance(v, float) else v for k, v in s.items()} for s in t["separations"]]}
        for name in ("cvm_gg", "cvm_gamma_jet"):
            if name in t:
                row[name] = {k: round(v, 5) if isinstance(v, float) else v for k, v in t[name].items()}
        variant = "cvm_gg" in t and "published" not in t["cvm_gg"] and t["id"] != "reference"
        kept.setdefault(t["category"] + (", variants and controls" if variant else ""), []).append(row)
    return kept


def study(folder):
    report = read_report(folder)
    about = {name: report[name] for name in ("budget", "seed", "epochs", "batch", "rate_decay", "events", "validation_events", "test_events")}
    about["earlier_simulation"] = [f"{t['title']} ({t['category']})" for t in report["trainings"]
                                   if t.get("simulation", 1) != report.get("simulation", 1)]
    about["left_out"] = [t["title"] for t in report.get("left_out", [])]
    return {"study": about, "figures": Statements(report).all() + gates(report), "trainings": tables(report)}
