"""What an experiment found, on a page: the table, and a build that notices a result that is missing or old."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONF = """
import sys
sys.path[:0] = [{extensions!r}, {root!r}]
from experiments import harness
harness.RESULTS = harness.Path({results!r})
extensions = ["myst_parser", "findings"]
"""


def build(tmp_path, change=None):
    """The page's text, or what the strict build says against it."""
    from experiments.harness import digest, load

    experiment = load("embedded_reber")
    result = {
        "experiment": "embedded_reber", "source": "Somebody 1999", "published": {"certainty": "recalled"},
        "seconds": 126.0, "date": "2026-01-02", "machine": {"processor": "A chip", "Python": "3.11.9", "numpy": "2.0"},
        "settings": experiment.settings, "code": digest(experiment), "trials": {"a": [{}, {}], "b": [{}]},
        "findings": [
            {"claim": "it learns", "here": "97 % of $n$ nets", "agrees": True},
            {"claim": "it forgets", "here": "never", "agrees": False},
        ],
    }  # fmt: skip
    folder = tmp_path / "results"
    folder.mkdir()
    if change is not None:
        result |= change
        (folder / "embedded_reber.json").write_text(json.dumps(result))
    paths = {"extensions": str(ROOT / "book" / "_extensions"), "root": str(ROOT), "results": str(folder)}
    (tmp_path / "conf.py").write_text(CONF.format(**paths))
    (tmp_path / "index.md").write_text("# A page\n\n```{findings} embedded_reber\n```\n")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "text", tmp_path, tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        return done.stderr
    return (tmp_path / "out" / "index.txt").read_text(encoding="utf-8")


def test_the_table_has_each_claim_and_the_line_below_what_it_was_found_with(tmp_path):
    text = " ".join(build(tmp_path, {}).replace("|", " ").split())
    assert "it learns 97 % of $n$ nets yes" in text and "it forgets never no" in text
    assert "Somebody 1999; what the paper says is given as commonly cited, and was not checked." in text
    assert "Here: 3 runs on 2026-01-02, 2 minutes of one core (A chip, Python 3.11.9, numpy 2.0)." in text
    assert "python -m experiments.embedded_reber" in text


def test_runs_of_another_machine_are_counted(tmp_path):
    text = " ".join(build(tmp_path, {"trials": {"a": [{}, {"machine": {}}], "b": [{}]}}).split())
    assert "numpy 2.0; 1 of them on another)." in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "the experiment embedded_reber has no result: run `make experiments`"),
        ({"code": {"rnnlib/online.py": "0"}}, "is of other code or settings"),
        ({"settings": {}}, "is of other code or settings"),
    ],
)
def test_a_result_that_is_missing_or_old_fails_the_build(tmp_path, change, words):
    assert words in build(tmp_path, change)
