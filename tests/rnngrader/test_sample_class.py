"""The sample class, graded in one run: what each student deserves, and what their page says."""

import csv
import re

import pytest

#: student -> (points of 20 before the written answer is read, status, the functions that lost points)
DESERVED = {
    "broken-file": (0, "a person must look", "all"),
    "deleted-cell": (15, "written answer to be graded", {"readout": 0}),
    "endless-loop": (13, "written answer to be graded", {"rnn_forward": 0}),
    "exception": (15, "written answer to be graded", {"readout": 0}),
    "missing-initial-state": (13, "written answer to be graded", {"rnn_forward": 0}),
    "missing-transpose": (14, "written answer to be graded", {"rnn_step": 0}),
    "perfect": (17, "written answer to be graded", {}),
    "syntax-error": (14, "written answer to be graded", {"rnn_step": 0}),
    "untouched": (0, "graded", "all"),
    "wrong-sign": (14, "written answer to be graded", {"rnn_step": 0}),
}
POINTS = {"softmax": 2, "cross_entropy": 3, "rnn_step": 3, "rnn_forward": 4, "readout": 2, "sample": 3}

#: student -> words that their page must have
WORDS = {
    "broken-file": ["A person will look at this submission", "could not be read", "cut off"],
    "deleted-cell": ["readout: the answer's cell was deleted", "readout-check: this cell was deleted"],
    "endless-loop": ["did not return within"],
    "exception": ["NameError", "bias"],
    "missing-initial-state": ["Your code: <code>rnn_forward</code>"],
    "missing-transpose": ["Your code: <code>rnn_step</code>"],
    "perfect": ["17 of 20 points</b> so far", "not graded yet"],
    "syntax-error": ["SyntaxError", "14 of 20 points</b> so far"],
    "untouched": ["0 of 20 points</b>", "not written yet"],
    "wrong-sign": ["14 of 20 points</b> so far"],
}


@pytest.fixture(scope="module")
def graded(course):
    with open(course.root / "nbgrader_config.py", "a", encoding="utf-8") as config:
        config.write("\nc.Sandbox.call_seconds = 1.0\n")  # one of them has a loop without end
    said = course.run("rnngrader", "sample-class")
    folder = course.root / "_build" / "sample-class"
    with open(folder / "grades.csv", newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    pages = {
        student: (folder / "feedback" / student / "01-rnn" / "01-rnn.html").read_text(encoding="utf-8")
        for student in DESERVED
    }
    return said, rows, pages


def test_one_run_grades_all_and_says_where_things_are(graded):
    said, rows, _ = graded
    assert sorted(rows) == sorted(DESERVED)
    numbers = set()
    for student, (score, *_) in DESERVED.items():
        numbers.add(re.search(rf"\[(\d+)/{len(DESERVED)}\] {student}: {score} of 20", said)[1])
    assert len(numbers) == len(DESERVED)  # each line has its own, in the order in which they were done
    assert "_build/sample-class/grades.csv" in said and "_build/sample-class/feedback/<student>/01-rnn" in said
    assert "report:   _build/sample-class/report/01-rnn.html" in said


def test_the_class_report_counts_what_the_class_is_made_of(graded, course):
    page = (course.root / "_build" / "sample-class" / "report" / "01-rnn.html").read_text(encoding="utf-8")
    made = re.findall(r"<code>(rnn\.[\w-]+)</code> in <code>(\w+)</code></span><b>(\d+) student", page)
    assert made == [
        ("rnn.recurrent-sign", "rnn_step", "1"),
        ("rnn.recurrent-transposed", "rnn_step", "1"),
        ("rnn.initial-state-ignored", "rnn_forward", "1"),
    ]
    assert "The submitted notebook could not be read" in page


@pytest.mark.parametrize("student", DESERVED)
def test_the_score_is_the_one_deserved(graded, student):
    _, rows, _ = graded
    score, status, lost = DESERVED[student]
    row = rows[student]
    points = dict.fromkeys(POINTS, 0) if lost == "all" else {**POINTS, **lost}
    assert {name: float(row[name]) for name in POINTS} == points
    assert (float(row["score"]), float(row["max_score"]), row["status"]) == (score, 20, status)
    assert row["needs_manual_grade"] == ("no" if status == "graded" else "yes")


def test_the_broken_file_has_its_reason_in_the_table(graded):
    _, rows, _ = graded
    assert rows["broken-file"]["reason"].startswith("The submitted notebook could not be read: ")
    assert rows["perfect"]["reason"] == ""


@pytest.mark.parametrize("student", DESERVED)
def test_the_page_tells_the_student_what_happened(graded, course, student):
    page = graded[2][student]
    for words in WORDS[student]:
        assert words in page, words
    assert "Traceback (most" not in page and "site-packages" not in page and "rnnlib/checks" not in page
    assert str(course.root) not in page and "/ipykernel_" not in page


@pytest.mark.parametrize("student", DESERVED)
def test_the_page_shows_no_hidden_test_and_asks_no_other_host(graded, student):
    page = graded[2][student]
    for words in ("hidden=True", "BEGIN HIDDEN", "SOLUTION", "Marking scheme"):
        assert words not in page
    assert "<script" not in page
    loads = re.findall(r"""(?:src|href)=["'](?!data:|#)([^"']+)""", page) + re.findall(r"url\((?!data:)", page)
    assert loads == []
    assert "default-src 'none'" in page


def test_a_second_run_grades_nothing_again(graded, course):
    said = course.run("rnngrader", "sample-class")
    assert said.count("(unchanged)") == len(DESERVED)
