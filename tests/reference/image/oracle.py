"""Draw recorded events independently of calotype and compare with what its builders drew.

    python3 oracle.py FILE.ig GEOMETRY PIXELS VARIANT

GEOMETRY is the folder ispy-webgl-geometry with the official crystal corners, PIXELS a file of records (event, pixel, value)
of everything that is not zero, VARIANT one of central, ecal-centric, hcal-centric, plain (no smear, HCAL divided), legacy
(smeared and divided twice, per m_gg). Prints the number of events, of pixels that are lit and of pixels that differ.
numpy and the standard library only; EE centres are the mean of the official front corners, HCAL limits typed below.
"""
import gzip
import json
import pathlib
import re
import sys
import zipfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "io"))
from read_ig import parse, rows  # noqa: E402

F = np.float32
TOWERS = np.array([0, .087, .174, .261, .348, .435, .522, .609, .696, .783, .870, .957, 1.044, 1.131, 1.218, 1.305, 1.392,
                   1.479, 1.566, 1.653, 1.74, 1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 2.868, 3.0])
# Borders of EB's rows as seen from the origin (front faces).
EB = np.array([float(x) for x in """
0 .02101 .03955 .05808 .07659 .09508 .11247 .12983 .14717 .16450 .18181 .19919 .21656 .23390 .25123 .26855 .28594 .30331
.32066 .33799 .35531 .37272 .39011 .40748 .42483 .44452 .46417 .48143 .49868 .51590 .53312 .55027 .56740 .58452 .60161
.61869 .63585 .65299 .67011 .68721 .70429 .72147 .73863 .75576 .77288 .79252 .81229 .82948 .84665 .86380 .88094 .89812
.91525 .93237 .94947 .96655 .98372 1.00087 1.01799 1.03509 1.05217 1.06936 1.08653 1.10367 1.12078 1.14049 1.16030 1.17745
1.19457 1.21167 1.22875 1.24593 1.26307 1.28019 1.29728 1.31439 1.33160 1.34875 1.36587 1.38296 1.40003 1.41724 1.43441
1.45154 1.46865 1.48650""".split()])
EB = np.concatenate([-EB[:0:-1], EB])
PLUS = [float(x) for x in """1.479 1.4964 1.5138 1.5312 1.5486 1.566 1.5834 1.6008 1.6182 1.6356 1.653 1.6704 1.6878 1.7052
1.7226 1.74 1.758 1.776 1.794 1.812 1.83 1.85 1.87 1.89 1.91 1.93 1.9526 1.9752 1.9978 2.0204 2.043 2.0688 2.0946 2.1204
2.1462 2.172 2.202 2.232 2.262 2.292 2.322 2.3576 2.3932 2.4288 2.4644 2.5 2.53 2.56 2.59 2.62 2.65 2.72 2.79 2.86 2.93
3.0""".split()]
MINUS = [-x for x in reversed(PLUS)]


class Geometry:
    """Official EE centres: direction, eta and phi by raw id."""

    def __init__(self, folder):
        with gzip.open(pathlib.Path(folder) / "ee.json.gz", "rt") as f:
            cells = [row for rows_ in json.load(f)["Collections"].values() for row in rows_]
        front = np.array([row[1:5] for row in cells], dtype=float).mean(axis=1)
        ids = np.array([row[0] for row in cells]) & 0xFFFFFFFF
        self.ix, self.iy = (ids >> 7) & 0x7F, ids & 0x7F
        self.plus = (ids & 0x4000) != 0
        self.eta = np.arcsinh(front[:, 2] / np.hypot(front[:, 0], front[:, 1]))
        self.phi = np.arctan2(front[:, 1], front[:, 0])
        self.direction = front / np.linalg.norm(front, axis=1)[:, None]
        self.place = {int(i): k for k, i in enumerate(ids)}
        self.inside = {}

    def within(self, ieta, iphi, depth):
        """Indices of the crystals inside an HE tower."""
        key = (ieta, iphi, depth)
        if key not in self.inside:
            ring = abs(ieta)
            low, high = TOWERS[ring - 1], 3.0 if ring == 28 and depth == 3 else TOWERS[ring]
            width = 5 if ring <= 20 else 10
            degrees = np.degrees(self.phi) % 360
            start = 5 * (iphi - 1)
            self.inside[key] = np.nonzero((self.plus == (ieta > 0)) & (abs(self.eta) >= low) & (abs(self.eta) <= high)
                                          & (degrees >= start) & (degrees <= start + width))[0]
        return self.inside[key]


def hits(event, name):
    """Positive energies of a hit list, by id, each id once."""
    found = {h["detid"] & 0xFFFFFFFF: F(h["energy"]) for h in rows(event, name + "RecHits")}
    return [(i, found[i]) for i in sorted(found) if found[i] > 0]


def hcal(i):
    if i >> 24 & 1:
        return (i >> 10 & 0x1FF) * (1 if i >> 19 & 1 else -1), i & 0x3FF, i >> 20 & 0xF
    return (i >> 7 & 0x3F) * (1 if i >> 13 & 1 else -1), i & 0x7F, i >> 14 & 0x1F


def column(phi):
    k = int(np.floor((phi + np.pi) * 360 / (2 * np.pi)))
    return (k % 360 + 190) % 360


def stitched_row(eta):
    edges, first = (PLUS, 225) if eta > 0 else (MINUS, 0)
    k = int(np.searchsorted(edges, eta, side="right")) - 1
    return first + k if 0 <= k < 55 else None


def draw_eb(event, out):
    for i, e in hits(event, "EB"):
        ieta = (i >> 9 & 0x7F) * (1 if i >> 16 & 1 else -1)
        out[ieta + 84 if ieta > 0 else ieta + 85, (i & 0x1FF) - 1] = e


def draw_hcal(event, last, divide):
    towers = np.zeros((2 * last, 72), F)
    for name in ("HB", "HE"):
        for i, e in hits(event, name):
            ieta, iphi, _ = hcal(i)
            ring, wide = min(abs(ieta), 28), abs(ieta) > 20
            if ring > last:
                continue
            row, col = last + ring - 1 if ieta > 0 else last - ring, (iphi + 1) % 72
            for c in range(col, col + 2) if wide else (col,):
                towers[row, c] += e / F(2) if wide else e
    return np.kron(towers / F(25) if divide else towers, np.ones((5, 5), F))


def draw(event, geometry, variant):
    barrel_only, crystals = variant == "central", variant == "ecal-centric"
    stitched = not barrel_only and not crystals
    rows_ = 280 if stitched else 170
    tracks, ecal = np.zeros((rows_, 360), F), np.zeros((rows_, 360), F)
    ends = np.zeros((2, 3, 100, 100), F)  # EE-, EE+ x channels
    draw_eb(event, ecal[55:225] if stitched else ecal)
    divide = variant == "plain"
    had = draw_hcal(event, 28 if stitched else 17, divide)

    if crystals:
        for i, e in hits(event, "EE"):
            ends[i >> 14 & 1, 1, (i & 0x7F) - 1, (i >> 7 & 0x7F) - 1] = e
        for i, e in hits(event, "HE"):
            ieta, iphi, depth = hcal(i)
            if abs(ieta) <= 17:
                continue
            inside = geometry.within(ieta, iphi, depth)
            for k in inside:
                ends[int(ieta > 0), 2, geometry.iy[k] - 1, geometry.ix[k] - 1] += e / F(len(inside))
    if stitched:
        fine = np.zeros((2, 55, 360), F)
        blocks = np.zeros((2, 28, 180), F)
        for i, e in hits(event, "EE"):
            k = geometry.place[i]
            plus = int(geometry.plus[k])
            row, col = stitched_row(geometry.eta[k]) - 225 * plus, column(geometry.phi[k])
            fine[plus, row, col] += e
            blocks[plus, (row if plus else row + 1) // 2, col // 2] += e
        for plus in (0, 1):
            smeared = np.kron(blocks[plus], np.ones((2, 2), F)) * F(1 / 16 if variant == "legacy" else 1 / 4)
            ecal[225 * plus:225 * plus + 55] = fine[plus] if variant == "plain" else smeared[:55] if plus else smeared[1:]

    for t in rows(event, "Tracks"):
        eta, phi, pt = t["eta"], t["phi"], F(t["pt"])
        if not pt > 0:
            continue
        if abs(eta) <= 1.479:
            row = int(np.searchsorted(EB, eta, side="right")) - 1
            tracks[row + 55 if stitched else row, column(phi)] += pt
        elif stitched:
            row = stitched_row(eta)
            if row is not None:
                tracks[row, column(phi)] += pt
        elif crystals and abs(eta) <= 3:
            # Nearest in angle. The library's closed form of the centres is good to 2e-5 rad: a track that is as near to two
            # crystals as that may go to either, and both pixels are left out.
            direction = np.array([np.cos(phi), np.sin(phi), np.sinh(eta)])
            angle = np.linalg.norm(np.cross(geometry.direction, direction / np.linalg.norm(direction)), axis=1)
            angle[geometry.plus != (eta > 0)] = np.inf
            first, second = np.argpartition(angle, 1)[:2]
            ends[int(eta > 0), 0, geometry.iy[first] - 1, geometry.ix[first] - 1] += pt
            if angle[second] - angle[first] < 4e-5:
                for k in (first, second):
                    ends[int(eta > 0), 0, geometry.iy[k] - 1, geometry.ix[k] - 1] = np.nan

    image = np.concatenate([p.ravel() for p in (tracks, ecal, had)])
    if crystals:
        image = np.concatenate([image, ends.ravel()])
    if variant == "legacy":
        photons = sorted(rows(event, "Photons"), key=lambda p: -p["et"])
        if len(photons) < 2:
            return image * F(0)
        a, b = photons[:2]
        mass = np.sqrt(2 * a["et"] * b["et"] * (np.cosh(a["eta"] - b["eta"]) - np.cos(a["phi"] - b["phi"])))
        return image / F(mass) if mass > 0 else image * F(0)
    return image


def main():
    path, folder, pixels, variant = sys.argv[1:]
    geometry = Geometry(folder)
    theirs = np.fromfile(pixels, dtype=[("event", "<u4"), ("pixel", "<u4"), ("value", "<f4")])
    events = lit = wrong = 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not re.fullmatch(r"Events/.*/Event_[^/]*", member.filename):
                continue
            image = draw(parse(archive.read(member).decode("utf-8")), geometry, variant)
            drawn = np.zeros_like(image)
            mine = theirs[theirs["event"] == events]
            drawn[mine["pixel"]] = mine["value"]
            # Divided by a mass, the last digits may differ; otherwise not one bit.
            drawn[np.isnan(image)] = image[np.isnan(image)] = 0
            differ = abs(drawn - image) > 2e-6 * abs(image) if variant == "legacy" else drawn != image
            events, lit, wrong = events + 1, lit + int((image != 0).sum()), wrong + int(differ.sum())
            if differ.any():
                print(member.filename, np.nonzero(differ)[0][:6], image[differ][:6], drawn[differ][:6], file=sys.stderr)
    print(events, lit, wrong)


if __name__ == "__main__":
    main()
