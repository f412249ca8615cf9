#!/usr/bin/env python3
"""Write a small .ig file of invented events, so that the reader can be tested where no recorded data are.

    make_synthetic_ig.py OUT.ig [--events N] [--seed S]

The events resemble photon pairs in CMS with tracks and some hadronic energy; no number in them was measured. Event k
is written in dialect k % 4: strict JSON; with bare nan; in the old python notation; strict JSON with the HCAL
identifiers and the event record of later years. Between them they hold everything a reader must tolerate: energies
<= 0, a repeated row, an empty and an absent collection, nan in columns that nobody uses, a member name that tells the
wrong run. The same arguments give the same bytes. What the file holds is printed as JSON, for a test to compare with.
"""
import argparse
import json
import math
import random
import zipfile

EB, EE, ES = 0x32000000, 0x34000000, 0x36000000
HB, HE, HO, HF = 0x42000000, 0x44000000, 0x46000000, 0x48000000
CORNERS = ["front_1", "front_2", "front_3", "front_4", "back_1", "back_2", "back_3", "back_4"]
HIT_TYPES = [["energy", "double"], ["eta", "double"], ["phi", "double"], ["time", "double"], ["detid", "int"]] + [
    [corner, "v3d"] for corner in CORNERS]
TRACK_TYPES = [["pos", "v3d"], ["dir", "v3d"], ["pt", "double"], ["phi", "double"], ["eta", "double"],
               ["charge", "int"], ["chi2", "double"], ["ndof", "double"]]
PHOTON_TYPES = [["energy", "double"], ["et", "double"], ["eta", "double"], ["phi", "double"], ["pos", "v3d"],
                ["hadronicOverEm", "double"], ["r9", "double"]]
TOWER_TYPES = [["et", "double"], ["eta", "double"], ["phi", "double"], ["iphi", "double"], ["hadEnergy", "double"],
               ["emEnergy", "double"]] + [[corner, "v3d"] for corner in CORNERS]


def number(x):
    """Six significant digits, as a C++ stream writes them."""
    return float(f"{x:.6g}")


def point(eta, phi, r):
    return [number(r * math.cos(phi)), number(r * math.sin(phi)), number(r * math.sinh(eta))]


def box(eta_low, eta_high, phi_low, phi_high, front, back):
    """The eight corners of a cell between two cylinders."""
    edges = [(eta_low, phi_low), (eta_low, phi_high), (eta_high, phi_high), (eta_high, phi_low)]
    return [point(eta, phi, r) for r in (front, back) for eta, phi in edges]


def hit(detid, energy, eta, phi, width, front=1.29, back=1.52):
    half = width / 2
    return [number(energy), number(eta), number(phi), 0.5, detid] + box(
        eta - half, eta + half, phi - half, phi + half, front, back)


def eb_hit(ieta, iphi, energy):
    """ieta without 0; iphi in 1..360."""
    raw = EB | iphi | abs(ieta) << 9 | (0x10000 if ieta > 0 else 0)
    eta = math.copysign(0.00777 + 0.01742 * (abs(ieta) - 0.5), ieta)
    return hit(raw, energy, eta, math.radians((iphi - 10.5 + 180) % 360 - 180), 0.0174)


def ee_hit(ix, iy, side, energy):
    x, y = 0.02982 * (ix - 50.5), 0.02973 * (iy - 50.5)
    eta = side * math.asinh(3.2 / math.hypot(x, y))
    return hit(EE | iy | ix << 7 | (0x4000 if side > 0 else 0), energy, eta, math.atan2(y, x), 0.02)


def hcal_hit(prefix, ieta, iphi, depth, energy, later):
    sign = ieta > 0
    if later:
        raw = prefix | 1 << 24 | iphi | abs(ieta) << 10 | (0x80000 if sign else 0) | depth << 20
    else:
        raw = prefix | iphi | abs(ieta) << 7 | (0x2000 if sign else 0) | depth << 14
    return hit(raw, energy, math.copysign(0.087 * (abs(ieta) - 0.5), ieta), math.radians(5 * iphi - 2.5), 0.087, 1.81,
               2.89)


def tower(ieta, iphi, em, had, shift):
    """A barrel tower of 0.087 x 5 degrees. Its eta and phi are those of the energy, away from the centre."""
    low, high = sorted((math.copysign(0.087 * (abs(ieta) - 1), ieta), math.copysign(0.087 * abs(ieta), ieta)))
    phi = math.radians(5 * iphi - 2.5)
    eta = (low + high) / 2 + shift * 0.087
    return [number((em + had) / math.cosh(eta)), number(eta), number(phi + shift * 0.087), iphi, number(had),
            number(em)] + box(low, high, phi - math.radians(2.5), phi + math.radians(2.5), 1.29, 2.9)


def make_event(k, rng):
    """Types and Collections of event k, and what a reader should find."""
    dialect = k % 4
    later = dialect == 3
    run, event = 194000 + k, 5_000_000_000 + k if later else 1000 + k
    eb, hb, towers, photons = {}, {}, [], []
    for _ in range(2):
        ieta = rng.choice([-1, 1]) * rng.randint(5, 70)
        iphi = rng.randint(1, 360)
        energy = rng.uniform(30, 90)
        fractions = {0: 0.78, 1: 0.045, 2: 0.006}
        total = 0.0
        for de in range(-2, 3):
            for dp in range(-2, 3):
                row = ieta + de
                if (row > 0) != (ieta > 0) or row == 0:
                    row += -1 if ieta > 0 else 1
                cell = (row, (iphi + dp - 1) % 360 + 1)
                value = energy * fractions[max(abs(de), abs(dp))] * rng.uniform(0.8, 1.2)
                eb[cell] = eb.get(cell, 0.0) + value
                total += value
        eta = math.copysign(0.00777 + 0.01742 * (abs(ieta) - 0.5), ieta)
        phi = math.radians((iphi - 10.5 + 180) % 360 - 180)
        photons.append([number(total), number(total / math.cosh(eta)), number(eta), number(phi),
                        point(eta, phi, 1.29), 0.01, 0.94])
    for _ in range(40):
        cell = (rng.choice([-1, 1]) * rng.randint(1, 85), rng.randint(1, 360))
        eb.setdefault(cell, rng.gauss(0.1, 0.1))
    for _ in range(12):
        hb.setdefault((rng.choice([-1, 1]) * rng.randint(1, 14), rng.randint(1, 72)), rng.gauss(0.8, 0.6))
    ee = {(rng.randint(20, 30), rng.randint(40, 60), rng.choice([-1, 1])): rng.gauss(0.6, 0.5) for _ in range(15)}
    for (ieta, iphi), energy in hb.items():
        towers.append(tower(ieta, iphi, 0.3, max(0.0, energy), rng.uniform(-0.4, 0.4)))
    tracks = []
    for _ in range(rng.randint(5, 15)):
        pt, eta, phi = 0.7 + rng.expovariate(0.6), rng.uniform(-2.4, 2.4), rng.uniform(-math.pi, math.pi)
        d0, z0 = rng.gauss(0, 0.0003), rng.gauss(0, 0.05)
        tracks.append([[number(-d0 * math.sin(phi)), number(d0 * math.cos(phi)), number(z0)],
                       [number(math.cos(phi) / math.cosh(eta)), number(math.sin(phi) / math.cosh(eta)),
                        number(math.tanh(eta))],
                       number(pt), number(phi), number(eta), rng.choice([-1, 1]), 12.5, 14])

    collections = {}
    types = {}

    def add(name, columns, rows):
        types[name] = columns
        collections[name] = rows

    record = [["run", "int"], ["event", "long long" if later else "int"], ["ls", "int"], ["orbit", "int"],
              ["bx", "int"], ["time", "string"], ["localtime", "string"]]
    add("Event_V3" if later else "Event_V2", record,
        [[run, event, 40 + k, 7, 1, "2012-May-12 01:13:45.668166 GMT", "it's (not) [real], nan"]])
    eb_rows = [eb_hit(ieta, iphi, energy) for (ieta, iphi), energy in eb.items()]
    repeated = dialect == 1
    if repeated:
        eb_rows.insert(4, eb_rows[3])
    add("EBRecHits_V2", HIT_TYPES, eb_rows)
    add("EERecHits_V2", HIT_TYPES, [ee_hit(*cell, energy) for cell, energy in ee.items()])
    add("ESRecHits_V2", HIT_TYPES, [hit(ES | 5 | 20 << 6 | 8 << 12, 0.0002, -1.9, 0.3, 0.002)])
    add("HBRecHits_V2", HIT_TYPES, [hcal_hit(HB, *cell, 1, energy, later) for cell, energy in hb.items()])
    add("HERecHits_V2", HIT_TYPES, [hcal_hit(HE, 18, 10, 2, 1.25, later)])
    add("HORecHits_V2", HIT_TYPES, [])
    if dialect != 3:
        add("HFRecHits_V2", HIT_TYPES, [hcal_hit(HF, -30, 11, 1, 20.0, later)])
    add("Tracks_V3", TRACK_TYPES, tracks)
    add("Photons_V1", PHOTON_TYPES, photons)
    if dialect != 2:
        add("CaloTowers_V2", TOWER_TYPES, towers)
    nan = float("nan") if dialect in (1, 2) else 0.0
    add("PFTaus_V1", [["eta", "double"], ["emFraction", "double"], ["pos", "v3d"]], [[0.5, nan, [0.1, nan, 0.3]]])
    add("TriggerPaths_V1", [["Name", "string"], ["Index", "int"]], [["HLT_Photon26_\"R9Id85\"_v1", 3]])

    hits = {name[:2]: len(rows) for name, rows in collections.items() if "RecHits" in name}
    hits["EB"] -= repeated
    expected = {
        "run": run, "event": event, "ls": 40 + k, "hits": hits, "towers": len(collections.get("CaloTowers_V2", [])),
        "tracks": len(tracks), "photons": len(photons), "eb_sum": sum(e[0] for e in eb_rows) - repeated * eb_rows[3][0],
        "leading_et": max(p[1] for p in photons), "repetitions": int(repeated), "nans": 2 if dialect in (1, 2) else 0,
    }
    return dialect, {"Types": types, "Collections": collections, "Associations": {"PhotonTracks_V1": []}}, expected


def text_of(dialect, event):
    text = json.dumps(event)
    if dialect in (1, 2):
        text = text.replace("NaN", "nan")
    if dialect == 2:
        for key in ("Types", "Collections", "Associations"):
            text = text.replace(f'"{key}"', f"'{key}'", 1)
        # Vectors become tuples; rows, which hold more than three values, stay lists.
        out, depth, quoted = [], 0, False
        for i, c in enumerate(text):
            if c == '"' and text[i - 1] != "\\":
                quoted = not quoted
            if not quoted and c in "[{":
                depth += 1
                c = "(" if depth == 5 else c
            elif not quoted and c in "]}":
                c = ")" if depth == 5 else c
                depth -= 1
            out.append(c)
        text = "\n" + "".join(out)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--events", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    expected = []
    with zipfile.ZipFile(arguments.out, "w") as archive:
        def write(name, text, method):
            entry = zipfile.ZipInfo(name)  # dated 1980, so that the bytes do not depend on the clock
            entry.compress_type = method
            archive.writestr(entry, text)

        write("Header", '"CMSSW_5_3_36"', zipfile.ZIP_STORED)
        write("Events/Run_1/", "", zipfile.ZIP_STORED)
        for k in range(arguments.events):
            dialect, event, found = make_event(k, rng)
            run = 1 if k == 0 else found["run"]
            write(f"Events/Run_{run}/Event_{k + 1}", text_of(dialect, event),
                  zipfile.ZIP_STORED if k % 2 else zipfile.ZIP_DEFLATED)
            expected.append(found)
    print(json.dumps(expected, indent=1))


if __name__ == "__main__":
    main()
