#!/usr/bin/env python3
"""AUC of a boosted tree on 5 x 5 crystals, photon against pi0, in three ranges of pT.

Input: lines of class (0 photon, 1 pi0), pT and 25 energies. Output: three numbers.
"""
import sys

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

shots = np.loadtxt(sys.argv[1])
for low, high in ((20, 30), (30, 45), (45, 60)):
    chosen = shots[(shots[:, 1] >= low) & (shots[:, 1] < high)]
    total = chosen[:, 2:].sum(axis=1, keepdims=True)
    inputs = np.hstack([chosen[:, 2:] / total, total])
    parts = train_test_split(inputs, chosen[:, 0], test_size=0.35, random_state=1)
    tree = HistGradientBoostingClassifier(max_iter=120, learning_rate=0.07, max_leaf_nodes=15, random_state=1)
    score = tree.fit(parts[0], parts[2]).predict_proba(parts[1])[:, 1]
    print(f"{roc_auc_score(parts[3], score):.4f}")
