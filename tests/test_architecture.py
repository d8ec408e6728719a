"""Imports run one way, and a student's install stays small: what the tree of the packages promises."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: What each part may import of rnnlib; the order is the order of dependence.
CORE = ["validation", "activations", "losses", "cells", "bptt", "fast", "init", "layers", "recurrent", "network"]
CORE += ["imaginet", "storage", "gradcheck", "optim", "online", "training", "tasks"]
MAY_IMPORT = {
    "validation": set(),
    "activations": set(),
    "losses": {"validation", "activations"},
    "cells": {"validation", "activations"},
    "bptt": {"validation", "cells"},
    "fast": {"validation", "activations", "cells", "bptt"},
    "init": set(),
    "layers": {"validation", "activations", "bptt", "fast", "init"},
    "recurrent": {"cells", "layers"},
    "network": {"validation", "activations", "layers"},
    "imaginet": {"validation", "losses", "layers", "recurrent"},
    "storage": {"validation", "layers", "recurrent", "network", "imaginet"},
    "gradcheck": set(),
    "optim": {"validation"},
    "online": {"validation", "activations", "fast"},
    "tasks": {"validation"},
    "training": {"losses", "optim"},
    "torch_models": {"__init__"},
    "convert": {"validation", "layers", "recurrent", "network"},
    "plots": set(CORE),
    "checks": {*CORE, "torch_models"},
    "__init__": {*CORE, "checks"},
}


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


def imports(path):
    """The dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; say the full name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path):
    """The part of rnnlib that a file belongs to: its module or its folder."""
    inside = path.relative_to(ROOT / "rnnlib")
    return inside.parts[0].removesuffix(".py")


def test_every_part_of_rnnlib_is_in_the_table():
    assert {part_of(path) for path in modules("rnnlib")} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", modules("rnnlib"), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    part = part_of(path)
    imported = {name.split(".")[1] for name in imports(path) if name.startswith("rnnlib.")}
    if part in ("checks", "__init__"):
        imported -= {"RNN", "LSTM", "GRU", "Dense", "Network"}  # the public face, defined in layers
    assert imported <= MAY_IMPORT[part] | {part}


@pytest.mark.parametrize("path", modules("rnnlib"), ids=lambda path: str(path.relative_to(ROOT)))
def test_rnnlib_knows_only_what_a_student_has(path):
    roots = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names)
    allowed = {"rnnlib", "numpy"}
    allowed |= {"training": {"tqdm"}, "torch_models": {"torch"}, "plots": {"matplotlib", "cycler"}}.get(
        part_of(path), set()
    )
    allowed |= {path.stem} & {"torch", "keras", "onnx"} if part_of(path) == "convert" else set()
    if part_of(path) == "checks":
        # To show a report in a notebook, and to compare a gradient with autograd, where they are there.
        allowed |= {"report": {"IPython"}, "in_torch": {"torch"}}.get(path.stem, set())
    assert roots <= allowed


def test_of_packages_and_figures_only_rnngrader_knows_nbgrader():
    """Other tests and the root's nbgrader_config.py may; pages are built where nbgrader need not be."""
    know = {
        path.relative_to(ROOT).parts[0]
        for package in ("rnnlib", "rnngrader", "book", "benchmarks", "experiments")
        for path in modules(package)
        if any(name.split(".")[0] == "nbgrader" for name in imports(path))
    }
    assert know == {"rnngrader"}


@pytest.mark.parametrize("package", ["rnnlib", "rnngrader"])
def test_nothing_imports_what_stands_on_top(package):
    for path in modules(package):
        roots = {name.split(".")[0] for name in imports(path)}
        assert roots.isdisjoint({"tests", "benchmarks", "experiments", "book"}), path


def run_python(code, tmp_path):
    """Run code in a new process in an empty folder; what it prints."""
    script = textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_numpy_and_tqdm_are_enough_to_train_and_to_check(tmp_path):
    out = run_python(
        """
        import sys

        class Refuse:
            def find_spec(self, name, path=None, target=None):
                root = name.split(".")[0]
                ours = root in ("numpy", "tqdm", "rnnlib") or root.startswith(("__editable__", "_sysconfigdata"))
                if ours or root in sys.stdlib_module_names:
                    return None
                raise ModuleNotFoundError(f"refused: {name}", name=name)

        sys.meta_path.insert(0, Refuse())
        import numpy as np
        import rnnlib
        from rnnlib.optim import Adam
        from rnnlib.tasks.text import CharText
        from rnnlib.training import fit

        rng = np.random.default_rng(0)
        data = CharText("abac" * 20)
        network = rnnlib.Network([rnnlib.RNN(3, 8, rng=rng), rnnlib.Dense(8, 3, rng=rng)])
        losses = fit(network, data.batches(4, 2), Adam(network.params, 0.01), steps=20, progress=False)
        assert losses[-1] < losses[0]

        def softmax(logits):
            e = np.exp(logits - logits.max(axis=-1, keepdims=True))
            return e / e.sum(axis=-1, keepdims=True)

        assert rnnlib.check(softmax) > 0
        print("trained and checked without", sorted({"torch", "matplotlib", "IPython"} - set(sys.modules)))
        """,
        tmp_path,
    )
    assert "trained and checked without ['IPython', 'matplotlib', 'torch']" in out


def test_importing_rnnlib_is_quick_and_draws_in_nothing_large(tmp_path):
    out = run_python(
        """
        import sys, rnnlib
        print([m for m in ("torch", "keras", "onnx", "matplotlib", "IPython") if m in sys.modules])
        """,
        tmp_path,
    )
    assert out.strip() == "[]"
