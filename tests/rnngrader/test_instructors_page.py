"""The commands of the page for instructors do, one after the other, what the page says."""

import csv
import re
import shlex
import subprocess

import nbformat
import pytest
from courses import ROOT, mark
from nbformat.v4 import new_code_cell, new_notebook

from rnngrader import sample_class

TEXT = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
#: What tests elsewhere do, or nobody can do in a test.
ELSEWHERE = {"apt-get install bubblewrap", "make course"}
PEOPLE = {"broken-file": ("Rim", "Haddad"), "perfect": ("Ada", "Okafor"), "wrong-sign": ("Bo", "Lindqvist")}


def commands():
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", TEXT, flags=re.M | re.S)
    return [line.strip() for block in blocks for line in re.sub(r"\\\n *", "", block).splitlines()]


def write(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def class_of_three(course):
    """Three students of the sample class, and the lists that a platform would export."""
    sample_class.make(course.root, course.root)
    for folder in (course.root / "submitted").iterdir():
        if folder.name not in PEOPLE:
            (folder / "01-rnn" / "01-rnn.ipynb").unlink()
            (folder / "01-rnn").rmdir()
            folder.rmdir()
    beside = course.root.parent
    write(beside / "roster.csv", ["id", "first_name", "last_name"], [[i, *name] for i, name in PEOPLE.items()])
    write(beside / "participants.csv", ["ID number", "First name", "Last name"], [[i, *n] for i, n in PEOPLE.items()])
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01-rnn (7)"]
    rows = [[first, k, i, f"login{k}", "1", ""] for k, (i, (first, _)) in enumerate(PEOPLE.items())]
    write(beside / "canvas.csv", header, rows)
    return course


def run(course, command):
    """What a command of the page says."""
    program, *arguments = shlex.split(command)
    if program == ".venv/bin/rnngrader":
        return course.rnngrader(*arguments)
    if program == ".venv/bin/nbgrader":
        return course.run("nbgrader", *arguments)
    if command == "make exercises":
        return course.rnngrader("exercises")
    assert program in ("mkdir", "mv"), f"not known here: {command}"
    return subprocess.run([program, *arguments], cwd=course.root, check=True, capture_output=True, text=True).stdout


def test_the_commands_of_the_page(class_of_three):
    course = class_of_three
    said = [(command, run(course, command)) for command in commands() if command not in ELSEWHERE]
    graded = [words for command, words in said if "grade 01-rnn" in command]
    for words in graded:
        assert "perfect: 17 of 20" in words and "wrong-sign: 14 of 20" in words and "broken-file: 0 of 20" in words
    assert [words.count("(unchanged)") for words in graded] == [0, 3, 0]  # the second time nothing has changed
    beside = course.root.parent
    moodle = {row["ID number"]: row["01-rnn"] for row in read(beside / "grades-moodle.csv")}
    canvas = {row["SIS User ID"]: row["01-rnn (7)"] for row in read(beside / "grades-canvas.csv") if row["SIS User ID"]}
    assert moodle == canvas == {"broken-file": "0", "perfect": "17", "wrong-sign": "14"}
    assert not (course.root / "gradebook.db").exists()
    old = beside / "rnn-2026-autumn"
    assert "Okafor" in (old / "report" / "01-rnn.html").read_text(encoding="utf-8")
    assert "Okafor" not in (old / "report" / "01-rnn-for-class.html").read_text(encoding="utf-8")


def test_every_command_in_the_text_is_one_that_there_is():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)
    assert set(re.findall(r"`make ([a-z-]+)`", TEXT)) <= {*targets}
    inline = re.findall(r"`\.venv/bin/nbgrader\s+(\w+)", TEXT)
    assert {*inline} == {"release_assignment", "collect", "release_feedback"}
    cycle = ROOT / "tests" / "rnngrader" / "test_cycle.py"
    assert all(f'"{command}"' in cycle.read_text(encoding="utf-8") for command in inline)


def test_an_exercise_of_ones_own_needs_a_number_and_no_more(class_of_three):
    course, (check,) = class_of_three, re.findall(r"such as `(2\.0 .*?)`", TEXT)
    answer = "def double(n):\n    ### BEGIN SOLUTION\n    return 2 * n\n    ### END SOLUTION"
    cells = [
        mark(new_code_cell(answer, id="double"), solution=True),
        mark(new_code_cell(check, id="double-check"), grade=True, locked=True, points=2),
    ]
    (course.root / "solutions" / "06-own").mkdir()
    nbformat.write(new_notebook(cells=cells), course.root / "solutions" / "06-own" / "06-own.ipynb")
    course.rnngrader("exercises")
    course.hand_in("ada", "06-own", course.answered("06-own"))
    course.hand_in("bo", "06-own", course.answered("06-own", double="def double(n):\n    return n"))
    said = course.rnngrader("grade", "06-own")
    assert "ada: 2 of 2, graded" in said and "bo: 0 of 2, graded" in said
