"""`nbgrader autograde` itself, on a class in which nearly everything has gone wrong, and `rnngrader grade` after it."""

import csv
import json
import re
import sys

import nbformat
import pytest
from courses import mark
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook

RIGHT = "def double(n):\n    return n + n"


#: Gives everyone 150 points, where it finds a gradebook.
SQL = """import glob, sqlite3
for path in glob.glob('/tmp/**/gradebook.db', recursive=True):
    with sqlite3.connect(path) as book:
        book.execute('update grade set auto_score = 150')"""


def duplicated(notebook):
    position = [cell.id for cell in notebook.cells].index("double")
    copy = mark(new_code_cell("def double(n):\n    return 0", id="copied"), solution=True, grade_id="double")
    notebook.cells.insert(position, copy)


def without(*grade_ids):
    def edit(notebook):
        notebook.cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in grade_ids]

    return edit


def retyped(notebook):
    for number, cell in enumerate(notebook.cells):
        if cell.id in ("double", "twice-check"):
            notebook.cells[number] = mark(new_markdown_cell(cell.source, id=cell.id), **cell.metadata.nbgrader)


def remarked(notebook):
    for cell in notebook.cells:
        if cell.id == "double-check":
            cell.source = "200.0"
            cell.metadata.nbgrader.points = 200
        if cell.id == "double-hidden":
            cell.metadata.nbgrader = {"grade_id": "double-hidden", "schema_version": "old"}


def no_marks(notebook):
    for cell in notebook.cells:
        cell.metadata = {}


def new_notebook(notebook):
    """As pasted into a new notebook: neither marks nor ids, and the question answered under a heading."""
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"new-{number}"
    notebook.cells[-1].source = "## My answer\n\nBecause it is."


def other_names(notebook):
    notebook.cells = [new_code_cell("def doppelt(n):\n    return 2 * n")]


def own_exit(notebook):
    position = [cell.id for cell in notebook.cells].index("double")
    notebook.cells.insert(position, new_code_cell("exit()\nimport time\ntime.sleep(1)"))


def own_helper(notebook):
    position = [cell.id for cell in notebook.cells].index("double")
    notebook.cells.insert(position, new_code_cell("def helper(n):\n    return 2 * n"))


#: student -> (their answer to `double`, what else they did to the notebook, the points they deserve, status, reason)
CLASS = {
    "breaks-check": (f"{RIGHT}\ncheck = None", None, 8, "written", ""),
    "crashes": ("import json\njson.loads('{')", None, 4, "written", ""),
    "deleted-answer": (RIGHT, without("double"), 4, "written", "double: the answer's cell was deleted"),
    "deleted-checks": (RIGHT, without("double-check", "twice-hidden"), 8, "written", "it was put back"),
    "duplicated": (RIGHT, duplicated, 8, "written", "the last one counts"),
    "endless": ("def double(n):\n    while True:\n        pass", None, 4, "written", "after 3 seconds"),
    "ends-python": ("import os\ndef double(n):\n    os._exit(0)", None, 4, "written", "ended Python itself"),
    "exits": (RIGHT, own_exit, 8, "written", ""),
    "forged": (f"{RIGHT}\ndef check(fn, hidden=False):\n    return float('nan')", None, 8, "written", ""),
    "helper": ("double = helper", own_helper, 8, "written", ""),
    "new-notebook": (RIGHT, new_notebook, 8, "person", "The answer to question-why was not found by its cell"),
    "no-marks": (RIGHT, no_marks, 8, "written", ""),
    "other-names": (RIGHT, other_names, 0, "person", "None of the exercise's cells is in this notebook."),
    "own-check": (f"{RIGHT}\ndef check(fn, hidden=False):\n    raise OSError", None, 8, "written", ""),
    "own-tqdm": (f"import tqdm\ntqdm.__path__\n{RIGHT}", None, 8, "written", ""),
    "partly": ("def double(n):\n    return n", None, 5, "written", ""),
    "reads-data": ("def double(n):\n    return int(open('data/factor.txt').read()) * n", None, 8, "written", ""),
    "remarked": (RIGHT, remarked, 8, "written", ""),
    "retyped": (RIGHT, retyped, 8, "written", "double: this answer was a markdown cell"),
    "right": (RIGHT, None, 8, "written", ""),
    "sql": (f"{SQL}\ndef double(n):\n    return n", None, 5, "written", ""),
    "warns-the-kernel": (f"import os\nos.write(2, b'to the terminal')\n{RIGHT}", None, 8, "written", ""),
    "warns": (f"import sys\nprint('careful', file=sys.stderr)\n{RIGHT}", None, 8, "written", ""),
}
FILES = {
    "cells-of-no-kind": ('{"cells": [1, "x", null], "nbformat": 4}', "none"),
    "cut-off": ('{"cells": [{"cell_type": "co', "cut off"),
    "empty": ("", "empty"),
    "not-json": ("PK\x03\x04", "not a notebook"),
}
WITHOUT = {
    "absent": ("not submitted", ""),
    "no-folder": ("a person must look", "The folder holds small.ipynb; expected small/small.ipynb."),
    "nothing": ("not submitted", ""),
    "other-one": ("not submitted", ""),
    "wrong-folder": ("a person must look", "The folder holds Small; expected small/small.ipynb."),
    "wrong-name": ("a person must look", "The submission has no small.ipynb; it holds Untitled.ipynb."),
}
STATUS = {"written": "written answer to be graded", "person": "a person must look"}


def hand_in_all(course):
    for student, (answer, edit, *_) in CLASS.items():
        notebook = course.answered("small", double=answer)
        if edit is not None:
            edit(notebook)
        course.hand_in(student, "small", json.dumps(notebook))  # as it is, valid or not
    for student, (text, _) in FILES.items():
        course.hand_in(student, "small", text)
    for name in ("wrong-name/small/Untitled.ipynb", "no-folder/small.ipynb", "wrong-folder/Small/small.ipynb",
                 "other-one/other/other.ipynb", "own-tqdm/small/tqdm.py"):  # fmt: skip
        path = course.root / "submitted" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (course.root / "secret.txt").write_text("4711")
    for link in ("right/small/mine.txt", "right/small/deep/mine.txt"):
        path = course.root / "submitted" / link
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(course.root / "secret.txt")
    (course.root / "submitted" / "nothing").mkdir()
    (course.root / "submitted" / ".ipynb_checkpoints").mkdir()


def rows(course):
    with open(course.root / "grades.csv", newline="", encoding="utf-8") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def autograded(course):
    """When each student's notebook was autograded last."""
    return {path.parents[1].name: path.stat().st_mtime_ns for path in course.root.glob("autograded/*/small/*.ipynb")}


def test_what_a_submitted_link_leads_to_is_not_copied(graded):
    folders = [graded.root / step / "right" / "small" for step in ("submitted", "autograded", "feedback")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert not any(path.is_symlink() or b"4711" in path.read_bytes() for path in files)
    told = {path.relative_to(folders[1]).as_posix(): path.read_text() for path in folders[1].rglob("*.link.txt")}
    words = f"Submitted as a link to {graded.root / 'secret.txt'}. Links are not followed.\n"
    assert told == {"mine.txt.link.txt": words, "deep/mine.txt.link.txt": words}


@pytest.fixture(scope="module")
def graded(small_course):
    """The class after `nbgrader autograde`, then `rnngrader grade`, which finds nothing left to run but the pages."""
    hand_in_all(small_course)
    # nbgrader says 1 because of wrong-name, which holds no notebook to grade; all others are graded.
    log = small_course.run("nbgrader", "autograde", "small", status=1)
    assert "has changed!" not in log
    assert "to the terminal" not in log
    failed = {line.split("student '")[1].rstrip("'") for line in log.splitlines() if "for student '" in line}
    assert failed == {"wrong-name"}
    before = autograded(small_course)
    with Gradebook(f"sqlite:///{small_course.root / 'gradebook.db'}", "rnn") as gradebook:
        gradebook.add_student("absent")
    said = small_course.rnngrader("grade", "small")
    assert autograded(small_course) == before
    assert "] no-folder: a person must look. The folder holds small.ipynb" in said
    assert "] nothing: not submitted\n" in said
    return small_course


@pytest.mark.parametrize("student", CLASS)
def test_every_student_gets_what_they_deserve(graded, student):
    *_, score, status, reason = CLASS[student]
    row = rows(graded)[student]
    assert (float(row["score"]), float(row["max_score"]), row["status"]) == (score, 11, STATUS[status])
    assert reason in row["reason"] if reason else row["reason"] == ""


@pytest.mark.parametrize("student", FILES)
def test_a_broken_file_has_a_reason_and_a_person_looks(graded, student):
    row = rows(graded)[student]
    assert (row["score"], row["status"], row["needs_manual_grade"]) == ("0", "a person must look", "yes")
    assert FILES[student][1] in row["reason"]


def test_who_handed_in_nothing_to_grade_is_listed_too(graded):
    found = rows(graded)
    assert list(found) == sorted([*CLASS, *FILES, *WITHOUT])
    for student, said in WITHOUT.items():
        assert (found[student]["status"], found[student]["reason"]) == said


def test_everyone_who_handed_in_a_notebook_has_a_page(graded):
    pages = sorted(path.parents[1].name for path in graded.root.glob("feedback/*/small/small.html"))
    assert pages == sorted([*CLASS, *FILES])


@pytest.mark.parametrize("student", CLASS)
def test_no_page_shows_hidden_tests_library_frames_or_this_machine(graded, student):
    page = (graded.root / "feedback" / student / "small" / "small.html").read_text(encoding="utf-8")
    assert "HIDDEN" not in page and "hidden=True" not in page
    for folder in (sys.prefix, sys.base_prefix, str(graded.root), "/ipykernel_", "/json/decoder.py"):
        assert folder not in page


def test_a_crash_in_an_answer_is_shown_at_the_students_line(graded):
    page = (graded.root / "feedback" / "crashes" / "small" / "small.html").read_text(encoding="utf-8")
    words = re.sub("<[^>]*>", "", page)
    assert "Cell In[2], line 2" in words and "JSONDecodeError: Expecting property name" in words
    assert "NameError: name 'double' is not defined" in words
    assert words.count("The cell of your answer does not define it, or stopped before it did.") == 2


def test_what_was_noticed_is_said_on_top_of_the_graders_notebook_and_once_on_the_page(graded):
    for student, title in (("duplicated", "What was noticed in this notebook"), ("new-notebook", "A person must look")):
        notebook = nbformat.read(graded.root / "autograded" / student / "small" / "small.ipynb", as_version=4)
        reason = CLASS[student][-1]
        assert title in notebook.cells[0].source and reason in notebook.cells[0].source
        page = (graded.root / "feedback" / student / "small" / "small.html").read_text(encoding="utf-8")
        assert page.count(reason) == 1
    untroubled = nbformat.read(graded.root / "autograded" / "right" / "small" / "small.ipynb", as_version=4)
    assert untroubled.cells[0].source == "# Small"


def test_the_page_of_a_broken_file_says_what_is_wrong_and_shows_no_answers(graded):
    page = (graded.root / "feedback" / "cut-off" / "small" / "small.html").read_text(encoding="utf-8")
    assert "could not be read" in page and "cut off" in page
    assert "raise NotImplementedError" not in page
    assert page.count("not graded yet</span>") == 3  # both functions and the question


def test_points_above_the_maximum_never_reach_the_book(graded):
    path = graded.root / "autograded" / "remarked" / "small" / "small.ipynb"
    marks = [c.metadata.get("nbgrader", {}) for c in nbformat.read(path, as_version=4).cells]
    assert [each.points for each in marks if each.get("grade")] == [2, 2, 2, 2, 3]


def test_only_what_has_changed_is_graded_again(graded):
    before, scores = autograded(graded), rows(graded)
    graded.hand_in("right", "small", graded.answered("small", double="def double(n):\n    return n"))
    said = graded.rnngrader("grade", "small")
    assert said.count("(unchanged)") == len(CLASS) + len(FILES) - 1
    now, new_scores = autograded(graded), rows(graded)
    assert {student for student in now if now[student] != before[student]} == {"right"}
    assert {student for student in scores if scores[student] != new_scores[student]} == {"right"}
    assert new_scores["right"]["score"] == "5"
