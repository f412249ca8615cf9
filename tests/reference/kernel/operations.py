#!/usr/bin/python3
"""PyTorch's answers in float64 for tests/reference/kernel/operations.cpp: operations.py CASES INPUTS OUTPUTS

CASES has one line per case, its kind and integers; INPUTS and OUTPUTS are float64 tensors one after the other.
"""
import sys

import numpy
import torch
from torch.nn import functional


class numbers:
    def __init__(self, file):
        self.values, self.at = numpy.fromfile(file, numpy.float64), 0

    def take(self, *shape):
        n = int(numpy.prod(shape))
        tensor = torch.from_numpy(self.values[self.at:self.at + n].reshape(shape).copy())
        self.at += n
        assert tensor.numel() == n
        return tensor.requires_grad_()


def convolution(data, channels, rows, cols, filters, kernel, stride, padding, relu, shortcut):
    x, w, b = data.take(1, channels, rows, cols), data.take(filters, channels, kernel, kernel), data.take(filters)
    y = functional.conv2d(x, w, b, stride, padding)
    added = data.take(*y.shape)
    if shortcut:
        y = y + added
    if relu:
        y = functional.relu(y)
    y.backward(data.take(*y.shape).detach())
    return [y, x.grad, w.grad, b.grad] + ([added.grad] if shortcut else [])


def max_pool(data, channels, rows, cols, size, stride):
    x = data.take(1, channels, rows, cols)
    y = functional.max_pool2d(x, size, stride)
    y.backward(data.take(*y.shape).detach())
    return [y, x.grad]


def global_max_pool(data, channels, rows, cols):
    x = data.take(1, channels, rows, cols)
    y = functional.adaptive_max_pool2d(x, 1).flatten()
    y.backward(data.take(channels).detach())
    return [y, x.grad]


def avg_pool(data, channels, rows, cols, size, stride):
    x = data.take(1, channels, rows, cols)
    y = functional.avg_pool2d(x, size, stride)
    y.backward(data.take(*y.shape).detach())
    return [y, x.grad]


def global_avg_pool(data, channels, rows, cols):
    x = data.take(1, channels, rows, cols)
    y = functional.adaptive_avg_pool2d(x, 1).flatten()
    y.backward(data.take(channels).detach())
    return [y, x.grad]


def dense(data, inputs, outputs, relu):
    x, w, b = data.take(inputs), data.take(outputs, inputs), data.take(outputs)
    y = functional.linear(x, w, b)
    if relu:
        y = functional.relu(y)
    y.backward(data.take(outputs).detach())
    return [y, x.grad, w.grad, b.grad]


def softmax_cross_entropy(data, classes, label):
    x = data.take(classes)
    loss = functional.cross_entropy(x[None], torch.tensor([label]))
    loss.backward()
    return [loss, x.grad, functional.softmax(x, 0)]


def binary_cross_entropy(data, label):
    x = data.take(1)
    loss = functional.binary_cross_entropy_with_logits(x, torch.tensor([float(label)], dtype=torch.float64))
    loss.backward()
    return [loss, x.grad, torch.sigmoid(x)]


def adam(data, count, steps):
    x = data.take(count)
    optimiser = torch.optim.Adam([x], lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    for _ in range(steps):
        x.grad = data.take(count).detach()
        optimiser.step()
    return [x]


def main():
    data = numbers(sys.argv[2])
    answers = []
    for line in open(sys.argv[1]):
        kind, *integers = line.split()
        answers += globals()[kind](data, *map(int, integers))
    assert data.at == data.values.size
    numpy.concatenate([a.detach().numpy().ravel() for a in answers]).tofile(sys.argv[3])


if __name__ == "__main__":
    main()
