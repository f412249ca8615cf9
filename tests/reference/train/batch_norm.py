"""The oracle of batch_norm.cpp: `batch_norm.py FILE` prints `set name value`.

PyTorch in double trains the test's network with batch normalisation: loss and gradients of the first batch, then, after all
batches, the numbers that were trained, running means and variances, and the scores of the first batch in inference. FILE has
one word and numbers per line: parameter X, in the order of the network's list; event LABEL WEIGHT PIXELS..., `batch` behind
the events of each.
"""
import sys

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class Normalised(torch.nn.Module):
    def __init__(self, channels, filters, kernel, stride, padding):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, filters, kernel, stride, padding, bias=False)
        self.norm = torch.nn.BatchNorm2d(filters)

    def forward(self, x):
        return self.norm(self.conv(x))


class Net(torch.nn.Module):
    """The convolutions in the order of the network's list of parameters."""

    def __init__(self):
        super().__init__()
        self.first = Normalised(1, 4, 5, 1, 2)
        self.alike = torch.nn.ModuleList([Normalised(4, 4, 3, 1, 1), Normalised(4, 4, 3, 1, 1)])
        self.strided = torch.nn.ModuleList([Normalised(4, 6, 3, 2, 1), Normalised(6, 6, 3, 1, 1), Normalised(4, 6, 1, 2, 0)])
        self.last = torch.nn.Linear(6, 3)

    def convolutions(self):
        return [self.first, *self.alike, *self.strided]

    def steps(self):
        """In the order in which the network computes them: a projection comes before the convolution it is added to."""
        first, *rest = self.convolutions()
        return [first, rest[0], rest[1], rest[2], rest[4], rest[3]]

    def trained(self):
        """As the trainer lists them: parameters, scales."""
        numbers = []
        for c in self.convolutions():
            numbers += [c.conv.weight, c.norm.bias]
        return [*numbers, self.last.weight, self.last.bias, *(c.norm.weight for c in self.steps())]

    def forward(self, x):
        x = torch.nn.functional.max_pool2d(torch.relu(self.first(x)), 2)
        x = torch.relu(self.alike[1](torch.relu(self.alike[0](x))) + x)
        inner = torch.relu(self.strided[0](x))
        x = torch.relu(self.strided[1](inner) + self.strided[2](x))
        return self.last(x.amax((2, 3)))


def main(path):
    parameters, batches, events = [], [], []
    for line in open(path):
        word, *numbers = line.split()
        if word == "parameter":
            parameters.append(float(numbers[0]))
        elif word == "event":
            events.append([float(n) for n in numbers])
        else:
            batches.append(torch.tensor(events))
            events = []
    net = Net()
    rest = torch.tensor(parameters)
    with torch.no_grad():
        for p in net.trained()[:-len(net.steps())]:
            p.copy_(rest[:p.numel()].reshape(p.shape))
            rest = rest[p.numel():]
    assert not len(rest)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-4)
    for n, batch in enumerate(batches):
        label, weight, images = batch[:, 0].long(), batch[:, 1], batch[:, 2:].reshape(-1, 1, 14, 12)
        optimiser.zero_grad()
        entropy = torch.nn.functional.cross_entropy(net(images), label, reduction="none")
        loss = (weight * entropy).sum() / weight.sum()
        loss.backward()
        print(n, "loss", loss.item())
        if n == 0:
            for i, slope in enumerate(torch.cat([p.grad.reshape(-1) for p in net.trained()])):
                print(0, f"gradient{i}", slope.item())
        optimiser.step()
    kept = [*net.trained(), *(c.norm.running_mean for c in net.steps()), *(c.norm.running_var for c in net.steps())]
    for i, x in enumerate(torch.cat([p.detach().reshape(-1) for p in kept])):
        print(0, f"trained{i}", x.item())
    net.eval()
    scores = torch.softmax(net(batches[0][:, 2:].reshape(-1, 1, 14, 12)), 1)
    for i, score in enumerate(scores.detach().reshape(-1)):
        print(0, f"score{i}", score.item())


main(sys.argv[1])
