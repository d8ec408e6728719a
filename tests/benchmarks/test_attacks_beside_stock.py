"""The written comparison with stock nbgrader is of the present attacks, and one of them is compared again."""

import json
import os
import shutil

import pytest

from benchmarks import beside_stock
from benchmarks.attacks import ATTACKS, KINDS

WRITTEN = json.loads(beside_stock.RESULT.read_text(encoding="utf-8"))
ROWS = WRITTEN["rows"]


def test_the_written_comparison_is_of_these_attacks():
    now = [(name, kind, row.words, row.deserved) for kind, rows in KINDS.items() for name, row in rows.items()]
    written = [(row["name"], row["kind"], row["words"], row["deserved"]) for row in ROWS]
    changed = [name for name, *_ in set(now) ^ set(written)]
    assert written == now, f"`python -m benchmarks.beside_stock --only {' '.join(sorted(set(changed)))}` measures these"
    assert all(row["stock"]["says"] == beside_stock.in_words(row["stock"]) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_here_every_row_got_what_it_deserves(row):
    assert row["ours"] == {"points": row["deserved"], "person": ATTACKS[row["name"]].person}


def test_honest_students_between_them_were_left_alone():
    assert WRITTEN["honest"] == dict.fromkeys((beside_stock.BEFORE, beside_stock.MIDDLE, beside_stock.AFTER), 4)
    assert WRITTEN["unchanged"]
    honest = [row["stock"] for row in ROWS if row["name"] == "honest"]
    assert [(row["points"], row["before"], row["after"], row["says"]) for row in honest] == [(4, 4, 4, "4 of 4")]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "2 of 4"),
        ({"points": 150.0, "before": 150.0}, "150 of 4, 150 of 4 for another student"),
        ({"points": "inf", "found": True}, "inf of 4, reads it"),
        (
            {"status": None, "points": None, "after": None},
            "the grader is killed, no score, the next student is not graded",
        ),
        ({"ended": False, "points": None, "after": None, "memory": 4e9}, "no end within 120 s, takes 4.0 GB of memory"),
        ({"before": None, "after": 2.0}, "2 of 4, scores of the class lost, 2 of 4 for the next student"),
        ({"notebook": 2e8, "left": 1e8}, "2 of 4, 200 MB of output kept, leaves 100 MB of files"),
        ({"files": 10_000, "processes": 2}, "2 of 4, leaves 10000 files, leaves 2 processes"),
    ],
)
def test_an_outcome_in_words(changed, says):
    usual = {"points": 2.0, "before": 4.0, "after": 4.0, "ended": True, "status": 0, "found": None}
    usual |= {"memory": 1e8, "notebook": 1e4, "left": 0, "files": 10, "processes": 0}
    assert beside_stock.in_words(usual | changed) == says


@pytest.mark.skipif(shutil.which("bwrap") is None and not os.environ.get("CI"), reason="needs bubblewrap")
def test_one_line_gives_full_points_under_stock_nbgrader(tmp_path):
    name = "input-transformer"
    beside_stock.template(tmp_path / "template")
    outcome = beside_stock.stock(ATTACKS[name], tmp_path / name, tmp_path / "template")
    (written,) = (row["stock"] for row in ROWS if row["name"] == name)
    told = ("points", "before", "after", "ended", "status", "found")
    assert {key: outcome[key] for key in told} == {key: written[key] for key in told}
    assert (outcome["points"], outcome["before"], outcome["after"]) == (4, 4, 4)
