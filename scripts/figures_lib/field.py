"""Who takes part in the study `cpu`: starts the engines that can be had here, and says why the others cannot."""
import json
import os
import subprocess
import sys

from . import common
from .common import DATA, ROOT, say
from .engines import Engine

PEERS = ROOT / "benchmarks/peers"
FOLDER = ROOT / "build/peers"  # weights and images for all engines, their messages, the record of the last run
VENV = ROOT / "build/peers-venv"
OURS = "calotype"


class Field:
    """The engines, {name: Engine}; versions; {name: why it is missing}."""

    def __init__(self):
        self.engines, self.missing, self.versions = {}, {}, {}

    def add(self, name, command, environment=None, version=""):
        self.engines[name] = Engine(name, command, FOLDER / f"{name.replace(' ', '-')}.log", environment)
        self.versions[name] = version

    def close(self):
        for engine in self.engines.values():
            engine.close()

    def describe_missing(self):
        return "; ".join(f"{name} ({why})" for name, why in sorted(self.missing.items()))


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1][:200] if lines else "no message"


def add_ours(field):
    common.build("peers_calotype")
    program = common.find_program("peers_calotype")
    environment = {"CALOTYPE_DATA": str(DATA)}
    FOLDER.mkdir(parents=True, exist_ok=True)
    common.run(program, "--prepare", FOLDER, env={**os.environ, **environment})
    field.add(OURS, [program, FOLDER], environment)


def add_onednn(field):
    try:
        common.build("peers_onednn")
    except subprocess.CalledProcessError:
        field.missing["oneDNN"] = "not built: oneDNN 2 was not found (Debian: libdnnl-dev)"
        return
    try:
        version = common.run("dpkg-query", "-W", "-f", "${Version}", "libdnnl-dev")
    except (subprocess.CalledProcessError, OSError):
        version = "2"
    field.add("oneDNN", [common.find_program("peers_onednn"), FOLDER], version=version)


def add_python_peer(field, name, module, python, environment):
    command = [python, PEERS / "worker.py", module]
    # The compiler of PyTorch would keep processes of its own.
    environment = {**environment, "TORCHINDUCTOR_CACHE_DIR": str(FOLDER / "inductor"), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    try:
        version = common.run(*command, "--version", env={**os.environ, **environment}).strip()
    except (subprocess.CalledProcessError, OSError) as failed:
        field.missing[name] = last_line(getattr(failed, "stderr", None) or str(failed))
        return
    field.add(name, [*command, FOLDER], environment, version)


def add_peers_of_pypi(field):
    say("looking for the peers of PyPI (build/peers-venv) ...")
    names = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "torch": "PyTorch"}
    try:
        made = json.loads(common.run(sys.executable, PEERS / "environment.py", VENV))
    except subprocess.CalledProcessError as failed:
        field.missing.update(dict.fromkeys(names.values(), last_line(failed.stderr)))
        return
    for module, name in names.items():
        # The ONNX model is built by the package onnx.
        lacking = [m for m in ([module] if module == "torch" else [module, "onnx"]) if m in made["missing"]]
        if lacking:
            field.missing[name] = made["missing"][lacking[0]]
        else:
            add_python_peer(field, name, module, made["python"], made["environment"])


def open_field():
    field = Field()
    add_ours(field)
    add_onednn(field)
    add_peers_of_pypi(field)
    add_python_peer(field, "PyTorch of Debian", "torch", "/usr/bin/python3", {})
    return field
