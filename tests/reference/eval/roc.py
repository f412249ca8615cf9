"""The oracle of roc.cpp: scikit-learn's figures for the samples in a text file.

Usage: roc.py SAMPLES. Each line of SAMPLES is `set truth weight score0 score1 score2`; prints `set name value`.
"""
import sys

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, auc, log_loss, roc_auc_score, roc_curve


def delong(truth, score):
    """The standard error of the area, straight from the definition: all pairs."""
    signal, background = score[truth], score[~truth]
    beats = (signal[:, None] > background[None, :]) + 0.5 * (signal[:, None] == background[None, :])
    return np.sqrt(beats.mean(1).var(ddof=1) / len(signal) + beats.mean(0).var(ddof=1) / len(background))


table = np.loadtxt(sys.argv[1])
for key in np.unique(table[:, 0]):
    rows = table[table[:, 0] == key]
    labels, weights, scores = rows[:, 1].astype(int), rows[:, 2], rows[:, 3:]
    report = {
        "accuracy": accuracy_score(labels, scores.argmax(1), sample_weight=weights),
        "cross_entropy": log_loss(labels, scores, sample_weight=weights, labels=[0, 1, 2]),
    }
    for k in range(3):
        truth = labels == k
        fpr, tpr, _ = roc_curve(truth, scores[:, k], sample_weight=weights, drop_intermediate=False)
        report[f"auc{k}"] = roc_auc_score(truth, scores[:, k], sample_weight=weights)
        report[f"trapezoid{k}"] = auc(fpr, tpr)
        report[f"first{k}"] = fpr[tpr >= 0.7][0]
        i = np.argmax(tpr >= 0.7)
        report[f"interpolated{k}"] = np.interp(0.7, tpr[i - 1 : i + 1], fpr[i - 1 : i + 1])
        if np.all(weights == weights[0]):
            report[f"error{k}"] = delong(truth, scores[:, k])
            observed, predicted = calibration_curve(truth, scores[:, k], n_bins=10)
            for i in range(len(observed)):
                report[f"observed{k}_{i}"], report[f"predicted{k}_{i}"] = observed[i], predicted[i]
        for j in range(3):
            if j != k:
                pair = truth | (labels == j)
                report[f"auc{k}{j}"] = roc_auc_score(truth[pair], scores[pair, k], sample_weight=weights[pair])
    for name, value in report.items():
        print(int(key), name, repr(float(value)))
