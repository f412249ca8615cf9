"""Photon candidates among generated particles, for many events at a time and without a loop over particles.

The double-electromagnetic-enrichment filter follows the steps and thresholds of CMSSW's PythiaFilterGammaGamma as CMS
configured it for photon + jet. An event is kept if two candidates, each the electromagnetic particles around a seed, could
pass for two photons.
"""
import dataclasses

import numpy as np

SEEDS = (111, 221, 331, 113, 223)  # pi0, eta, eta', rho0, omega; of photons and electrons the stable ones
TRACKS = (211, 321, 11, 13, 15)
# What CMS's generator leaves to the detector simulation (c tau > 10 mm): the filter does not see the decays.
LONG_LIVED = (310, 3122, 3112, 3222, 3312, 3322, 3334)

SEED_PT, SEED_ETA = 5.0, 2.8
ELECTRON_PT, PARTICLE_ETA = 2.0, 2.8
SEED_DPHI, SEED_DETA = 0.2, 0.12
TRACK_PT, TRACK_ETA, TRACK_DR = 1.6, 2.2, 0.2
CANDIDATE_PT, CANDIDATE_ETA, CANDIDATE_ENERGY = 15.0, 3.0, 1.0
TRACKS_EACH, TRACKS_BOTH = 2, 4
PROMPT_PT = 15.0
MASS = 80.0


@dataclasses.dataclass
class Particles:
    """Whole event records one after the other; event i has the entries offsets[i] to offsets[i + 1] - 1."""

    offsets: np.ndarray
    pdg_id: np.ndarray
    final: np.ndarray  # stable
    mother: np.ndarray  # entry of the first mother, counted from the first event's first entry; -1 where there is none
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray

    def __post_init__(self):
        self.event = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        self.pt = np.hypot(self.px, self.py)
        self.eta = pseudorapidity(self.pt, self.pz)
        self.phi = np.arctan2(self.py, self.px)

    def of_mother(self, values, none):
        """values[mother], `none` where there is no mother."""
        return np.where(self.mother >= 0, values[self.mother], none)

    def prompt(self):
        """Stable photons that come from quarks, gluons or leptons within two generations."""
        mother = self.of_mother(self.pdg_id, 99)
        grandmother = self.of_mother(mother, 99)
        return self.final & (self.pdg_id == 22) & (np.abs(mother) <= 22) & (np.abs(grandmother) <= 22)


@dataclasses.dataclass
class Pairs:
    """Two candidates per event, the harder first; arrays of shape (events, 2). No pair: found is false, the rest 0."""

    found: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    prompt: np.ndarray
    seed: np.ndarray  # PDG number
    seed_share: np.ndarray  # of the candidate's pT

    @staticmethod
    def none(events):
        zero = lambda kind: np.zeros((events, 2), kind)
        return Pairs(np.zeros(events, bool), zero(float), zero(float), zero(float), zero(bool), zero(int), zero(float))


def pseudorapidity(pt, pz):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pt > 0, np.arcsinh(pz / pt), np.copysign(20.0, pz))


def angle(dphi):
    return np.abs((dphi + np.pi) % (2 * np.pi) - np.pi)


def matches(event_a, event_b, events):
    """All pairs (a, b) of entries of two lists, ordered by event, that belong to the same event."""
    counts = np.bincount(event_b, minlength=events)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    per_a = counts[event_a]
    a = np.repeat(np.arange(len(event_a)), per_a)
    within = np.arange(len(a)) - np.repeat(np.cumsum(per_a) - per_a, per_a)
    return a, starts[event_a[a]] + within


def seen(p):
    """False for what long-lived particles decay to, within four generations."""
    hidden = np.isin(np.abs(p.of_mother(p.pdg_id, 0)), LONG_LIVED)
    for _ in range(3):
        hidden |= p.of_mother(hidden, False)
    return ~hidden


def seeds(p, visible):
    """Entries of the seeds: none descends within three generations from another."""
    kind = np.abs(p.pdg_id)
    eligible = np.isin(kind, SEEDS) | (p.final & ((kind == 22) | (kind == 11)))
    eligible &= visible & (p.pt > SEED_PT) & (np.abs(p.eta) < SEED_ETA)
    taken = eligible
    while True:
        mother = p.of_mother(taken, False)
        grandmother = p.of_mother(mother, False)
        now = eligible & ~(mother | grandmother | p.of_mother(grandmother, False))
        if np.array_equal(now, taken):
            return np.flatnonzero(taken)
        taken = now


def enriched(p):
    """The pair of candidates of every event that passes the filter; of several the one with the largest sum of pT."""
    events = len(p.offsets) - 1
    visible = seen(p)
    seed = seeds(p, visible)
    kind = np.abs(p.pdg_id)
    stable = p.final & visible
    electromagnetic = np.flatnonzero(stable & (np.abs(p.eta) < PARTICLE_ETA) &
                                     ((p.pdg_id == 22) | ((kind == 11) & (p.pt > ELECTRON_PT))))
    track = np.flatnonzero(stable & np.isin(kind, TRACKS) & (p.pt > TRACK_PT) & (np.abs(p.eta) < TRACK_ETA))

    a, b = matches(p.event[seed], p.event[electromagnetic], events)
    s, e = seed[a], electromagnetic[b]
    near = (angle(p.phi[e] - p.phi[s]) < SEED_DPHI) & (np.abs(p.eta[e] - p.eta[s]) < SEED_DETA)
    a, e = a[near], e[near]
    total = lambda values: np.bincount(a, values[e], len(seed))
    px, py, pz = total(p.px), total(p.py), total(p.pz)
    energy = total(np.hypot(p.pt, p.pz))
    pt = np.hypot(px, py)
    eta, phi = pseudorapidity(pt, pz), np.arctan2(py, px)

    a, b = matches(p.event[seed], p.event[track], events)
    t = track[b]
    near = np.hypot(p.eta[t] - eta[a], angle(p.phi[t] - phi[a])) < TRACK_DR
    prompt = p.prompt()[seed] & (p.pt[seed] > PROMPT_PT)
    tracks = np.where(prompt, 0, np.bincount(a[near], minlength=len(seed)))

    good = np.flatnonzero((energy >= CANDIDATE_ENERGY) & (np.abs(eta) <= CANDIDATE_ETA) & (pt >= CANDIDATE_PT) &
                          (tracks <= TRACKS_EACH))
    a, b = matches(p.event[seed[good]], p.event[seed[good]], events)
    a, b = good[a[a < b]], good[b[a < b]]
    mass2 = (energy[a] + energy[b])**2 - (px[a] + px[b])**2 - (py[a] + py[b])**2 - (pz[a] + pz[b])**2
    passes = (tracks[a] + tracks[b] <= TRACKS_BOTH) & (mass2 >= MASS**2)
    a, b = a[passes], b[passes]

    order = np.lexsort((-(pt[a] + pt[b]), p.event[seed[a]]))
    event, first = np.unique(p.event[seed[a[order]]], return_index=True)
    pair = np.stack((a[order[first]], b[order[first]]), axis=1)
    pair = np.take_along_axis(pair, np.argsort(-pt[pair], axis=1, kind="stable"), axis=1)
    out = Pairs.none(events)
    out.found[event] = True
    out.pt[event], out.eta[event], out.phi[event] = pt[pair], eta[pair], phi[pair]
    out.prompt[event] = prompt[pair]
    out.seed[event] = p.pdg_id[seed[pair]]
    out.seed_share[event] = p.pt[seed[pair]] / pt[pair]
    return out


def hardest_photons(p):
    """The two hardest stable photons of every event that come from the hard collision, a Higgs boson or radiation."""
    events = len(p.offsets) - 1
    origin = np.abs(p.of_mother(p.pdg_id, 99))
    photon = np.flatnonzero(p.final & (p.pdg_id == 22) & ((origin <= 22) | (origin == 25)))
    order = photon[np.lexsort((-p.pt[photon], p.event[photon]))]
    counts = np.bincount(p.event[order], minlength=events)
    event = np.flatnonzero(counts >= 2)
    first = (np.cumsum(counts) - counts)[event]
    pair = np.stack((order[first], order[first + 1]), axis=1) if len(event) else np.zeros((0, 2), int)
    out = Pairs.none(events)
    out.found[event] = True
    out.pt[event], out.eta[event], out.phi[event] = p.pt[pair], p.eta[pair], p.phi[pair]
    out.prompt[event] = True
    out.seed[event] = 22
    out.seed_share[event] = 1
    return out
