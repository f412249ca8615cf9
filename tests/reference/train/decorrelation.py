"""The oracle of decorrelation.cpp. Prints `set name value`.

decorrelation.py torch FILE: loss and parameter gradients of one batch of a dense network, the CvM loss written as
energy distances (int (F - G)^2 = E|x - y| - E|x - x'|/2 - E|y - y'|/2) and differentiated by PyTorch.
decorrelation.py hep_ml FILE: the gradient of hep_ml's flatness loss. FILE has one word and numbers per line.
"""
import sys

import numpy as np


def nearest(masses, k):
    """Places of the k nearest of every event."""
    return np.argsort(np.abs(masses[:, None] - masses[None, :]), axis=1, kind="stable")[:, :k]


def of_torch(lines):
    import torch

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    number = {name: float(rows[0][0]) for name, rows in lines.items() if name in ("strength", "neighbours")}
    parameters = torch.tensor([row[0] for row in lines["parameter"]], requires_grad=True)
    events = torch.tensor(lines["event"])
    label, weight, mass, features = events[:, 0].long(), events[:, 1], events[:, 2], events[:, 3:]
    inputs, hidden = features.shape[1], 8
    ends = np.cumsum([hidden * inputs, hidden, 3 * hidden, 3])
    w1, b1, w2, b2 = torch.tensor_split(parameters, tuple(ends[:-1]))
    first = torch.relu(features @ w1.reshape(hidden, inputs).T + b1)
    logits = first @ w2.reshape(3, hidden).T + b2
    entropy = torch.nn.functional.cross_entropy(logits, label, reduction="none")
    loss = (weight * entropy).sum() / weight.sum()

    chosen = label == 1
    log_odds = logits[:, 0] - torch.logsumexp(logits[:, 1:], 1)
    ring = torch.tensor(lines["ring"]) if "ring" in lines else torch.zeros(0, 3)
    score = torch.cat([log_odds[chosen], ring[:, 1]])
    w = torch.cat([weight[chosen], ring[:, 2]])
    fixed = score.detach()
    fresh, k = int(chosen.sum()), int(number["neighbours"])
    groups = nearest(torch.cat([mass[chosen], ring[:, 0]]).numpy(), k)
    times = np.bincount(groups.ravel(), minlength=len(w))
    p_all = w / w.sum()
    surrogate, value = 0.0, 0.0
    for g, members in enumerate(groups):
        p = w[members] / w[members].sum()
        # Each event of the batch carries w / W over the number of its groups, whatever its part of this one is.
        carry = w / w[:fresh].sum() / torch.tensor(times)
        carry = torch.where(torch.arange(len(w)) < fresh, carry, torch.zeros(()))[members] / p
        live = fixed[members] + (score - fixed)[members] * carry
        surrogate = surrogate + (p[:, None] * p_all * (live[:, None] - fixed).abs()).sum()
        surrogate = surrogate - (p[:, None] * p * (live[:, None] - live).abs()).sum() / 2
        inside = lambda s: (s[None, :] < fixed[members][:, None]) + 0.5 * (s[None, :] == fixed[members][:, None])
        difference = inside(fixed[members]).double() @ p - inside(fixed).double() @ p_all
        value += p_all[g] * (p * difference**2).sum()
    (loss + number["strength"] * surrogate).backward()
    yield "loss", loss + number["strength"] * value
    for i, slope in enumerate(parameters.grad):
        yield f"gradient{i}", slope


def of_hep_ml(lines):
    import pandas
    from hep_ml.losses import KnnFlatnessLossFunction

    masses, scores, weights = np.array(lines["pair"]).T
    loss = KnnFlatnessLossFunction(["mass"], uniform_label=0, n_neighbours=int(lines["neighbours"][0][0]))
    loss.fit(pandas.DataFrame({"mass": masses}), np.zeros(len(masses), int), sample_weight=weights)
    # hep_ml norms the weights to a mean of 1 and does not divide by the number of events.
    for i, slope in enumerate(loss._compute_fl_derivatives(scores)):
        yield f"slope{i}", -slope / loss.sample_weight.sum()


lines = {}
for line in open(sys.argv[2]):
    name, *numbers = line.split()
    lines.setdefault(name, []).append([float(n) for n in numbers])
for name, value in (of_torch if sys.argv[1] == "torch" else of_hep_ml)(lines):
    print(0, name, repr(float(value)))
