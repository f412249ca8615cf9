"""The pages that show the figures: between the marks <!-- figures: STUDY --> and <!-- end --> stands what a record says."""
import datetime
import json
import re

from . import common
from .common import RECORD, ROOT, goal_text, is_exact, value_text, verdict
from .event_paper import events_text

PAGES = {"spine": ROOT / "README.md", "cpu": ROOT / "docs/performance.md",
         "gpu": ROOT / "docs/gpu.md", "event-paper": ROOT / "docs/event_paper.md"}
NOTHING = "Not measured yet: `scripts/figures {study} --write` measures, and writes the table here."


def spine_table(record):
    lines = [f"Measured {record['measured']} on {record['machine']}:", "", "| figure | value | goal | |", "|---|---|---|---|"]
    lines += [f"| {f['figure']} | {value_text(f)} | {goal_text(f)} | {verdict(f)} |" for f in record["figures"]
              if not is_exact(f) and not (f["goal"] is None and re.search("second seed|fragmentation", f["figure"]))]
    return "\n".join(lines)


def cpu_tables(record):
    versions = ", ".join(f"{name} {version}".strip() for name, version in record["versions"].items())
    missing = "; ".join(f"{name}: {why}" for name, why in record["missing"].items()) or "none"
    lines = [f"Measured {record['measured']} on {record['machine']}, with {versions}. Missing peers: {missing}.", "",
             "| figure | value | goal | | conditions |", "|---|---|---|---|---|"]
    for f in record["figures"]:
        conditions = f["conditions"]
        for said_above in (f", {record['machine']}", f"; {record['machine']}"):
            conditions = conditions.replace(said_above, "")
        lines.append(f"| {f['figure']} | {value_text(f)} | {goal_text(f)} | {verdict(f)} | {conditions} |")
    lines += occupancy_table(record.get("occupancy", {}))
    lines += ["", "Medians of everything that took part, in milliseconds a call (`~`: other work ran beside most rounds):"]
    for setting, networks in grouped(record["times"]).items():
        lines += ["", f"**{setting}**", "", f"| engine | {' | '.join(networks)} |", "|---" * (1 + len(networks)) + "|"]
        engines = dict.fromkeys(name for times in networks.values() for name in times)
        for engine in engines:
            cells = [networks[n].get(engine) for n in networks]
            texts = ["-" if c is None else f"{'~' if c['noisy'] else ''}{c['ms']:.4g}" for c in cells]
            lines.append(f"| {engine} | {' | '.join(texts)} |")
    return "\n".join(lines)


def occupancy_table(occupancy):
    """Lines; none where nothing was measured."""
    if not occupancy:
        return []
    # "0.01 %" to "100 %", then what is no percentage.
    parts = sorted({part for row in occupancy.values() for part in row},
                   key=lambda part: float(part.removesuffix(" %")) if part.endswith(" %") else 101)
    lines = ["", "Time against occupancy, in milliseconds of one core, our side alone: the part of the pixels that is filled, at "
             "random places, and the mean over the recorded events, from hits to scores (`bench_occupancy`; `drawn`: by way of an image):", "",
             f"| filled | {' | '.join(occupancy)} |", "|---" * (1 + len(occupancy)) + "|"]
    lines += [f"| {part} | {' | '.join(f'{row[part]:.4g}' if part in row else '-' for row in occupancy.values())} |"
              for part in parts]
    return lines


def grouped(times):
    """{"batch 1: EB": t, "batch 1: JET": u} -> {"batch 1": {"EB": t, "JET": u}}"""
    groups = {}
    for label, engines in times.items():
        setting, _, network = label.rpartition(": ")
        groups.setdefault(setting, {})[network] = engines
    return groups


def event_paper_tables(record):
    about = record["study"]
    events = ", ".join(f"{category} {number:,}" for category, number in about["events"].items())
    lines = [f"Made {record['measured']} on {record['machine']}: budget {about['budget']}, {about['epochs']} epochs in batches of "
             f"{about['batch']}, seed {about['seed']}; events per class: {events} to train on, {about['validation_events']:,} to "
             f"choose by, {events_text(about['test_events'])} for the test."
             + (f" Not trained, and left out: {', '.join(about['left_out'])}." if about.get("left_out") else "")
             + (f" Trained before the simulation was changed, on events of its earlier revision: {', '.join(about['earlier_simulation'])}."
                if about.get("earlier_simulation") else ""), "",
             "| statement or gate | value | goal | | conditions |", "|---|---|---|---|---|"]
    lines += [f"| {f['figure']} | {value_text(f)} | {goal_text(f)} | {verdict(f)} | {f['conditions']} |" for f in record["figures"]]
    for category, trainings in record["trainings"].items():
        published = any("published_auc" in s for t in trainings for s in t["separations"])
        brackets = ", the paper's in brackets" if published else ""
        lines += ["", f"**{category}**, AUC{brackets}:", "", f"| | {' | '.join(t['title'] for t in trainings)} |",
                  "|---" * (1 + len(trainings)) + "|"]
        for k, s in enumerate(trainings[0]["separations"]):
            lines.append(f"| {s['name']} | {' | '.join(area_text(t['separations'][k]) for t in trainings)} |")
        for key, name in (("cvm_gg", "CvM, true gg"), ("cvm_gamma_jet", "CvM, true gamma+jet")):
            if key in trainings[0]:
                lines.append(f"| {name} | {' | '.join(cvm_text(t[key]) for t in trainings)} |")
    return "\n".join(lines)


def with_published(text, published):
    return text if published is None else f"{text} ({published})"


def area_text(s):
    return with_published(f"{s['auc']:.3f} ± {s['auc_error']:.3f}", s.get("published_auc"))


def cvm_text(c):
    return with_published(f"{c['value']:.4f}", c.get("published"))


def gpu_table(record):
    lines = [f"Measured {record['measured']}, device: {record['device']}.", "", "| figure | value | goal | | conditions |",
             "|---|---|---|---|---|"]
    lines += [f"| {f['figure']} | {value_text(f)} | {goal_text(f)} {'' if f['goal'] is None else f['unit']} | {verdict(f)} | "
              f"{f['conditions']} |" for f in record["figures"]]
    return "\n".join(lines)


TABLES = {"spine": spine_table, "cpu": cpu_tables, "gpu": gpu_table, "event-paper": event_paper_tables}


def marked(study, text, inner):
    """The page with `inner` between its marks; None if it has not one such place."""
    mark = re.compile(rf"(<!-- figures: {study} -->\n).*?(\n<!-- end -->)", re.S)
    text, count = mark.subn(lambda m: m[1] + inner + m[2], text)
    return text if count == 1 else None


def shown(study):
    """What belongs between the marks now."""
    path = RECORD / f"{study}.json"
    return TABLES[study](json.loads(path.read_text())) if path.exists() else NOTHING.format(study=study)


def check(study):
    """None, or what is wrong with the study's page."""
    page = PAGES[study]
    if not (RECORD / f"{study}.json").exists() and f"<!-- figures: {study} -->" not in page.read_text():
        return None
    text = marked(study, page.read_text(), shown(study))
    if text is None:
        return f"{page.name}: it needs one place for the figures, <!-- figures: {study} --> ... <!-- end -->"
    if text != page.read_text():
        return f"{page.name}: its table is not that of docs/figures; run scripts/figures {study} --write"
    return None


def write(study, record):
    RECORD.mkdir(parents=True, exist_ok=True)
    path = RECORD / f"{study}.json"
    values = [f["value"] for f in record["figures"]]
    if values and not any(v is not None for v in values) and path.exists():
        if any(f["value"] is not None for f in json.loads(path.read_text())["figures"]):
            raise SystemExit(f"figures: nothing was measured, and docs/figures/{study}.json has values: it is left as it is")
    record = {"measured": datetime.date.today().isoformat(), "machine": common.machine(), **record}
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    text = marked(study, PAGES[study].read_text(), shown(study))
    if text is None:
        raise SystemExit(check(study))
    PAGES[study].write_text(text)
