"""Grades for Moodle and Canvas: every grade is in the file, in the row of its student, or named with the reason."""

import csv

import pytest
from nbgrader.api import Gradebook

from rnngrader import export, lms
from rnngrader.export import Outcome

CANVAS = """\
\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,01-rnn (4711),Quiz (12),Assignments Current Score,Final Score
,,,,,Manual Posting,,,
    Points Possible,,,,,20.00,5.00,(read only),(read only)
"Okafor, Ada",101,u1,okafor,Rnn,,3,60,60
"Lindqvist, Bo",102,u2,lindqvist,Rnn,11,4,80,80
"Haddad, Rim",103,u3,haddad,"Rnn, evening",EX,5,100,100
"Student, Test",104,,0f3c9a,Rnn,,,,
"""

MOODLE = """\
First name;Last name;ID number;Email address;Institution;Assignment: 01-rnn (Real);Last downloaded from this course
Ada;Okafor;0017;ada@example.org;;-;1760000000
Bo;Lindqvist;0018;bo@example.org;;-;1760000000
Rim;Haddad;0019;rim@example.org;;12.00;1760000000
"""


@pytest.fixture
def lists(tmp_path):
    for name, text in {"canvas.csv": CANVAS, "moodle.csv": MOODLE}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def graded(student, score, assignment="01-rnn", status=export.GRADED, reason=""):
    return Outcome(student, assignment, score, 20.0, status, reason, parts={"softmax": score})


def absent(student, status=export.MISSING, reason=""):
    return Outcome(student, "01-rnn", 0.0, 20.0, status, reason)


def as_canvas_reads(table):
    """What Canvas's import would take from a table: scores by student's ID and assignment, points by assignment."""
    header, *rows = table
    assert header[:2] == ["Student", "ID"] and len(header) > 3
    people = 3
    if header[2] == "SIS Login ID":
        people = 4
    elif header[2:4] == ["SIS User ID", "SIS Login ID"]:
        people = 5 + ("Integration ID" in header)
        people += header[people - 1] == "Root Account"
    assert header[people - 1] == "Section"  # else the import stops
    points, scores = {}, {}
    for row in rows:
        assert len(row) == len(header)
        if "Points Possible" in row[0]:
            points = dict(zip(header[people:], row[people:], strict=True))
        elif any(cell.strip() not in ("", "Manual Posting") for cell in row):
            scores[row[1]] = dict(zip(header[people:], row[people:], strict=True))
    return scores, points


def test_canvas_gets_its_own_rows_with_the_grades_and_nothing_else_changed(lists):
    placed = lms.place("canvas", [graded("lindqvist", 17.125), graded("okafor", 20)], lists / "canvas.csv")
    scores, points = as_canvas_reads(placed.table)
    assert points == {"01-rnn (4711)": "20.00"}
    assert scores == {
        "101": {"01-rnn (4711)": "20"},
        "102": {"01-rnn (4711)": "17.125"},
        "103": {"01-rnn (4711)": "EX"},  # as it was: an empty cell would take it away
        "104": {"01-rnn (4711)": ""},
    }
    assert placed.table[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01-rnn (4711)"]
    assert ["Haddad, Rim", "103", "u3", "haddad", "Rnn, evening", "EX"] in placed.table
    assert placed.unplaced == []
    assert placed.notes == [f"in {lists / 'canvas.csv'} and without a grade here: haddad, 0f3c9a"]


def test_a_grade_without_a_row_is_named_with_the_id_that_looks_alike(lists):
    found = [graded("Okafor", 20), graded("lindqvist", 17), graded("zhang", 3)]
    placed = lms.place("canvas", found, lists / "canvas.csv")
    roster = lists / "canvas.csv"
    assert placed.unplaced == [
        f"Okafor, 01-rnn: 20 points, not in {roster} (it has okafor, which is not the same)",
        f"zhang, 01-rnn: 3 points, not in {roster}",
    ]
    assert as_canvas_reads(placed.table)[0]["101"] == {"01-rnn (4711)": ""}


def test_the_column_of_ids_can_be_any_that_says_who_somebody_is(lists):
    for column, student in {"SIS User ID": "u2", "id": "102", "Student": "Lindqvist, Bo"}.items():
        placed = lms.place("canvas", [graded(student, 17)], lists / "canvas.csv", column)
        assert as_canvas_reads(placed.table)[0]["102"] == {"01-rnn (4711)": "17"}, column
        assert placed.unplaced == []
    with pytest.raises(ValueError, match="no column 'SIS ID'; its columns are Student, ID, SIS User ID"):
        lms.place("canvas", [graded("u2", 17)], lists / "canvas.csv", "SIS ID")
    with pytest.raises(ValueError, match="says nothing of who somebody is"):
        lms.place("canvas", [graded("3", 17)], lists / "canvas.csv", "Quiz (12)")


def test_several_assignments_and_one_that_canvas_does_not_have(lists):
    found = [graded("okafor", 20), graded("okafor", 9.5, "02-bptt")]
    placed = lms.place("canvas", found, lists / "canvas.csv")
    scores, points = as_canvas_reads(placed.table)
    assert points == {"01-rnn (4711)": "20.00", "02-bptt": "20"}
    assert scores["101"] == {"01-rnn (4711)": "20", "02-bptt": "9.5"}
    assert scores["103"] == {"01-rnn (4711)": "EX", "02-bptt": ""}
    assert "02-bptt: the roster has no assignment '02-bptt', so Canvas will offer to make it" in placed.notes


@pytest.mark.parametrize("title", ["Quiz", "Quiz (12)"])
def test_an_assignment_can_have_another_title_there(lists, title):
    (lists / "canvas.csv").write_text(CANVAS.replace("20.00,5.00", "20.00,20"), encoding="utf-8")
    placed = lms.place("canvas", [graded("okafor", 20)], lists / "canvas.csv", titles={"01-rnn": title})
    assert as_canvas_reads(placed.table)[0]["101"] == {"Quiz (12)": "20"}
    with pytest.raises(ValueError, match="a title is given for 02-bptt, which is not exported"):
        lms.place("canvas", [graded("okafor", 20)], lists / "canvas.csv", titles={"02-bptt": "Quiz"})


def test_points_that_mean_something_else_there_are_an_error(lists):
    with pytest.raises(ValueError, match=r"01-rnn is worth 20 points here and 5 in Canvas \(Quiz \(12\)\)"):
        lms.place("canvas", [graded("okafor", 20)], lists / "canvas.csv", titles={"01-rnn": "Quiz"})


def test_a_canvas_list_without_the_columns_of_a_student_system(lists):
    (lists / "canvas.csv").write_text("Student,ID,Section\nAda Okafor,101,Rnn\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no column 'SIS Login ID'"):
        lms.place("canvas", [graded("101", 17)], lists / "canvas.csv")
    placed = lms.place("canvas", [graded("101", 17)], lists / "canvas.csv", "ID")
    assert as_canvas_reads(placed.table) == ({"101": {"01-rnn": "17"}}, {"01-rnn": "20"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Name,Number\nAda,101\n", "is no export of Canvas's gradebook"),
        ("Student,ID,SIS Login ID\nAda,101,okafor\n", "is no export of Canvas's gradebook"),
        (CANVAS.replace("lindqvist", "okafor"), "more than one row for okafor"),
        (CANVAS.replace("Quiz (12)", "01-rnn (12)"), "2 columns for '01-rnn': 01-rnn .4711., 01-rnn .12."),
        (CANVAS.replace("okafor", "x").replace("SIS User ID", "SIS Login ID"), "2 columns 'SIS Login ID'"),
        (CANVAS.replace("okafor", "17"), "none of the 1 students with a grade is in the column 'SIS Login ID'"),
        (CANVAS.replace(",60,60", ",60,60,7"), "row 4 has 10 cells, the header 9"),
        ("Student,ID,SIS Login ID,Section\n", "has no rows below a header"),
        ("", "has no rows below a header"),
    ],
)
def test_a_wrong_canvas_list_is_an_error_that_says_what_is_wrong(lists, text, says):
    (lists / "canvas.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=says):
        lms.place("canvas", [graded("okafor", 20)], lists / "canvas.csv")


def test_a_spreadsheet_is_no_list(lists):
    (lists / "canvas.csv").write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not UTF-8 text: export it as CSV"):
        lms.place("canvas", [graded("okafor", 20)], lists / "canvas.csv")


def test_canvas_needs_a_list(lists):
    with pytest.raises(ValueError, match="export the gradebook there"):
        lms.place("canvas", [graded("okafor", 20)])


def test_moodle_gets_ids_and_grades(lists):
    placed = lms.place("moodle", [graded("0017", 20), graded("0018", 16.123456)])
    assert placed.table == [["ID number", "01-rnn"], ["0017", "20"], ["0018", "16.12346"]]
    placed = lms.place("moodle", [graded("okafor", 20)], id_column="Username", titles={"01-rnn": "Exercise 1"})
    assert placed.table == [["Username", "Exercise 1"], ["okafor", "20"]]


def test_moodle_gets_rows_of_its_list_that_have_a_grade_and_no_other(lists):
    """A row without a grade would take away the one that Moodle has, and an unknown id stops the whole import."""
    found = [graded("0018", 17), graded("17", 20), graded("9999", 5)]
    placed = lms.place("moodle", found, lists / "moodle.csv")
    assert placed.table == [
        ["First name", "Last name", "ID number", "Email address", "01-rnn"],
        ["Bo", "Lindqvist", "0018", "bo@example.org", "17"],
    ]
    assert placed.unplaced == [
        f"17, 01-rnn: 20 points, not in {lists / 'moodle.csv'} (it has 0017, which is not the same)",
        f"9999, 01-rnn: 5 points, not in {lists / 'moodle.csv'}",
    ]
    assert placed.notes == [f"in {lists / 'moodle.csv'} and without a grade here: 0017, 0019"]
    placed = lms.place("moodle", [graded("rim@example.org", 7)], lists / "moodle.csv", "Email address")
    assert placed.table[1:] == [["Rim", "Haddad", "0019", "rim@example.org", "7"]]


def test_no_two_columns_with_one_title(lists):
    with pytest.raises(ValueError, match="two columns 'ID number'"):
        lms.place("moodle", [graded("0018", 17)], titles={"01-rnn": "ID number"})


@pytest.mark.parametrize("form", ["moodle", "canvas"])
def test_who_has_no_grade_gets_none_and_is_named(lists, form):
    if form == "moodle":
        ids, column = ["0017", "0018", "0019"], None
    else:
        ids, column = ["okafor", "lindqvist", "haddad"], None
    found = [
        graded(ids[0], 17, status=export.WRITTEN),
        absent(ids[1]),
        absent(ids[2], export.WAITING),
        absent("gone", reason="The gradebook has a score of 9, but submitted/ has no such folder any more."),
        absent("odd", export.PERSON, "The folder holds x.docx."),
    ]
    placed = lms.place(form, found, lists / f"{form}.csv", column)
    assert placed.unplaced == [
        f"{ids[2]}, 01-rnn: handed in and not graded yet",
        "gone, 01-rnn: no grade. The gradebook has a score of 9, but submitted/ has no such folder any more.",
        "odd, 01-rnn: no grade, as a person must look. The folder holds x.docx.",
    ]
    assert f"01-rnn, written answer to be graded: the score is not final for {ids[0]}" in placed.notes
    assert f"01-rnn, not submitted: no grade in the table for {ids[1]}" in placed.notes
    if form == "moodle":
        assert [row[2] for row in placed.table[1:]] == ["0017"]
    else:
        assert as_canvas_reads(placed.table)[0]["102"] == {"01-rnn (4711)": "11"}  # what Canvas had


def test_every_grade_is_in_the_table_or_named(lists):
    """Counted over a class in which some match and some do not."""
    ids = ["okafor", "LINDQVIST", "haddad", "0f3c9a", *(f"stranger-{k}" for k in range(40))]
    found = [graded(student, k / 2) for k, student in enumerate(ids)]
    placed = lms.place("canvas", found, lists / "canvas.csv")
    scores = [row["01-rnn (4711)"] for row in as_canvas_reads(placed.table)[0].values()]
    assert sorted(scores) == ["0", "1", "1.5", "11"]  # 11 is what Canvas had for lindqvist
    assert len(placed.unplaced) == len(ids) - 3


# The commands.


@pytest.fixture(scope="module")
def class_of_three(small_course):
    """Three students of a small course, one of them graded and then gone from submitted/."""
    for student in ("0017", "okafor", "gone"):
        small_course.hand_in(student, "small", small_course.answered("small"))
    small_course.rnngrader("grade", "small")
    (small_course.root / "submitted" / "gone").rename(small_course.root / "elsewhere")
    return small_course


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_command_writes_the_file_and_its_status_says_what_is_not_in_it(class_of_three):
    root = class_of_three.root
    said = class_of_three.rnngrader("export", "small", "--format", "moodle", "--out", "m.csv", status=1)
    assert read(root / "m.csv") == [["ID number", "small"], ["0017", "8"], ["okafor", "8"]]
    assert "not in the file: gone, small: no grade. The gradebook has a score of 8, but submitted/" in said
    (root / "list.csv").write_text(
        "Student,ID,SIS Login ID,Section,Small one (7)\nPoints Possible,,,,11\nAda Okafor,101,okafor,Rnn,\n"
    )
    arguments = ["--format", "canvas", "--out", "c.csv", "--roster", "list.csv", "--title", "small=Small one"]
    said = class_of_three.rnngrader("export", "small", *arguments, status=1)
    assert as_canvas_reads(read(root / "c.csv")) == ({"101": {"Small one (7)": "8"}}, {"Small one (7)": "11"})
    assert "not in the file: 0017, small: 8 points, not in list.csv" in said
    class_of_three.rnngrader("export", "small", "--format", "csv", "--out", "g.csv")
    assert [row[:3] for row in read(root / "g.csv")[1:]] == [
        ["0017", "small", "8"], ["gone", "small", "0"], ["okafor", "small", "8"],
    ]  # fmt: skip


def test_nbgraders_own_command_takes_the_same_forms(class_of_three):
    root = class_of_three.root
    exporter = ["nbgrader", "export", "--exporter", "rnngrader.lms.Moodle", "--Moodle.id_column=Username"]
    arguments = ["--to", "n.csv", "--student", "['gone','okafor']", "--assignment", "['small']"]
    said = class_of_three.run(*exporter, *arguments, status=1)
    assert read(root / "n.csv") == [["Username", "small"], ["okafor", "8"]]
    assert "gone, small: no grade." in said
    said = class_of_three.run("nbgrader", "export", "--exporter", "rnngrader.lms.Canvas", status=2)
    assert "export the gradebook there" in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["smal", "--format", "csv"], "No such assignment: smal: grade it first"),
        (["small", "--format", "moodle", "--roster", "nowhere.csv"], "nowhere.csv"),
        (["small", "--format", "moodle", "--title", "small"], "--title is ASSIGNMENT=TITLE, not small"),
        (["small", "--format", "csv", "--roster", "list.csv"], "are for Moodle and Canvas"),
        (["small", "--format", "csv", "--class", "nowhere"], "grade the class first"),
    ],
)
def test_a_wrong_command_says_what_is_wrong_and_writes_nothing(class_of_three, arguments, says):
    said = class_of_three.rnngrader("export", *arguments, "--out", "never.csv", status=2)
    assert says in said and "Traceback" not in said
    assert not (class_of_three.root / "never.csv").exists() and not (class_of_three.root / "nowhere").exists()


def test_the_gradebook_is_left_as_it_was(class_of_three):
    with Gradebook(f"sqlite:///{class_of_three.root / 'gradebook.db'}") as gradebook:
        assert sorted(student.id for student in gradebook.students) == ["0017", "gone", "okafor"]
        assert gradebook.find_submission("small", "gone").score == 8
