#!/usr/bin/python3
"""Flattens CMS event-display data for the detector tests: one record per line on standard output.

  extract.py cells DATA    the official cells:  cell RAW  x y z of the four front corners (metres)
  extract.py hits DATA     every distinct hit:  hit FILE RAW ETA PHI
  extract.py tracks DATA   every track with a state at the calorimeter:
                           track FILE PT ETA PHI CHARGE  x y z at the beam line  x y z at the calorimeter (metres)

DATA holds ispy-webgl-geometry/*.json.gz and */*.ig. Only the standard library. The same data through another reader than
the library's own: what the two agree on, neither made up.
"""
import glob
import gzip
import json
import os
import re
import sys
import zipfile

HITS = ["EBRecHits_V2", "EERecHits_V2", "ESRecHits_V2", "HBRecHits_V2", "HERecHits_V2", "HFRecHits_V2", "HORecHits_V2"]


def events(data):
    """(file name, event) for every event of every .ig file, in both dialects, with bare nan."""
    for path in sorted(glob.glob(os.path.join(data, "*", "*.ig"))):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if "/Event_" not in name:
                    continue
                text = archive.read(name).decode("utf-8", "replace")
                text = re.sub(r"(?<![\w\"'])nan\b", "NaN", text)
                if "'Types'" in text[:200]:  # python dialect: tuples, and three keys in single quotes
                    text = re.sub(r"'(\w+)'", r'"\1"', text)
                    text = re.sub(r"\((-?[\d.eE+-]+(?:, *(?:-?[\d.eE+-]+|NaN))*)\)", r"[\1]", text)
                yield os.path.basename(path), json.loads(text)


def columns(event, name):
    return [attribute for attribute, _ in event["Types"][name]]


def print_cells(data):
    for part in ["eb", "ee", "hb", "hehf", "ho"]:
        with gzip.open(os.path.join(data, "ispy-webgl-geometry", part + ".json.gz"), "rt") as f:
            for rows in json.load(f)["Collections"].values():
                for row in rows:
                    corners = " ".join(repr(x) for corner in row[1:5] for x in corner)
                    print("cell", row[0] & 0xFFFFFFFF, corners)


def print_hits(data):
    seen = set()
    for file, event in events(data):
        for name in HITS:
            rows = event["Collections"].get(name)
            if not rows:
                continue
            head = columns(event, name)
            raw, eta, phi = head.index("detid"), head.index("eta"), head.index("phi")
            for row in rows:
                record = (file, row[raw] & 0xFFFFFFFF, row[eta], row[phi])
                if record not in seen:
                    seen.add(record)
                    print("hit", *record)


def print_tracks(data):
    for file, event in events(data):
        names = list(event["Types"])
        collections = event["Collections"]
        for link in event["Associations"].get("TrackExtras_V1", []):
            (track_set, track), (extra_set, extra) = link
            name, extra_name = names[track_set], names[extra_set]
            row, state = collections[name][track], collections[extra_name][extra]
            head, extra_head = columns(event, name), columns(event, extra_name)
            value = lambda key: row[head.index(key)]
            print("track", file, value("pt"), value("eta"), value("phi"), value("charge"), *value("pos"),
                  *state[extra_head.index("pos_2")])


if __name__ == "__main__":
    {"cells": print_cells, "hits": print_hits, "tracks": print_tracks}[sys.argv[1]](sys.argv[2])
