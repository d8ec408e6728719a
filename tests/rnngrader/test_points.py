"""What a check's output is worth: nbgrader's traps, pinned, and the rule that is used instead."""

import ast

import nbformat
import pytest
from courses import ROOT, mark
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

from rnngrader.pipeline import points_of

SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))


def check_cell(*outputs, points=2):
    cell = new_code_cell("check(f)", id="f-check", outputs=list(outputs), execution_count=7)
    return mark(cell, grade=True, locked=True, points=points)


def result(text):
    return new_output("execute_result", {"text/plain": text})


REPORT = new_output("display_data", {"text/html": "<p>report</p>", "text/plain": "report"})
STDERR = new_output("stream", name="stderr", text="RuntimeWarning: overflow")
STDOUT = new_output("stream", name="stdout", text="2.0")


def error(ename, evalue, *frames):
    return new_output("error", ename=ename, evalue=evalue, traceback=[*frames, f"{ename}: {evalue}"])


CHECK_FRAME = "\x1b[32mCell In[7]\x1b[39m, line 1\n----> 1 check(f)"
OWN_FRAME = "\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[3]\x1b[39m\x1b[32m, line 2\x1b[39m\n----> 2 1 / 0"
LIBRARY_FRAME = "File /packages/rnnlib/checks/battery.py:5, in judge\n      5 raise KeyError"
ERROR = error("NameError", "name 'f' is not defined", CHECK_FRAME)


@pytest.mark.parametrize(
    ("outputs", "points"),
    [
        ([], 2.0),  # nothing: full points
        ([STDERR, result("1.5")], 0.0),  # any text on stderr: none
        ([result("np.float64(0.5)")], 2.0),  # no plain number: full points
        ([result("nan")], 2.0),
        ([result("-1.0")], 2.0),
        ([result("1.5")], 1.5),
    ],
)
def test_nbgraders_own_rule_is_still_what_it_was(outputs, points):
    assert determine_grade(check_cell(*outputs)) == (points, 2.0)


def test_nbgraders_own_rule_still_stops_at_more_than_full_points():
    with pytest.raises(ValueError, match="greater than maximum"):
        determine_grade(check_cell(result("3.0")))


@pytest.mark.parametrize(
    ("outputs", "points"),
    [
        ([REPORT, result("1.5")], 1.5),
        ([REPORT, result("2.0")], 2.0),
        ([REPORT, result("0.0")], 0.0),
        ([STDERR, REPORT, result("1.5")], 1.5),  # a warning costs nothing
        ([ERROR], 0.0),
        ([REPORT, result("2.0"), ERROR], 0.0),
        ([error("Misuse", "`check` takes a function")], 0.0),
        ([error("KeyboardInterrupt", "", CHECK_FRAME, LIBRARY_FRAME), error("CellTimeoutError", "")], 0.0),
        ([error("OSError", "", CHECK_FRAME, OWN_FRAME)], 0.0),
    ],
)
def test_a_check_is_worth_the_number_it_ends_with(outputs, points):
    assert points_of(check_cell(*outputs)) == (points, None)


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([], "0 results"),
        ([STDOUT], "0 results"),
        ([result("2.0"), result("2.0")], "2 results"),
        ([result("np.float64(1.5)")], "'np.float64(1.5)', which is no number from 0 to 2"),
        ([result("nan")], "'nan'"),
        ([result("inf")], "'inf'"),
        ([result("-0.5")], "'-0.5'"),
        ([result("2.5")], "'2.5'"),
        ([result("'full'")], "no number"),
        ([new_output("execute_result", {"text/html": "2.0"})], "''"),
        ([error("KeyError", "'rnn'", CHECK_FRAME, LIBRARY_FRAME)], "stopped with KeyError: 'rnn'"),
        ([error("NameError", "name 'check' is not defined", CHECK_FRAME)], "name 'check' is not defined"),
    ],
)
def test_anything_else_is_worth_nothing_and_a_person_looks(outputs, words):
    points, problem = points_of(check_cell(*outputs))
    assert points == 0.0
    assert words in problem and "f-check" in problem


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_check_of_an_assignment_ends_with_a_bare_call_that_gives_a_float(path):
    """So that nbgrader finds a number: `check` must not be printed, assigned or wrapped."""
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    graded = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade")]
    answers = [c for c in cells if c.metadata.get("nbgrader", {}).get("solution")]
    assert graded and answers
    notebook = {"__name__": "__main__"}
    for cell in [cells[0], *answers]:  # the imports, and every function
        exec(cell.source, notebook)
    for cell in graded:
        last = ast.parse(cell.source).body[-1]
        assert isinstance(last, ast.Expr) and isinstance(last.value, ast.Call), cell.source
        assert ast.unparse(last.value.func) == "check"
        points = eval(ast.unparse(last), notebook)
        assert type(points) is float and points == cell.metadata.nbgrader.points
