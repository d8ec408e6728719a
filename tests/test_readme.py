"""What the README shows runs, and its figures are those of the committed measurement."""

import ast
import json
import re
import tokenize
from pathlib import Path

import numpy as np

import rnnlib

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS = " ".join(TEXT.split())


def test_the_example_of_the_library_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    exec(compile(code, "README.md", "exec"), names)
    network = names["network"]
    assert names["logits"].shape == (20, 3, 1000)
    assert np.abs(network.grads["1.W_h"]).max() > 0
    np.testing.assert_array_equal(rnnlib.load("network.npz").params["1.W_h"], network.params["1.W_h"])


def test_every_layer_of_rnnlib_is_in_the_table():
    shown = set(re.findall(r"`(\w+)`", TEXT.partition("## The library")[2].partition("## Student")[0]))
    layers = {name for name in rnnlib.__all__ if isinstance(getattr(rnnlib, name), type)}
    assert layers - shown == {"Embedding"}  # in the example


def lines_of_code(path):
    """Lines with code on them: no blank line, comment or docstring."""
    lines, beside = set(), {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type not in beside:
                lines |= set(range(token.start[0], token.end[0] + 1)) if token.string else set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def test_a_line_of_code_is_one_with_code_on_it(tmp_path):
    (tmp_path / "some.py").write_text(
        '"""What it is.\n\nMore."""\n\nimport os  # why\n\n\ndef f(\n    a,\n):\n    """Too."""\n    # a comment\n'
        '    return """text\n\nof three lines"""\n'
    )
    assert lines_of_code(tmp_path / "some.py") == 1 + 3 + 3


def test_the_number_of_lines_is_that_of_the_library():
    files = [path for path in (ROOT / "rnnlib").rglob("*.py") if "checks" not in path.parts]
    core = [path for path in files if path.parent.name == "cells" or path.name == "bptt.py"]
    told = re.search(r"about ([\d,]+) lines of Python.*?the cells and the engine are ([\d,]+) of them", WORDS)
    for number, counted in zip(told.groups(), (files, core), strict=True):
        exact = sum(map(lines_of_code, counted))
        assert int(number.replace(",", "")) == round(exact, -2), exact


def test_the_figures_are_those_of_the_committed_measurement():
    results = json.loads((ROOT / "benchmarks" / "results" / "speed.json").read_text(encoding="utf-8"))
    one, every = results["tables"].values()

    def ratios(rows, name="rnnlib / torch"):
        return np.array([row[name] for row in rows])

    ours, numpy = ratios(one), ratios(one, "numpy / torch")
    assert f"{ours.min():.2f} to {ours.max():.2f} of PyTorch's CPU time over {len(one)} cases" in WORDS
    assert f"each, {np.median(ours):.2f} in the median" in WORDS
    assert f"in numpy {numpy.min():.2f} to {numpy.max():.2f}, {np.median(numpy):.2f} in the median" in WORDS
    assert f"at most {ratios(results['memory']).max():.2f} of its memory" in WORDS
    assert f"PyTorch is quicker in {(ratios(every) > 1).sum()} of them" in WORDS


def test_the_time_of_grading_is_that_of_the_committed_measurement():
    measured = json.loads((ROOT / "benchmarks" / "results" / "grading.json").read_text(encoding="utf-8"))
    ours = measured["ours"]
    assert f"A class of {ours['students']} takes {ours['seconds']:.0f} s for `{measured['assignment']}` on two" in WORDS
    assert measured["machine"]["cores"] == 2
    assert f"{measured['ratio']:.0f} times the throughput of stock nbgrader" in WORDS
