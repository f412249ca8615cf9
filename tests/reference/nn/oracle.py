#!/usr/bin/python3
"""PyTorch's answer for one network of the event paper, in float64: oracle.py MODEL IN.safetensors OUT.safetensors

IN holds the parameters under their state-dict names, the input planes as input.0, input.1, ... and the gradient of some
loss with respect to the logits as logit_gradient; OUT receives logits and the gradient of every parameter.
"""
import json
import sys

import numpy as np
import torch
from torch import nn


def read(path):
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        header = json.loads(f.read(size))
        blob = f.read()
    kinds = {"F32": np.float32, "F64": np.float64}
    return {
        name: np.frombuffer(blob[t["data_offsets"][0]:t["data_offsets"][1]], dtype=kinds[t["dtype"]]).reshape(t["shape"])
        for name, t in header.items()
        if name != "__metadata__"
    }


def write(path, tensors):
    header, at = {}, 0
    for name, t in tensors.items():
        header[name] = {"dtype": "F64", "shape": list(t.shape), "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little"))
        f.write(text)
        for t in tensors.values():
            f.write(np.ascontiguousarray(t).tobytes())


class Block(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.stride = b // a
        self.conv1 = nn.Conv2d(a, b, 3, stride=self.stride, padding=1)
        self.conv2 = nn.Conv2d(b, b, 3, padding=1)
        self.shortcut = nn.Conv2d(a, b, 1, stride=self.stride)

    def forward(self, x):
        y = self.conv2(torch.relu(self.conv1(x)))
        return torch.relu(y + (self.shortcut(x) if self.stride > 1 else x))


class Trunk(nn.Module):
    def __init__(self, channels, blocks=3, average=False):
        super().__init__()
        self.average = average
        self.conv0 = nn.Conv2d(channels, 16, 7, stride=2, padding=1)
        self.layer1 = nn.Sequential(*[Block(16, 16) for _ in range(blocks)])
        self.layer2 = nn.Sequential(Block(16, 32))
        self.layer3 = nn.Sequential(*[Block(32, 32) for _ in range(blocks)])

    def forward(self, x):
        x = torch.relu(self.conv0(x))
        x = nn.functional.avg_pool2d(x, 2) if self.average else nn.functional.max_pool2d(x, 2)
        x = self.layer3(self.layer2(self.layer1(x)))
        return torch.mean(x, dim=(2, 3)) if self.average else torch.amax(x, dim=(2, 3))


class Single(Trunk):
    def __init__(self, channels, **trunk):
        super().__init__(channels, **trunk)
        self.fc = nn.Linear(32, 3)

    def forward(self, x):
        return self.fc(super().forward(x))


def fully_connected(*widths):
    parts = []
    for a, b in zip(widths, widths[1:]):
        parts += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


class WithHead(Trunk):
    def __init__(self, channels):
        super().__init__(channels)
        self.fcn = fully_connected(32, 128, 128, 3)

    def forward(self, x):
        return self.fcn(super().forward(x))


class Three(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.barrel, self.endcap_minus, self.endcap_plus = Trunk(channels), Trunk(channels), Trunk(channels)
        self.fcn = fully_connected(96, 128, 128, 3)

    def forward(self, a, b, c):
        return self.fcn(torch.cat([self.barrel(a), self.endcap_minus(b), self.endcap_plus(c)], dim=1))


class FourMomentum(nn.Module):
    def __init__(self, outputs, inputs=5):
        super().__init__()
        self.fcn = fully_connected(inputs, 128, 128, 128, 128, outputs)

    def forward(self, x):
        return self.fcn(x)


class ShowerCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv0, self.conv2 = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.conv5, self.conv7 = nn.Conv2d(16, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1)
        self.dense10, self.dense13, self.fc = nn.Linear(2048, 256), nn.Linear(256, 128), nn.Linear(128, 2)

    def forward(self, x):
        for a, b in ((self.conv0, self.conv2), (self.conv5, self.conv7)):
            x = nn.functional.max_pool2d(torch.relu(b(torch.relu(a(x)))), 2)
        return self.fc(torch.relu(self.dense13(torch.relu(self.dense10(x.flatten(1))))))


class ShowerFcn(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense0, self.dense2, self.dense4 = nn.Linear(1024, 256), nn.Linear(256, 128), nn.Linear(128, 64)
        self.fc = nn.Linear(64, 2)

    def forward(self, x):
        x = x.flatten(1)
        for layer in (self.dense0, self.dense2, self.dense4):
            x = torch.relu(layer(x))
        return self.fc(x)


class ShowerConvLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_lstm0 = nn.Conv2d(1 + 8, 4 * 8, 3, padding=1)  # of the sample and what the cells showed
        self.dense2, self.fc = nn.Linear(8 * 16 * 16, 128), nn.Linear(128, 2)

    def forward(self, x):
        hidden = cell = torch.zeros(x.shape[0], 8, 32, 32, dtype=x.dtype)
        for sample in x.split(1, dim=1):
            i, f, g, o = self.conv_lstm0(torch.cat([sample, hidden], dim=1)).chunk(4, dim=1)
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
            hidden = torch.sigmoid(o) * torch.tanh(cell)
        return self.fc(torch.relu(self.dense2(nn.functional.max_pool2d(hidden, 2).flatten(1))))


MODELS = {
    "shower-cnn": ShowerCnn, "shower-fcn": ShowerFcn, "shower-conv-lstm": ShowerConvLstm,
    "eb": lambda: Single(1), "cms-b": lambda: Single(3), "cms-ii": lambda: Single(3), "ecal": lambda: Three(1),
    "cms-i": lambda: Three(3), "four-momentum": lambda: FourMomentum(1), "four-momentum-3": lambda: FourMomentum(3),
    "reference": lambda: FourMomentum(3, 13), "eb-deeper": lambda: Single(1, blocks=5),
    "eb-average-pooling": lambda: Single(1, average=True), "eb-fcn-head": lambda: WithHead(1),
}


def main():
    name, source, target = sys.argv[1:]
    tensors = read(source)
    net = MODELS[name]().double()
    net.load_state_dict({k: torch.tensor(v.astype(np.float64)) for k, v in tensors.items()
                         if not k.startswith("input.") and k != "logit_gradient"})
    planes = [torch.tensor(tensors[f"input.{i}"].astype(np.float64))[None] for i in range(len(tensors))
              if f"input.{i}" in tensors]
    logits = net(*planes)
    (logits * torch.tensor(tensors["logit_gradient"].astype(np.float64))).sum().backward()
    out = {"logits": logits.detach().numpy()[0]}
    for k, p in net.named_parameters():
        out["gradient." + k] = np.zeros(p.shape) if p.grad is None else p.grad.numpy()
    write(target, out)


main()
