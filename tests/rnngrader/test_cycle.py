"""One assignment from the instructor to a student and back, with nbgrader's own commands and an exchange folder."""

import csv

import nbformat
import pytest
from nbgrader.api import Gradebook

WRITTEN = "question-without-memory"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exchange")
    folder.chmod(0o777)
    return f"--Exchange.root={folder}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """The student's folder, outside the course."""
    return tmp_path_factory.mktemp("desk")


def test_the_whole_cycle(course, exchange, desk):
    course.run("nbgrader", "generate_assignment", "01-rnn", "--force")
    course.run("nbgrader", "release_assignment", "01-rnn", exchange)

    course.run("nbgrader", "fetch_assignment", "01-rnn", "--course=rnn", exchange, cwd=desk)
    fetched = desk / "01-rnn" / "01-rnn.ipynb"
    assert sorted(path.name for path in fetched.parent.iterdir()) == ["01-rnn.ipynb"]
    assert "hidden=True" not in fetched.read_text(encoding="utf-8")
    nbformat.write(course.answered("01-rnn", readout="def readout(hs, W_y, b_y):\n    return hs @ W_y - b_y"), fetched)
    course.run("nbgrader", "submit", "01-rnn", "--course=rnn", exchange, cwd=desk)

    course.run("nbgrader", "collect", "01-rnn", exchange)
    (student,) = [folder.name for folder in (course.root / "submitted").iterdir()]
    course.run("nbgrader", "autograde", "01-rnn")

    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "rnn") as gradebook:
        assert gradebook.find_submission("01-rnn", student).score == 15
        assert gradebook.find_submission("01-rnn", student).needs_manual_grade
        grade = gradebook.find_grade(WRITTEN, "01-rnn", "01-rnn", student)
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        gradebook.find_comment(WRITTEN, "01-rnn", "01-rnn", student).manual_comment = "Which **two** beginnings?"
        gradebook.db.commit()

    assert "not recognized" not in course.run("nbgrader", "generate_feedback", "01-rnn")
    course.run("nbgrader", "release_feedback", "01-rnn", exchange)
    course.run("nbgrader", "fetch_feedback", "01-rnn", "--course=rnn", exchange, cwd=desk)
    (page,) = fetched.parent.glob("feedback/*/01-rnn.html")
    text = page.read_text(encoding="utf-8")
    assert "17.5 of 20 points</b></p>" in text  # and no "so far"
    assert "Which <strong>two</strong> beginnings?" in text
    assert "2.5 of 3 points" in text and "not graded yet" not in text

    course.run("nbgrader", "export")
    with open(course.root / "grades.csv", newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["student_id"], row["score"], row["max_score"], row["status"]) == (student, "17.5", "20", "graded")
    assert (row["readout"], row[WRITTEN]) == ("0", "2.5")

    # What a person gave stays when the submission is graded again, and is to be looked at again.
    course.rnngrader("grade", "01-rnn", "--again")
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "rnn") as gradebook:
        grade = gradebook.find_grade(WRITTEN, "01-rnn", "01-rnn", student)
        assert (grade.manual_score, grade.score, grade.needs_manual_grade) == (2.5, 2.5, True)


def test_validate_passes_the_solution_and_fails_the_release(course):
    said = course.run("nbgrader", "validate", "solutions/01-rnn/01-rnn.ipynb")
    assert "Success! Your notebook passes all the tests." in said
    said = course.run("nbgrader", "validate", "exercises/01-rnn/01-rnn.ipynb")
    assert "VALIDATION FAILED ON" in said and "Success" not in said
