#!/usr/bin/env python3
"""Physics figures of generated samples beside what CMS's own samples had; fails where one lies outside its range.

    examples/pythia/check.py higgs.npz born.npz gamma-jet.npz minimum-bias.npz
"""
import json
import sys

try:
    import numpy as np
except ImportError:
    sys.exit("error: the Python module 'numpy' is missing: pip install numpy")

# Figure: the range it must lie in. The cross-section and efficiency of photon + jet behind the filter are quoted in public
# analyses of the CMS sample as 8.884 nb and 0.05387. The others are those of Pythia 8.302 with the same settings, dN/deta
# 13.7, 11.4 and 12.8 within 12 %, median pT 29.5 GeV, and of soft collisions what docs/simulation.md names; all are wide
# enough for 500 events.
RANGES = {
    "higgs": {"charged dN/deta": (12.1, 15.3), "pair pT, median": (25, 35)},
    "born": {"charged dN/deta": (10.0, 12.8)},
    "gamma-jet": {"charged dN/deta": (11.3, 14.4), "filter efficiency": (0.045, 0.060), "cross-section, nb": (8.0, 9.5)},
    "minimum-bias": {"charged dN/deta": (4.7, 6.0)},
}
CHARGED = (11, 13, 211, 321, 2212)
DECAY = 0.5  # cm: what is made further out comes from strange hadrons


def figures(sample):
    """Name and value of every figure of a sample."""
    metadata = json.loads(bytes(sample["metadata"]))
    events = len(sample["event"])
    pt = np.hypot(sample["px"], sample["py"])
    eta = np.arcsinh(sample["pz"] / np.maximum(pt, 1e-9))
    far = np.sqrt(sample["x"]**2 + sample["y"]**2 + sample["z"]**2) > DECAY
    charged = np.isin(np.abs(sample["pdg_id"]), CHARGED) & (np.abs(eta) < 2.5) & ~far
    out = {"events": events, "charged dN/deta": charged.sum() / events / 5}
    if metadata["process"] == "minimum-bias":
        return metadata["process"], out
    out["cross-section, nb"] = float(metadata["cross_section_nb"])
    out["filter efficiency"] = float(metadata["filter_efficiency"])
    pt, eta, phi = (sample["candidate_" + name].astype(float) for name in ("pt", "eta", "phi"))
    pair = np.hypot((pt * np.cos(phi)).sum(axis=1), (pt * np.sin(phi)).sum(axis=1))
    out["pair pT, median"] = np.median(pair)
    out["pair pT > 50 GeV"] = np.mean(pair > 50)
    mass = np.sqrt(2 * pt[:, 0] * pt[:, 1] * (np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])))
    central = (np.abs(eta) < 1.44).all(axis=1) & (pt > 20).all(axis=1) & (mass > 90)
    out["central"] = np.mean(central)
    if metadata["process"] == "gamma-jet" and central.any():
        prompt = sample["candidate_prompt"][central] > 0
        both = prompt.all(axis=1)
        out["central: both prompt"] = np.mean(both)
        row, fake = np.flatnonzero(~both), np.argmin(prompt, axis=1)[~both]
        seed = np.abs(sample["candidate_seed"][central])[row, fake]
        share = sample["candidate_seed_share"][central][row, fake]
        for name, number in (("pi0", 111), ("eta", 221), ("omega", 223)):
            out["central: seed is " + name] = np.mean(seed == number)
        for part in (10, 50, 90):
            out[f"central: the seed's share, {part} %"] = np.quantile(share, part / 100)
        out["central: the fake is sub-leading"] = np.mean(fake == 1)
    return metadata["process"], out


def main(paths):
    if not paths:
        sys.exit("error: name the files that generate.py wrote")
    bad = 0
    for path in paths:
        try:
            with np.load(path) as file:
                process, found = figures({name: file[name] for name in file.files})
        except (OSError, ValueError, KeyError) as error:
            sys.exit(f"error: {path} is no file of generate.py ({error})")
        print(f"{process} ({path})")
        for name, value in found.items():
            low, high = RANGES[process].get(name, (-np.inf, np.inf))
            wrong = not low <= value <= high
            bad += wrong
            print(f"  {name:34} {value:<12.5g}" + (f" {'OUTSIDE' if wrong else 'within'} {low:g} .. {high:g}"
                                                   if np.isfinite(low) else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
