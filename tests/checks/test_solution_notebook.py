"""The notebook 01-rnn and the definitions of its exercises agree."""

from pathlib import Path

import nbformat

from rnnlib.checks import exercises

NOTEBOOK = Path(__file__).parents[2] / "solutions" / "01-rnn" / "01-rnn.ipynb"
ASSIGNMENT = [exercise for exercise in exercises() if exercise.assignment == "01-rnn"]


def graded():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    return {cell.metadata.nbgrader.grade_id: cell for cell in cells if "nbgrader" in cell.metadata}


def test_the_points_of_the_cells_are_those_of_the_exercises():
    points = {name: cell.metadata.nbgrader.points for name, cell in graded().items() if cell.metadata.nbgrader.grade}
    written = {name: value for name, value in points.items() if name.startswith("question-")}
    expected = {f"{e.name}-check": e.points for e in ASSIGNMENT} | {
        f"{e.name}-hidden": e.hidden_points for e in ASSIGNMENT
    }
    assert points == expected | written
    assert written == {"question-without-memory": 3}
    assert sum(points.values()) == 20


def test_a_test_cell_ends_with_its_check():
    cells = graded()
    for exercise in ASSIGNMENT:
        assert cells[f"{exercise.name}-check"].source == f"check({exercise.name})"
        assert cells[f"{exercise.name}-hidden"].source.splitlines()[-3:] == [
            "### BEGIN HIDDEN TESTS",
            f"check({exercise.name}, hidden=True)",
            "### END HIDDEN TESTS",
        ]


def test_each_solution_stands_in_its_region_under_the_signature():
    cells = graded()
    for exercise in ASSIGNMENT:
        lines = cells[exercise.name].source.splitlines()
        assert lines[0].startswith(f"def {exercise.name}(")
        assert lines[1].startswith('    """')
        assert lines[2] == "    ### BEGIN SOLUTION" and lines[-1] == "    ### END SOLUTION"


def test_the_table_of_points_in_the_text_is_true():
    (text,) = (cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.id == "how")
    for exercise in ASSIGNMENT:
        assert f"| `{exercise.name}` | {exercise.points} | {exercise.hidden_points} |" in text


def test_no_output_is_stored():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
