#!/usr/bin/env python3
"""A peer with a Python interface, as one of the engines that scripts/figures measures.

    worker.py ENGINE FOLDER     ENGINE is onnxruntime, openvino or torch; answers the requests of protocol.hpp
    worker.py ENGINE --version
"""
import os
import sys
import time

import numpy as np

import network


class Contestant:
    """One image a call from the set, or the set's first `batch` images."""
    work = 0

    def __init__(self, folder, request):
        self.images = network.images(folder, request["net"], request["images"])
        self.batch = request["batch"]
        if len(self.images) < self.batch:
            raise RuntimeError("not as many images")
        self.here = self.images[:self.batch].copy()

    @property
    def inputs(self):
        return len(self.images) if self.batch == 1 else 1

    def load(self, i):
        if self.batch == 1:
            np.copyto(self.here[0], self.images[i])

    def run(self):
        raise NotImplementedError

    def logits(self):
        raise NotImplementedError

    def outputs(self):
        numbers = []
        for i in range(self.inputs):
            self.load(i)
            self.run()
            numbers += np.asarray(self.logits(), np.float32).ravel().tolist()
        return numbers


class OnnxRuntime(Contestant):
    def __init__(self, folder, request):
        import onnxruntime
        super().__init__(folder, request)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = request["threads"]
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(network.onnx_model(folder, request["net"], self.batch), options,
                                                    providers=["CPUExecutionProvider"])
        self.result = np.zeros((self.batch, 3), np.float32)
        self.binding = self.session.io_binding()
        self.binding.bind_cpu_input("image", self.here)
        self.binding.bind_output("logits", "cpu", 0, np.float32, self.result.shape, self.result.ctypes.data)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def logits(self):
        return self.result


class OpenVino(Contestant):
    def __init__(self, folder, request):
        import openvino
        super().__init__(folder, request)
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(network.onnx_model(folder, request["net"], self.batch)), "CPU", {
            "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": request["threads"], "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False})
        self.request = compiled.create_infer_request()
        self.request.set_input_tensor(openvino.Tensor(self.here, shared_memory=True))

    def run(self):
        self.request.infer()

    def logits(self):
        return self.request.get_output_tensor().data


def compiled(net):
    """torch.compile keeps what it made with a function's code, so each network gets a function of its own."""
    import torch
    names = {"net": net}
    exec("def call(x):\n    return net(x)", names)
    return torch.compile(names["call"], dynamic=False)


class Torch(Contestant):
    """Variants: eager or compiled, `-cl` with channels last; `frozen`: TorchScript, frozen and optimised for inference."""

    def __init__(self, folder, request):
        import torch
        super().__init__(folder, request)
        self.torch = torch
        torch.set_num_threads(request["threads"])
        self.threads = request["threads"]
        how, _, layout = request["variant"].partition("-")
        layout = torch.channels_last if layout == "cl" else torch.contiguous_format
        net = network.torch_module(folder, request["net"]).eval().to(memory_format=layout)
        self.x = torch.from_numpy(self.here).contiguous(memory_format=layout)
        with torch.inference_mode():
            if how == "compiled":
                torch._inductor.config.freezing = True
                self.net = compiled(net)
            elif how == "frozen":
                self.net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, self.x)))
            else:
                self.net = net
            for _ in range(3):
                self.run()

    def load(self, i):
        if self.batch == 1:
            self.x.copy_(self.torch.from_numpy(self.images[i:i + 1]))

    def run(self):
        self.torch.set_num_threads(self.threads)
        with self.torch.inference_mode():
            self.y = self.net(self.x)

    def logits(self):
        return self.y.numpy()


class TorchTraining(Contestant):
    """Forward, cross-entropy, backward, Adam on one batch; variants as for Torch."""

    def __init__(self, folder, request):
        import torch
        super().__init__(folder, request)
        self.torch = torch
        self.threads = request["threads"]
        torch.set_num_threads(self.threads)
        how, _, layout = request["variant"].partition("-")
        layout = torch.channels_last if layout == "cl" else torch.contiguous_format
        net = network.torch_module(folder, request["net"]).train().to(memory_format=layout)
        self.x = torch.from_numpy(self.here).contiguous(memory_format=layout)
        self.labels = torch.arange(self.batch) % 3
        fused = {"fused": True} if int(torch.__version__.split(".")[0]) >= 2 else {}
        self.optimiser = torch.optim.Adam(net.parameters(), lr=5e-4, **fused)
        self.net = net
        if how == "compiled":
            torch._inductor.config.freezing = False
            self.net = compiled(net)

    @property
    def inputs(self):
        return 1

    def load(self, i):
        pass

    def run(self):
        self.torch.set_num_threads(self.threads)
        self.optimiser.zero_grad(set_to_none=True)
        self.loss = self.torch.nn.functional.cross_entropy(self.net(self.x), self.labels)
        self.loss.backward()
        self.optimiser.step()

    def outputs(self):
        losses = []
        for _ in range(4):
            self.run()
            losses.append(self.loss.item())
        return losses


ENGINES = {"onnxruntime": {"infer": OnnxRuntime}, "openvino": {"infer": OpenVino},
           "torch": {"infer": Torch, "train": TorchTraining}}


def answer(known, engine, folder, line):
    verb, name, *rest = line.split()
    if verb == "setup":
        task, net, images, batch, threads, variant = rest
        known.pop(name, None)
        kind = ENGINES[engine].get(task)
        if kind is None:
            raise RuntimeError(f"no task is called {task}")
        known[name] = kind(folder, {"net": net, "images": images, "batch": int(batch), "threads": int(threads),
                                    "variant": variant})
        return f"ok {known[name].work} {known[name].inputs}"
    contestant = known[name]
    if verb == "outputs":
        return " ".join(["ok", *(repr(x) for x in contestant.outputs())])
    if verb == "time":
        calls, limit = int(rest[0]), float(rest[1])
        load, run, clock, inputs = contestant.load, contestant.run, time.perf_counter, contestant.inputs
        times, start = [], clock()
        for i in range(calls):
            load(i % inputs)
            before = clock()
            run()
            after = clock()
            times.append(after - before)
            if after - start > limit:
                break
        return " ".join(["ok", *(f"{t:.9g}" for t in times)])
    if verb == "drop":
        del known[name]
        return "ok"
    raise RuntimeError(f"no such request: {verb}")


def main():
    engine, folder = sys.argv[1:]
    if folder == "--version":
        print(__import__(engine).__version__)
        return
    # Answers alone go to what was standard output; libraries that print there write to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    known = {}
    for line in sys.stdin:
        try:
            text = answer(known, engine, folder, line)
        except Exception as failed:  # whatever a library throws is its answer
            text = "error " + " ".join(f"{type(failed).__name__}: {failed}".split())[:500]
        print(text, file=answers, flush=True)


main()
