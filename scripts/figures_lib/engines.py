"""The engines: long-lived processes that answer one line with one line (benchmarks/peers/protocol.hpp)."""
import os
import select
import subprocess
import time


class EngineError(Exception):
    """The engine cannot do what it was asked, or died."""


class Engine:
    def __init__(self, name, command, log, environment=None):
        self.name = name
        self.log = log
        with open(log, "wb") as errors:
            self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, env={**os.environ, **(environment or {})})
        self.pid = self.process.pid
        self.pending = b""

    def ask(self, *words, patience=300.0):
        """The words after `ok` of the answer."""
        try:
            self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise EngineError(f"{self.name} has died; see {self.log}") from None
        verdict, *rest = self._line(patience).split()
        if verdict != "ok":
            raise EngineError(" ".join(rest))
        return rest

    def _line(self, patience):
        deadline = time.monotonic() + patience
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self.process.kill()
                raise EngineError(f"{self.name} did not answer within {patience:.0f} s")
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            if not piece:
                raise EngineError(f"{self.name} has died; see {self.log}")
            self.pending += piece
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode() if line.strip() else "error (an empty answer)"

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Contestant:
    """One setting of an engine, ready to be timed."""

    def __init__(self, engine, task, net="-", images="-", batch=1, threads=1, variant="default"):
        self.engine, self.variant = engine, variant
        self.name = engine.name if variant == "default" else f"{engine.name} {variant}"
        self.pid = engine.pid
        self.key = f"{task}-{net}-{images}-{batch}-{threads}-{variant}"
        work, inputs = engine.ask("setup", self.key, task, net, images, batch, threads, variant)
        self.work, self.inputs = float(work), int(inputs)

    def outputs(self):
        return [float(x) for x in self.engine.ask("outputs", self.key)]

    def time(self, calls, limit):
        return [float(t) for t in self.engine.ask("time", self.key, calls, f"{limit:.3f}")]

    def drop(self):
        self.engine.ask("drop", self.key)
