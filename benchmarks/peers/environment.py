#!/usr/bin/env python3
"""Makes the Python environment of the peers: a virtual environment with ONNX Runtime, OpenVINO, onnx and PyTorch 2 from PyPI.

    environment.py FOLDER       what is there already is kept; prints {"python": ..., "missing": {package: reason}} as JSON

PyPI's PyTorch for x86-64 Linux is linked against several gigabytes of CUDA, of which a process without a GPU calls
nothing but the runtime's registration of kernels. So the CUDA runtime (55 MB) is installed, and the other libraries are
replaced by ones of the same names whose functions trap.
"""
import json
import pathlib
import re
import subprocess
import sys

PACKAGES = {"onnxruntime": ["onnxruntime"], "openvino": ["openvino"], "onnx": ["onnx"]}
TORCH = ["torch"]
TORCH_NEEDS = ["typing_extensions", "sympy", "networkx", "jinja2", "fsspec", "filelock", "setuptools>=77", "packaging"]
STUBS = "cuda_without_functions"


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def works(python, module):
    return subprocess.run([str(python), "-c", f"import {module}"], capture_output=True).returncode == 0


def undefined_symbols(libraries):
    """[(symbol, its version or "")] that the libraries take from others."""
    pairs = set()
    for library in libraries:
        for line in run("nm", "-D", "--undefined-only", "--with-symbol-versions", library).splitlines():
            name, _, version = line.split()[-1].partition("@")
            pairs.add((name, version.lstrip("@")))
    return sorted(pairs)


def needed(library):
    """{library name: its symbol versions} that the dynamic section of a library asks for."""
    names = {name: set() for name in re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", library))}
    current = None
    for line in run("readelf", "-VW", library).splitlines():
        if found := re.search(r"File: (\S+)", line):
            current = names.setdefault(found[1], set())
        elif found := re.search(r"Name: (\S+)", line):
            if current is not None and "Flags" in line:
                current.add(found[1])
    return names


def write_stubs(folder, torch_libraries, present):
    """Libraries that satisfy the loader for every CUDA library that is not in `present`."""
    folder.mkdir(exist_ok=True)
    wanted = {}
    for library in torch_libraries:
        for name, versions in needed(library).items():
            if re.match(r"lib(cu|nv|nccl)", name) and name not in present:
                wanted.setdefault(name, set()).update(versions)
    symbols = undefined_symbols(torch_libraries)
    loose = [s for s, v in symbols if not v and re.match(r"(cu(blas|dnn|fft|sparse|solver|File)|nccl|nvrtc|nvshmem|nvml)", s)]
    for position, (name, versions) in enumerate(sorted(wanted.items())):
        nodes = {v: [s for s, w in symbols if w == v] for v in versions}
        own = sorted({s for ss in nodes.values() for s in ss} | set(loose if position == 0 else ()))
        assembly = folder / f"{name}.s"
        assembly.write_text(".text\n" + "".join(f".globl {s}\n{s}:\n" for s in own)
                            + " ud2\n.section .note.GNU-stack,\"\",@progbits\n")
        script = folder / f"{name}.map"
        script.write_text("".join(f"{v} {{ global: {' '.join(s + ';' for s in ss)} }};\n" for v, ss in sorted(nodes.items())))
        version_script = [f"-Wl,--version-script={script}"] if nodes else []
        run("cc", "-shared", "-nostdlib", "-o", folder / name, assembly, f"-Wl,-soname,{name}", *version_script)
        assembly.unlink()
        script.unlink()


def install_torch(python, site):
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, *TORCH_NEEDS)
    run(*pip, "--no-deps", *TORCH)
    libraries = sorted((site / "torch/lib").glob("libtorch*.so")) + sorted((site / "torch/lib").glob("libc10*.so"))
    if any("libcudart" in name for library in libraries for name in needed(library)):
        metadata = next(site.glob("torch-*.dist-info")) / "METADATA"
        release = re.search(r"cuda-toolkit\[.*\]==(\d+\.\d+)", metadata.read_text())
        if not release:
            raise RuntimeError("this PyTorch wants a CUDA of a form unknown here")
        run(*pip, "--no-deps", f"nvidia-cuda-runtime=={release[1]}.*", f"nvidia-cuda-cupti=={release[1]}.*")
        present = {p.name for p in (site / "nvidia").rglob("lib*.so*")}
        write_stubs(site / STUBS, libraries, present)


def library_path(site):
    """What LD_LIBRARY_PATH must hold for `import torch`."""
    folders = {str(p.parent) for p in site.glob("nvidia/**/libcudart.so*")}
    return ":".join([str(site / STUBS), *sorted(folders)])


def make(folder):
    python = folder / "bin/python"
    missing = {}
    if not python.exists():
        run("/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists() else sys.executable, "-m", "venv", folder)
    site = next((folder / "lib").glob("python3*/site-packages"))
    for name, packages in PACKAGES.items():
        if not works(python, name):
            try:
                run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
            except subprocess.CalledProcessError as failed:
                missing[name] = failed.stderr.strip().splitlines()[-1] if failed.stderr.strip() else "pip failed"
    path = lambda: {"LD_LIBRARY_PATH": library_path(site)}
    torch_works = lambda: subprocess.run([str(python), "-c", "import torch"], capture_output=True, text=True, env=path())
    if torch_works().returncode != 0:
        try:
            install_torch(python, site)
        except (subprocess.CalledProcessError, RuntimeError, StopIteration) as failed:
            missing["torch"] = (getattr(failed, "stderr", None) or str(failed) or "no wheel").strip().splitlines()[-1]
        else:
            outcome = torch_works()
            if outcome.returncode != 0:
                missing["torch"] = outcome.stderr.strip().splitlines()[-1]
    return {"python": str(python), "environment": path(), "missing": missing}


if __name__ == "__main__":
    print(json.dumps(make(pathlib.Path(sys.argv[1]).absolute())))
