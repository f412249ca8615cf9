#!/usr/bin/env python3
"""PyTorch on a GPU, as fast as we know how: the networks of scripts/figures gpu with cuDNN's fused convolutions.

    torch_gpu.py [--budget SECONDS]     a line of JSON for every setting that worked; its outputs are checked before

Settings: fp32, tf32, fp16, bf16; channels first and last; input channels as they are and padded to eight; convolutions with
separate and with fused bias, ReLU and shortcut; batches of 1024 and 4096, and one image as a replayed CUDA graph.
"""
import argparse
import itertools
import json
import sys
import time

import torch
import torch.nn.functional as F

NETWORKS = {"eb": (1, 170, 360), "cms-b": (3, 170, 360), "cms-ii": (3, 280, 360), "jets": (3, 125, 125)}
PRECISIONS = {"fp32": torch.float32, "tf32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
# Largest deviation of the outputs from plain fp32, in units of the largest.
LIMITS = {"fp32": 1e-4, "tf32": 1e-2, "fp16": 2e-2, "bf16": 1e-1}
BLOCKS = [(16, 16)] * 3 + [(16, 32)] + [(32, 32)] * 3
FILLED = 0.04


def parameters(channels, device):
    torch.manual_seed(1)

    def convolution(ins, outs, width):
        bound = (ins * width * width) ** -0.5
        return (torch.empty(outs, ins, width, width, device=device).uniform_(-bound, bound),
                torch.empty(outs, device=device).uniform_(-bound, bound))

    p = {"conv0": convolution(channels, 16, 7)}
    for i, (ins, outs) in enumerate(BLOCKS):
        p[f"{i}.conv1"], p[f"{i}.conv2"] = convolution(ins, outs, 3), convolution(outs, outs, 3)
        if ins != outs:
            p[f"{i}.shortcut"] = convolution(ins, outs, 1)
    p["dense"] = (torch.empty(3, 32, device=device).uniform_(-0.17, 0.17), torch.zeros(3, device=device))
    return p


def plain_relu(x, weight, bias, stride, padding):
    return F.relu(F.conv2d(x, weight, bias, stride=stride, padding=padding))


def plain_add_relu(x, weight, bias, shortcut):
    return F.relu(F.conv2d(x, weight, bias, padding=1) + shortcut)


def fused_relu(x, weight, bias, stride, padding):
    return torch.ops.aten.cudnn_convolution_relu(x, weight, bias, [stride] * 2, [padding] * 2, [1, 1], 1)


def fused_add_relu(x, weight, bias, shortcut):
    return torch.ops.aten.cudnn_convolution_add_relu(x, weight, shortcut, 1.0, bias, [1, 1], [1, 1], [1, 1], 1)


def network(p, x, conv_relu, conv_add_relu):
    x = F.max_pool2d(conv_relu(x, *p["conv0"], 2, 1), 2)
    for i, (ins, outs) in enumerate(BLOCKS):
        stride = 1 if ins == outs else 2
        shortcut = x if ins == outs else F.conv2d(x, *p[f"{i}.shortcut"], stride=2)
        x = conv_add_relu(conv_relu(x, *p[f"{i}.conv1"], stride, 1), *p[f"{i}.conv2"], shortcut)
    return F.linear(torch.amax(x, (2, 3)).float(), *p["dense"])


def prepared(p, kind, layout, padded):
    """Parameters of a setting; the last layer stays in fp32."""
    ready = {}
    for name, (weight, bias) in p.items():
        if name == "conv0":
            weight = F.pad(weight, (0, 0, 0, 0, 0, padded - weight.shape[1]))
        ready[name] = (weight, bias) if name == "dense" else (weight.to(kind).contiguous(memory_format=layout), bias.to(kind))
    return ready


def milliseconds(call, budget):
    """Mean of a call on the device, of as many as fit into the budget."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    for _ in range(3):
        call()
    calls = 1
    while True:
        begin.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        spent = begin.elapsed_time(end)
        if spent > 1e3 * budget / 2 or calls > 100_000:
            return spent / calls
        calls *= 2


def measure(name, shape, precision, layout, padded, fused, batch, budget, device):
    channels, rows, cols = shape
    kind = PRECISIONS[precision]
    reference = parameters(channels, device)
    torch.manual_seed(2)
    images = torch.rand(batch, channels, rows, cols, device=device)
    images *= torch.rand_like(images) < FILLED
    p = prepared(reference, kind, layout, padded)
    x = F.pad(images, (0, 0, 0, 0, 0, padded - channels)).to(kind).contiguous(memory_format=layout)
    functions = (fused_relu, fused_add_relu) if fused else (plain_relu, plain_add_relu)
    with torch.inference_mode():
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        expected = network(reference, images[:8], plain_relu, plain_add_relu)
        del images
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        off = ((network(p, x[:8], *functions) - expected).abs().max() / expected.abs().max()).item()
        if not off < LIMITS[precision]:
            return None
        result = {"network": name, "precision": precision, "channels_last": layout == torch.channels_last, "padded": padded,
                  "fused": fused, "batch": batch, "off": off}
        if batch > 1:
            return result | {"events_per_second": 1e3 * batch / milliseconds(lambda: network(p, x, *functions), budget)}
        for _ in range(5):
            network(p, x, *functions)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            network(p, x, *functions)
        return result | {"one_event_us": 1e3 * milliseconds(graph.replay, budget)}


def settings():
    """The most promising first, should the time run out."""
    layouts = (torch.channels_last, torch.contiguous_format)
    for fused, layout, padding in itertools.product((True, False), layouts, (True, False)):
        for batch, name, precision in itertools.product((1024, 1, 4096), NETWORKS, PRECISIONS):
            if precision in ("fp16", "bf16") and layout == torch.contiguous_format:
                continue  # cuDNN would turn them round
            yield name, precision, layout, padding, fused, batch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=240, metavar="SECONDS")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("torch_gpu.py: this PyTorch finds no GPU")
    torch.backends.cudnn.benchmark = True
    begun = time.monotonic()
    for name, precision, layout, padding, fused, batch in settings():
        if time.monotonic() - begun > options.budget:
            break
        try:
            padded = 8 if padding else NETWORKS[name][0]
            found = measure(name, NETWORKS[name], precision, layout, padded, fused, batch, 0.3, "cuda")
        except RuntimeError:  # a combination that cuDNN does not have, or too little memory
            found = None
        torch.cuda.empty_cache()
        if found:
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
