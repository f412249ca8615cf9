#!/usr/bin/env python3
"""AUC of a boosted tree on 5 x 5 crystals, photon against pi0, in three ranges of pT.

Input: lines of class (0 photon, 1 pi0), pT and 25 energies. Output: three numbers. The tree sees windows that are turned so that
the larger part of the energy lies on the same side, and moments beside the crystals: with thousands of shots, of the
crystals alone it finds but a part of what they tell.
"""
import sys

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

PLACE = np.arange(5) - 2  # from the hottest crystal


def heavier_side_last(windows):
    """Windows mirrored so that the crystals behind the middle hold more than those before it, along both axes."""
    before, behind = windows[:, :2].sum(axis=(1, 2)), windows[:, 3:].sum(axis=(1, 2))
    windows = np.where((behind < before)[:, None, None], windows[:, ::-1], windows)
    before, behind = windows[:, :, :2].sum(axis=(1, 2)), windows[:, :, 3:].sum(axis=(1, 2))
    return np.where((behind < before)[:, None, None], windows[:, :, ::-1], windows)


def moments(share):
    """Means and spreads along both axes with the weights 4.7 + ln(share) of sigmaIetaIeta, the mean of the energy, the 3 x 3."""
    weight = np.maximum(0, 4.7 + np.log(np.maximum(share, 1e-9)))
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    rows, columns = PLACE[None, :, None], PLACE[None, None, :]
    row, column = (weight * rows).sum(axis=(1, 2)), (weight * columns).sum(axis=(1, 2))
    from_row, from_column = rows - row[:, None, None], columns - column[:, None, None]
    return np.stack([(weight * from_row**2).sum(axis=(1, 2)), (weight * from_column**2).sum(axis=(1, 2)),
                     (weight * from_row * from_column).sum(axis=(1, 2)), (share * rows).sum(axis=(1, 2)),
                     (share * columns).sum(axis=(1, 2)), share[:, 1:4, 1:4].sum(axis=(1, 2))], axis=1)


def inputs_of(energies):
    windows = heavier_side_last(energies.reshape(-1, 5, 5))
    total = windows.sum(axis=(1, 2))
    share = windows / total[:, None, None]
    return np.hstack([share.reshape(-1, 25), moments(share), total[:, None]])


shots = np.loadtxt(sys.argv[1])
for low, high in ((20, 30), (30, 45), (45, 60)):
    chosen = shots[(shots[:, 1] >= low) & (shots[:, 1] < high)]
    parts = train_test_split(inputs_of(chosen[:, 2:]), chosen[:, 0], test_size=0.35, random_state=1)
    tree = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.07, max_leaf_nodes=15, random_state=1)
    score = tree.fit(parts[0], parts[2]).predict_proba(parts[1])[:, 1]
    print(f"{roc_auc_score(parts[3], score):.4f}")
