"""The benchmark of grading: its class, its measuring, its arithmetic, its page, and one real run of both sides."""

import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from benchmarks import grading, usage
from rnngrader.submission import is_answer
from rnnlib.checks import battery
from rnnlib.checks.exercises import named


def test_every_twenty_students_hand_in_the_same_mix_and_a_smaller_class_is_the_first_of_a_larger():
    everyone = grading.make_class(40)
    kinds = [kind for kind, _ in everyone.values()]
    counts = {"right": 8, "mistaken": 8, "slow": 1, "broken": 1, "untouched": 1}
    counts["right"] += 1
    for twenty in (kinds[:20], kinds[20:]):
        assert {kind: twenty.count(kind) for kind in twenty} == counts
    assert dict(list(everyone.items())[:4]) == grading.make_class(4)
    assert len({text for kind, text in everyone.values() if kind != "untouched"}) == 38  # no two are the same
    assert everyone["s00-right"] != grading.make_class(1, seed=7)["s00-right"]


@pytest.mark.parametrize("student", ["s00-right", "s01-mistaken", "s03-broken", "s06-mistaken"])
def test_submissions_are_what_they_are_called(student):
    """A right one has every point, a mistaken one lacks some in one to three functions, a broken one in one."""
    _, text = grading.make_class(7)[student]
    space, wrong = {"np": np}, []
    for cell in filter(is_answer, nbformat.reads(text, as_version=4).cells):
        if cell.cell_type != "code":
            continue
        name = cell.metadata.nbgrader.grade_id
        try:
            exec(cell.source, space)
            report = battery.judge(space[name], named(name))
            right = report.points == report.full
        except SyntaxError:
            right = False
        wrong += [] if right else [name]
    assert len(wrong) in {"right": [0], "mistaken": [1, 2, 3], "broken": [1]}[student.partition("-")[2]]


def test_a_line_through_costs():
    exact = grading.straight_line([20, 40, 80], [13.0, 23.0, 43.0])
    assert exact["start"] == pytest.approx(3) and exact["each"] == pytest.approx(0.5)
    assert exact["residuals"] == pytest.approx([0, 0, 0], abs=1e-9) and exact["r_squared"] == pytest.approx(1)
    rough = grading.straight_line([0, 1, 2, 3], [1, 3, 2, 5])
    assert (rough["start"], rough["each"]) == (pytest.approx(1.1), pytest.approx(1.1))
    assert rough["residuals"] == pytest.approx([-0.1, 0.8, -1.3, 0.6])
    assert rough["r_squared"] == pytest.approx(1 - 2.7 / 8.75)


BURN = "import time; u = time.process_time() + 0.6\nwhile time.process_time() < u: pass\n"
FAMILY = f"""
import os, time
kept = bytearray(os.urandom(1)) * 60_000_000
if os.fork() == 0:  # a child shares that memory, and has a child that outlives it
    if os.fork() == 0:
        {BURN.replace(chr(10), chr(10) + "        ")}
        os._exit(0)
    os._exit(0)
os.wait()
{BURN}
time.sleep(1)
print(len(kept))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process takes")
def test_a_commands_whole_family_is_measured():
    used = usage.run([sys.executable, "-c", FAMILY], ".", dict(os.environ))
    assert used.output == "60000000\n"
    assert used.seconds > 1.6
    assert 1.0 < used.cpu_seconds < 1.6  # 0.6 of the command and 0.6 of a grandchild without a parent
    assert 60e6 < used.peak_bytes < 110e6  # shared memory counts once
    with pytest.raises(subprocess.CalledProcessError) as failed:
        usage.run([sys.executable, "-c", "print('no'); raise SystemExit(3)"], ".", dict(os.environ))
    assert (failed.value.returncode, failed.value.output) == (3, "no\n")


def test_where_points_differ_it_says_why(tmp_path):
    outputs = [new_output("stream", name="stderr", text="a.py:1: Warning: old\n  np.old()\n")]
    cells = [new_code_cell("check(f)", outputs=outputs, metadata={"nbgrader": {"grade_id": "f-check", "grade": True}})]
    path = tmp_path / "autograded" / "ann" / "03-lstm" / "03-lstm.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(new_notebook(cells=cells), path)
    submissions = {"ann": ("right", ""), "ben": ("broken", "")}
    stock = {"ann": {"f-check": 0.0, "g-check": 2.0}, "ben": {"f-check": 1.0}}
    ours = {"ann": {"f-check": 1.0, "g-check": 2.0}, "ben": {"f-check": 1.0}}
    (row,) = grading.compare(submissions, stock, ours, tmp_path)
    assert row.pop("why") == "stock gives nothing where a line was written on stderr: Warning: old"
    assert row == {"student": "ann", "kind": "right", "cell": "f-check", "stock": 0.0, "ours": 1.0}
    with pytest.raises(RuntimeError, match="ours gave no points to ben"):
        grading.compare(submissions, stock, {**ours, "ben": {"f-check": None}}, tmp_path)
    with pytest.raises(RuntimeError, match="stock gave no points to ann"):
        grading.compare(submissions, {"ben": {"f-check": 1.0}}, ours, tmp_path)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """One right submission graded by both sides; the larger class is made up."""
    if shutil.which("bwrap") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs bubblewrap: apt-get install bubblewrap")
    grade, path = grading.grade_ours, tmp_path_factory.mktemp("result") / "results" / "grading.json"
    with pytest.MonkeyPatch.context() as patch:

        def grade_or_pretend(folder, submissions, env, jobs):
            if len(submissions) == 1:
                return grade(folder, submissions, env, jobs)
            return grading.row("pretended", len(submissions), jobs, usage.Usage(100.0, 10.0, 10**9, ""))

        patch.setattr(grading, "grade_ours", grade_or_pretend)
        made = grading.main(1, (1, 3), path)
    return SimpleNamespace(path=path, made=made)


def test_both_sides_grade_the_same_submissions_to_the_same_points(result):
    made = result.made
    assert json.loads(result.path.read_text(encoding="utf-8")) == json.loads(json.dumps(made))
    assert made["class"] == {"right": 1} and made["checks"] == 20 and made["differ"] == []
    assert made["ratio"] == made["stock"]["seconds"] / made["ours"]["seconds"] > 1
    assert made["ratio_with_feedback"] > made["ratio"]
    for side in ("stock", "stock_feedback", "ours"):
        row = made[side]
        assert row["submissions_per_minute"] == 60 / row["seconds"]
        assert 1 < row["cpu_seconds"] < 2 * row["seconds"]
        assert row["peak_bytes"] > 50e6 and row["peak_bytes_per_worker"] == row["peak_bytes"] / row["workers"]
    line = made["sizes"]
    assert line["each"] == pytest.approx((100 - made["ours"]["seconds"]) / 2)
    assert [run["students"] for run in line["runs"]] == [1, 3]


def page(folder):
    """What the page's cells show when the book is built in a folder."""
    text = (grading.ROOT / "book" / "grading-measured.md").read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\} python3\n---\n.*?^---\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (folder / "book").mkdir()
    before, space, shown = os.getcwd(), {}, []
    os.chdir(folder / "book")
    try:
        for source in cells:
            *body, last = source.rstrip().rsplit("\n", 1)
            exec(body[0], space)
            shown.append(eval(last, space).data)
    finally:
        os.chdir(before)
    return shown


def test_the_page_shows_what_was_measured(result, tmp_path):
    target = tmp_path / "benchmarks" / "results"
    target.mkdir(parents=True)
    stock, ours = {"seconds": 200.0}, {"seconds": 25.0}
    made = result.made | {"ratio": 8.0, "stock": result.made["stock"] | stock, "ours": result.made["ours"] | ours}
    made["differ"] = [{"student": "ann", "cell": "f-check", "stock": 0.0, "ours": 1.5, "why": "a | b"}]
    (target / "grading.json").write_text(json.dumps(made), encoding="utf-8")
    first, second, third = page(tmp_path)
    assert "**8.0 times the throughput of stock nbgrader**" in first
    assert re.search(r"^\| stock, `nbgrader autograde` \| 200 \| ", first, re.MULTILINE)
    assert re.search(r"^\| 3 \| 100\.0 \| 100\.0 \| [+-]0\.0 \| 10 \| 1000 \|$", second, re.MULTILINE)
    assert "$R^2$ = 1.0000" in second
    assert "Both sides gave points for all 20 checks. In 1 they differ:" in third
    assert third.splitlines()[-1] == r"| `ann` | `f-check` | 0 | 1.5 | a \| b |"


def test_without_a_measurement_the_page_says_so(tmp_path):
    assert [shown.startswith("This copy of the course has no measurement yet.") for shown in page(tmp_path)] == [
        True
    ] * 3
