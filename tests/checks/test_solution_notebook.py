"""The notebooks and the definitions of their exercises agree."""

from pathlib import Path

import nbformat
import pytest

from rnnlib.checks import exercises

SOLUTIONS = Path(__file__).parents[2] / "solutions"
#: The written question of each assignment, its points, and those of the whole.
WRITTEN = {
    "01-rnn": ("question-without-memory", 3, 20),
    "02-bptt": ("question-truncation", 3, 30),
    "03-lstm": ("question-memory-and-gradient", 3, 30),
    "04-gru": ("question-conventions", 3, 28),
    "05-compare": ("question-fair-comparison", 4, 20),
}
pytestmark = pytest.mark.parametrize("assignment", sorted({exercise.assignment for exercise in exercises()}))


def cells_of(assignment):
    return nbformat.read(SOLUTIONS / assignment / f"{assignment}.ipynb", as_version=4).cells


def exercises_of(assignment):
    return [exercise for exercise in exercises() if exercise.assignment == assignment]


def graded(assignment):
    cells = cells_of(assignment)
    return {cell.metadata.nbgrader.grade_id: cell for cell in cells if "nbgrader" in cell.metadata}


def test_the_points_of_the_cells_are_those_of_the_exercises(assignment):
    marks = {name: cell.metadata.nbgrader for name, cell in graded(assignment).items()}
    points = {name: mark.points for name, mark in marks.items() if mark.grade}
    written = {name: value for name, value in points.items() if name.startswith("question-")}
    expected = {f"{e.name}-check": e.points for e in exercises_of(assignment)} | {
        f"{e.name}-hidden": e.hidden_points for e in exercises_of(assignment)
    }
    assert points == expected | written
    question, worth, total = WRITTEN[assignment]
    assert written == {question: worth}
    assert sum(points.values()) == total


def test_a_test_cell_ends_with_its_check(assignment):
    cells = graded(assignment)
    for exercise in exercises_of(assignment):
        assert cells[f"{exercise.name}-check"].source == f"check({exercise.name})"
        assert cells[f"{exercise.name}-hidden"].source.splitlines()[-3:] == [
            "### BEGIN HIDDEN TESTS",
            f"check({exercise.name}, hidden=True)",
            "### END HIDDEN TESTS",
        ]


def test_each_solution_stands_in_its_region_under_the_signature(assignment):
    cells = graded(assignment)
    for exercise in exercises_of(assignment):
        lines = cells[exercise.name].source.splitlines()
        assert lines[0].startswith(f"def {exercise.name}(")
        assert lines[1].startswith('    """')
        assert lines[2] == "    ### BEGIN SOLUTION" and lines[-1] == "    ### END SOLUTION"


def test_the_table_of_points_in_the_text_is_true(assignment):
    (text,) = (cell.source for cell in cells_of(assignment) if cell.id == "how")
    for exercise in exercises_of(assignment):
        assert f"| `{exercise.name}` | {exercise.points} | {exercise.hidden_points} |" in text


def test_no_output_is_stored(assignment):
    for cell in cells_of(assignment):
        assert not cell.get("outputs") and cell.get("execution_count") is None
