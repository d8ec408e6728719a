"""What a person gave, and what being late took: nbgrader's meaning of each, up to grades.csv and the page."""

import csv
import shutil
from contextlib import contextmanager

import nbformat
import pytest
from courses import ROOT, Course, small_source
from nbgrader.api import Gradebook

WRITTEN = "question-why"
#: A point for each day begun, for everyone but `sick`.
LATE = """
from nbgrader.plugins import BasePlugin


class ByDay(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return None if student_id == "sick" else -(-total_seconds_late // 86400)


c.AssignLatePenalties.plugin_class = ByDay
"""
#: student -> (when it was handed in, the penalty); the assignment was due on 3 May 2030, 12:00 UTC.
CLASS = {
    "early": ("2030-05-01 10:00:00 UTC", 0),
    "elsewhere": ("2030-05-03 13:30:00 Europe/Berlin", 0),  # half an hour before
    "late": ("2030-05-04 13:00:00 UTC", 2),
    "never-mind": (None, 0),  # no timestamp.txt
    "sick": ("2030-05-09 12:00:00 UTC", 0),
    "very-late": ("2030-07-01 12:00:00 UTC", 8),  # no more than its score
}


@pytest.fixture(scope="module")
def course(tmp_path_factory, home):
    """A small class with a due date, some of it late, graded by `nbgrader autograde`."""
    root = tmp_path_factory.mktemp("late-course")
    config = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (root / "nbgrader_config.py").write_text(config + LATE, encoding="utf-8")
    (root / "solutions" / "small").mkdir(parents=True)
    nbformat.write(small_source(), root / "solutions" / "small" / "small.ipynb")
    course = Course(root, home)
    course.run("nbgrader", "generate_assignment", "small")
    for student, (when, _) in CLASS.items():
        path = course.hand_in(student, "small", course.answered("small"))
        if when is not None:
            path.with_name("timestamp.txt").write_text(when)
    with book(course) as gradebook:
        gradebook.update_or_create_assignment("small", duedate="2030-05-03 12:00:00 UTC")
    course.run("nbgrader", "autograde", "small")
    return course


@contextmanager
def book(course):
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "rnn") as gradebook:
        yield gradebook
        gradebook.db.commit()


def rows(course):
    with open(course.root / "grades.csv", newline="", encoding="utf-8") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def page(course, student):
    return (course.root / "feedback" / student / "small" / "small.html").read_text(encoding="utf-8")


def scores(course):
    return {student: (float(row["score"]), float(row["late_penalty"])) for student, row in rows(course).items()}


def test_who_is_late_loses_what_the_plugin_says_and_no_more_than_the_score(course):
    said = course.run("rnngrader", "grade", "small")
    assert "late: 6 of 11" in said
    assert scores(course) == {student: (8 - penalty, penalty) for student, (_, penalty) in CLASS.items()}
    assert "<b>6 of 11 points</b>" in page(course, "late") and "−2" in page(course, "late")
    assert "handed in late" not in page(course, "early")


def test_what_a_person_gave_counts_and_stays(course):
    with book(course) as gradebook:
        written = gradebook.find_grade(WRITTEN, "small", "small", "late")
        written.manual_score, written.extra_credit, written.needs_manual_grade = 2, 0.5, False
        check = gradebook.find_grade("double-check", "small", "small", "late")
        check.manual_score, check.needs_manual_grade = 1.5, False  # in place of the 2 of the check
        gradebook.find_comment("double", "small", "small", "late").manual_comment = "Copied from *twice*?"
    course.run("rnngrader", "grade", "small")
    row = rows(course)["late"]
    assert (row["score"], row["late_penalty"], row["status"]) == ("8", "2", "graded")  # 8 - 0.5 + 2.5 - 2
    assert (row["double"], row["twice"], row[WRITTEN]) == ("3.5", "4", "2.5")
    assert "Copied from <em>twice</em>?" in page(course, "late") and "8 of 11 points</b></p>" in page(course, "late")

    commands = (
        ("nbgrader", "autograde", "small", "--force", "--student=late"),
        ("rnngrader", "grade", "small", "--again", "--students", "late"),
    )
    for command in commands:
        course.run(*command)
        with book(course) as gradebook:
            grades = gradebook.find_submission_notebook("small", "small", "late").grades
            kept = {g.name: (g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade) for g in grades}
            said = gradebook.find_comment("double", "small", "small", "late")
            assert (said.comment, said.auto_comment) == ("Copied from *twice*?", None)
        assert kept[WRITTEN] == (None, 2, 0.5, True)  # to be looked at again, as nbgrader has it
        assert kept["double-check"] == (2, 1.5, None, True)
        assert kept["double-hidden"] == (2, None, None, False)
    row = rows(course)["late"]
    assert (row["score"], row["late_penalty"], row["status"]) == ("8", "2", "written answer to be graded")


@pytest.fixture(scope="module")
def changed(course):
    """The class graded again, after new due date, new times of handing in, and one answer taken back."""
    course.run("rnngrader", "grade", "small")
    course.hand_in("early", "small", course.release("small"))
    submitted = course.root / "submitted"
    (submitted / "very-late" / "small" / "timestamp.txt").write_text("2030-05-05 12:00:00 UTC")
    shutil.copytree(submitted / "very-late" / "small", submitted / "no-time" / "small")
    (submitted / "no-time" / "small" / "timestamp.txt").write_text("yesterday")
    with book(course) as gradebook:
        gradebook.update_or_create_assignment("small", duedate="2030-05-04 12:00:00 UTC")
    said = course.run("rnngrader", "grade", "small", status=1)
    assert said.count("(unchanged)") == 2  # whom the new due date leaves as they were: on time
    return course


def test_an_answer_left_as_it_was_has_nbgraders_comment_and_no_points(changed):
    with book(changed) as gradebook:
        assert gradebook.find_comment(WRITTEN, "small", "small", "early").comment == "No response."
        written = gradebook.find_grade(WRITTEN, "small", "small", "early")
        assert (written.auto_score, written.score, written.needs_manual_grade) == (0, 0, False)
    assert rows(changed)["early"]["status"] == "graded"
    assert "No response." in page(changed, "early")


def test_a_new_due_date_or_time_of_handing_in_changes_the_penalty(changed):
    assert scores(changed)["very-late"] == (7, 1)
    assert scores(changed)["late"] == (9, 1)
    assert scores(changed)["sick"] == (8, 0)


def test_a_time_of_handing_in_that_is_none_has_a_reason(changed):
    row = rows(changed)["no-time"]
    assert (row["status"], row["score"]) == ("grading failed", "0")
    assert row["reason"] == "timestamp.txt holds no time, such as 2030-05-03 12:00:00 UTC"
