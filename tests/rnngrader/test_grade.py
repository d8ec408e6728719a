"""`rnngrader grade` when grading itself goes wrong, and when the command does."""

import csv
import re
import subprocess
import sys

import nbformat
import pytest
from courses import ROOT, Course, small_source

BREAK_ONE = """
from nbgrader.preprocessors import NbGraderPreprocessor


class Unlucky(NbGraderPreprocessor):
    def preprocess(self, nb, resources):
        if resources["nbgrader"]["student"] == "unlucky":
            raise OSError("the disk is full")
        return nb, resources


c.Autograde.autograde_preprocessors.append(Unlucky)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory, home):
    """A small course whose grader fails for the student `unlucky` and for no other."""
    root = tmp_path_factory.mktemp("unlucky-course")
    config = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (root / "nbgrader_config.py").write_text(config + BREAK_ONE, encoding="utf-8")
    (root / "solutions" / "small").mkdir(parents=True)
    nbformat.write(small_source(), root / "solutions" / "small" / "small.ipynb")
    course = Course(root, home)
    course.rnngrader("exercises")
    for student in ("lucky", "unlucky", "zoe"):
        course.hand_in(student, "small", course.answered("small"), folder="class")
    return course


def test_one_failure_of_the_grader_is_recorded_and_the_others_are_graded(course):
    said = course.rnngrader("grade", "small", "--class", "class", status=1)
    assert re.search(r"\[\d/3\] unlucky: grading failed: OSError: the disk is full\n", said)
    with open(course.root / "class" / "grades.csv", newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {student: row["score"] for student, row in rows.items()} == {"lucky": "8", "unlucky": "0", "zoe": "8"}
    assert rows["unlucky"]["status"] == "grading failed"
    assert rows["unlucky"]["reason"] == "OSError: the disk is full"
    assert not (course.root / "gradebook.db").exists()  # the class has its own


def test_a_student_nobody_knows_is_an_error_and_no_new_student(course):
    said = course.rnngrader("grade", "small", "--class", "class", "--students", "zoë", status=2)
    assert "no submission and no entry in the gradebook for: zoë" in said


def test_an_assignment_nobody_knows_is_an_error(course):
    said = course.rnngrader("grade", "smal", "--class", "class", status=2)
    assert "smal cannot be registered" in said and "Traceback" not in said


def test_outside_a_course_the_command_says_where_to_run_it(course, tmp_path):
    said = course.rnngrader("exercises", cwd=tmp_path, status=2)
    assert "no nbgrader_config.py" in said and "Traceback" not in said


def test_without_nbgrader_the_command_says_what_to_install(course):
    program = """if True:
        import sys
        for package in ("nbgrader", "nbformat", "sqlalchemy", "traitlets"):
            sys.modules[package] = None
        from rnngrader.cli import main
        sys.exit(main(["exercises"]))"""
    done = subprocess.run([sys.executable, "-c", program], cwd=course.root, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rnngrader needs nbgrader: pip install 'rnnlib[grading]'")


def test_a_stale_release_is_refused(course):
    path = course.root / "solutions" / "small" / "small.ipynb"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("# Small", "# Larger"), encoding="utf-8")
    said = course.rnngrader("grade", "small", "--class", "class", status=2)
    assert "is not what the source notebook gives: run `rnngrader exercises` first" in said
    path.write_text(before, encoding="utf-8")
