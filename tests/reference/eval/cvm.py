"""The oracle of cvm.cpp: figures of the samples in a text file, from definitions or hep_ml.

Usage: cvm.py published|hep_ml SAMPLES. Each line of SAMPLES is `set mass weight score`; prints `set name value`.
`published` is the metric of the "Flavours of Physics" challenge, written down from its definition.
"""
import sys

import numpy as np


def published(scores, masses, window=200, step=50):
    scores = scores[np.argsort(masses, kind="stable")]
    n = len(scores)
    ranks = np.empty(n, int)
    ranks[np.argsort(scores, kind="stable")] = np.arange(n)
    everything = np.arange(1, n + 1) / n
    distances = []
    for start in range(0, n - window + 1, step):
        inside = np.isin(np.arange(n), ranks[start : start + window])
        distances.append(np.mean((everything - np.cumsum(inside) / window) ** 2))
    return np.mean(distances)


def of_hep_ml(scores, masses, weights):
    import pandas
    from hep_ml.metrics import KnnBasedCvM

    table = pandas.DataFrame({"mass": masses})
    labels = np.zeros(len(masses), int)
    metric = KnnBasedCvM(uniform_features=["mass"], uniform_label=0, n_neighbours=50)
    metric.fit(table, labels, sample_weight=weights)
    yield "neighbours", metric(labels, np.stack([scores, 1 - scores], 1), weights)


rows = np.loadtxt(sys.argv[2])
for key in np.unique(rows[:, 0]):
    masses, weights, scores = rows[rows[:, 0] == key][:, 1:].T
    figures = [("cvm", published(scores, masses))] if sys.argv[1] == "published" else of_hep_ml(scores, masses, weights)
    for name, value in figures:
        print(int(key), name, repr(float(value)))
