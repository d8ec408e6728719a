"""The class report: what it counts, whom it names, and how it is seen."""

import csv
import html
import re
from datetime import datetime

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.api import Gradebook

from rnngrader.class_report import BINS, clock, counts, named_mistakes, run_time
from rnngrader.sample_class import MISSING_INITIAL_STATE, WRONG_SIGN
from rnnlib.checks.exercises import named
from rnnlib.checks.report import MIME

#: id -> first name, last name, email address
PEOPLE = {
    "s1017": ("Adaeze", "Okafor", "adaeze@mail.example"),
    "s1018": ("Bodil", "Lindqvist", "bodil@mail.example"),
    "s1019": ("<i>Ciro</i>", "Marchetti", "ciro@mail.example"),
    "s1020": ("Dewei", "Zhang & Sons", "dewei@mail.example"),
    "s1021": ("Élodie", "Dubois", "elodie@mail.example"),
    "s1022": ("Farid", "Haddad", "farid@mail.example"),
    "s1023": ("Greta", "Novak", "greta@mail.example"),
}

LATE = """
c.LateSubmissionPlugin.penalty_method = "zero"
"""


@pytest.fixture(scope="module")
def reported(course):
    """A class of seven in 01-rnn, graded, with both reports; the folder, and texts of the files by name."""
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text(encoding="utf-8") + LATE, encoding="utf-8")
    answers = {
        "s1017": {},
        "s1018": {"rnn_step": WRONG_SIGN},
        "s1019": {"rnn_step": WRONG_SIGN, "rnn_forward": MISSING_INITIAL_STATE},
        "s1020": {},
    }
    for student, changed in answers.items():
        course.hand_in(student, "01-rnn", course.answered("01-rnn", **changed))
    course.hand_in("s1023", "01-rnn", course.release("01-rnn"))
    stray = course.root / "submitted" / "s1021" / "01-rnn" / "Dubois s1021.docx"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"")
    stamp = course.root / "submitted" / "s1020" / "01-rnn" / "timestamp.txt"
    stamp.write_text("2026-03-02 14:30:00 UTC")
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        for student, (first, last, email) in PEOPLE.items():
            gradebook.add_student(student, first_name=first, last_name=last, email=email)
        gradebook.add_assignment("01-rnn", duedate=datetime(2026, 3, 1, 12))
    course.rnngrader("grade", "01-rnn")
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade("question-without-memory", "01-rnn", "01-rnn", "s1017")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        gradebook.db.commit()
    said = course.rnngrader("report", "01-rnn") + course.rnngrader("report", "01-rnn", "--anonymous")
    folder = course.root / "report"
    return folder, {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}, said


def table(text):
    rows = list(csv.DictReader(text.splitlines()))
    found = {(row["section"], row["item"], row["measure"]): row["value"] for row in rows if row["measure"] != "mistake"}
    return found, rows


def words(page):
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])))


def test_the_command_says_where_it_is(reported):
    _, files, said = reported
    assert sorted(files) == ["01-rnn-for-class.csv", "01-rnn-for-class.html", "01-rnn.csv", "01-rnn.html"]
    for name in files:
        assert f"report/{name}" in said


def test_each_function_has_its_distribution(reported):
    found, _ = table(reported[1]["01-rnn.csv"])

    def bins(item):
        return [found["function", item, f"scores: {label}"] for label in BINS]

    # Five ran: two are right, one has a wrong step, one a wrong step and a wrong sequence, one has nothing.
    assert bins("softmax") == ["1", "0", "0", "0", "0", "4"]
    assert bins("rnn_step") == ["3", "0", "0", "0", "0", "2"]
    assert bins("rnn_forward") == ["2", "0", "0", "0", "0", "3"]
    assert found["function", "rnn_step", "points"] == "3"
    assert found["function", "rnn_step", "median"] == "0" and found["function", "rnn_forward", "median"] == "4"
    assert found["function", "rnn_forward", "hidden check: points"] == "2"
    assert found["function", "rnn_forward", "hidden check: median"] == "2"
    # The written answer: one has points, one wrote nothing, three wait.
    assert bins("question-without-memory") == ["1", "0", "0", "0", "1", "0"]
    assert found["function", "question-without-memory", "students: waiting for a person"] == "3"


def test_the_class_is_counted(reported):
    found, _ = table(reported[1]["01-rnn.csv"])
    of_class = {measure: value for (section, _, measure), value in found.items() if section == "class"}
    assert of_class["students"] == "7" and of_class["students: late"] == "1"
    assert of_class["students: graded"] == "2" and of_class["students: written answer to be graded"] == "3"
    assert of_class["students: a person must look"] == "1" and of_class["students: not submitted"] == "1"
    # 19.5 and 0 graded; 14, 10 and (late) 0 without the written answer
    assert of_class["median score"] == "10"
    assert "median score 10 of 20" in words(reported[1]["01-rnn.html"])


@pytest.mark.parametrize("name", ["01-rnn", "01-rnn-for-class"])
def test_the_commonest_mistake_comes_first_with_its_sentence(reported, name):
    _, files, _ = reported
    rows = [row for row in table(files[f"{name}.csv"])[1] if row["section"] == "mistake"]
    assert [(row["item"], row["value"]) for row in rows] == [
        ("rnn.recurrent-sign", "2"),
        ("rnn.initial-state-ignored", "1"),
    ]
    assert rows[0]["text"].startswith("rnn_step: The recurrent term is subtracted. It is added")
    said = words(files[f"{name}.html"])
    assert "rnn.recurrent-sign in rnn_step 2 students The recurrent term is subtracted." in said
    assert "rnn.initial-state-ignored in rnn_forward 1 student The sequence starts from zeros" in said
    assert said.index("rnn.recurrent-sign") < said.index("rnn.initial-state-ignored")


def test_points_lost_by_what_has_no_name_are_counted(reported):
    found, _ = table(reported[1]["01-rnn.csv"])
    lost = [found["function", f, "students: points lost without a named mistake"] for f in ("softmax", "rnn_step")]
    assert lost == ["1", "1"]  # who wrote nothing
    assert found["function", "question-without-memory", "students: points lost without a named mistake"] == "0"


def test_the_instructor_sees_who_and_why(reported):
    _, files, _ = reported
    said, (found, rows) = words(files["01-rnn.html"]), table(files["01-rnn.csv"])
    holds = "The submission has no 01-rnn.ipynb; it holds Dubois s1021.docx."
    assert f"Who needs a person student why s1021 Élodie Dubois {holds}" in said
    assert "Who has not submitted s1022 Farid Haddad ." in said
    assert "s1020 Dewei Zhang & Sons 1 d 2 h 17" in said  # late by, penalty: all of the 17 points
    assert found["student", "s1020", "seconds late"] == "95400" and found["student", "s1020", "late penalty"] == "17"
    assert found["student", "s1020", "score"] == "0" and found["student", "s1017", "score"] == "19.5"
    assert found["student", "s1022", "score"] == "" and found["student", "s1022", "status"] == "not submitted"
    assert [row["value"] for row in rows if row["measure"] == "mistake" and row["item"] == "s1019"] == [
        "rnn.initial-state-ignored",
        "rnn.recurrent-sign",
    ]
    assert 0 < float(found["student", "s1018", "seconds"]) < 60
    assert "<i>Ciro" not in files["01-rnn.html"] and "<i>Ciro</i> Marchetti" in said


def test_the_version_for_the_class_names_nobody(reported):
    _, files, _ = reported
    secrets = {*PEOPLE, *(part for person in PEOPLE.values() for part in re.findall(r"\w{4,}", " ".join(person[:2])))}
    secrets |= {email for _, _, email in PEOPLE.values()} | {"docx", "mail.example"}
    for kind in ("html", "csv"):
        full, anonymous = (html.unescape(files[f"01-rnn{name}.{kind}"]).casefold() for name in ("", "-for-class"))
        assert [s for s in secrets if s.casefold() in anonymous] == []
        missed = {s for s in secrets if s.casefold() not in full}
        assert missed <= {e for _, _, e in PEOPLE.values()} | {"mail.example"}  # the search would have found them
    assert "without names, for showing in class" in files["01-rnn-for-class.html"]
    assert "handed in late 1" in words(files["01-rnn-for-class.html"])


def test_both_versions_count_alike(reported):
    full, anonymous = (table(reported[1][f"01-rnn{name}.csv"])[1] for name in ("", "-for-class"))
    assert anonymous == [row for row in full if row["section"] != "student"] and len(anonymous) < len(full)


@pytest.mark.parametrize("name", ["01-rnn.html", "01-rnn-for-class.html"])
def test_the_page_asks_nobody_and_runs_nothing(reported, name):
    page = reported[1][name]
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<link|<iframe|<img|https?:|\bon\w+=|@import|src=", page)
    assert set(re.findall(r"url\(([^)]*)\)", page)) == {"#stripes"}
    labels = re.findall(r'role="img" aria-label="([^"]*)"', page)
    steps = (
        "Scores of rnn_step: none 3, up to a quarter 0, up to a half 0, up to three quarters 0, less than all 0, all 2."
    )
    assert steps in labels and len(labels) == 1 + 7


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(reported, chromium, scheme):
    for width in (1280, 360):
        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page, asked, errors = context.new_page(), [], []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, errors=errors: errors.append(message.text))
        page.goto((reported[0] / "01-rnn.html").as_uri())
        assert errors == [] and len(asked) == 1  # itself
        assert page.evaluate("document.documentElement.scrollWidth") == width
        # What a bar means can be seen without colour: empty and dashed, striped, filled.
        look = "e => { const s = getComputedStyle(e); return [s.fill, s.strokeDasharray]; }"
        none, some, whole = (page.locator(f"rect.{kind}").first.evaluate(look) for kind in ("none", "some", "all"))
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert none == [back, "4px, 2.5px"] and some == ['url("#stripes")', "none"]
        assert whole == [{"light": "rgb(0, 88, 143)", "dark": "rgb(124, 196, 245)"}[scheme], "none"]
        # No text of a plot lies outside of it or over another.
        boxes = page.evaluate(
            "[...document.querySelectorAll('svg.bars')].map(svg => [svg, ...svg.querySelectorAll('text')]"
            ".map(e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; }))"
        )
        assert len(boxes) == 8
        for (left, top, right, bottom), *texts in boxes:
            assert len(texts) == 12
            for k, (x, y, x2, y2) in enumerate(texts):
                assert left <= x and x2 <= right and top - 0.5 <= y and y2 <= bottom + 0.5
                assert not any(x < o[2] and o[0] < x2 and y < o[3] and o[1] < y2 for o in texts[:k])
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        context.close()


def test_what_was_never_graded_has_no_report(course, reported):
    said = course.rnngrader("report", "02-bptt", status=2)
    assert "02-bptt is not in the gradebook, which holds 01-rnn: grade it first" in said and "Traceback" not in said
    said = course.rnngrader("report", "01-rnn", "--class", "nowhere", status=2)
    assert "grade the class first" in said and not (course.root / "nowhere").exists()


def test_submissions_graded_before_reports_carried_names_are_said(course, reported):
    """Nothing is counted as known where it is not. Changes the class: the last test that looks at it."""
    for student in ("s1018", "s1019"):
        path = course.root / "autograded" / student / "01-rnn" / "01-rnn.ipynb"
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                output.get("data", {}).pop(MIME, None)
        nbformat.write(notebook, path)
    course.rnngrader("report", "01-rnn")
    page = (reported[0] / "01-rnn.html").read_text(encoding="utf-8")
    assert "The checks of 2 submissions were run by an older version" in words(page)
    assert "rnn.recurrent-sign" not in page
    found, _ = table((reported[0] / "01-rnn.csv").read_text(encoding="utf-8"))
    assert found["function", "rnn_step", "students: points lost without a named mistake"] == "1"


# The parts.


def test_scores_fall_into_bins_whose_upper_end_is_theirs():
    assert counts([0, 0.5, 1, 1.1, 2, 3, 3.9, 4, 4.5], 4) == [1, 2, 2, 1, 1, 2]
    assert counts([0.1 + 0.2, 0.3], 0.3) == [0, 0, 0, 0, 0, 2]
    assert counts([0.0], 0.0) == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "not known"), (0, "0.0 s"), (2.46, "2.5 s"), (59.94, "59.9 s"), (59.99, "1 min 0 s"),
        (200, "3 min 20 s"), (3599.7, "1 h 0 min"), (18_600, "5 h 10 min"), (86_399, "23 h 59 min"),
        (183_600, "2 d 3 h"),
    ],
)  # fmt: skip
def test_a_time_is_said_in_two_units(seconds, said):
    assert clock(seconds) == said


def graded_cell(grade_id, *bundles):
    cell = new_code_cell("check(rnn_step)")
    cell.metadata["nbgrader"] = {"grade_id": grade_id, "grade": True, "points": 1}
    cell.outputs = [new_output("display_data", bundle) for bundle in bundles]
    return cell


def bundle(exercise="rnn_step", hidden=False, mistakes=("rnn.bias-sign",), text=""):
    return {MIME: {"exercise": exercise, "hidden": hidden, "mistakes": list(mistakes)}, "text/plain": text}


def test_mistakes_are_read_from_the_report_of_the_cell_itself():
    known = {"rnn.bias-sign": "The bias `b` is subtracted; it is added."}
    assert named_mistakes(graded_cell("rnn_step-check", bundle())) == known
    assert named_mistakes(graded_cell("rnn_step-hidden", bundle(hidden=True))) == known
    assert named_mistakes(graded_cell("rnn_step-hidden", bundle())) is None
    assert named_mistakes(graded_cell("rnn_step-check", bundle(exercise="readout"))) is None
    assert named_mistakes(graded_cell("rnn_step-check")) is None
    last = [bundle(mistakes=["rnn.bias-missing"]), bundle(), {"text/plain": "2.0"}]
    assert named_mistakes(graded_cell("rnn_step-check", *last)) == known


def test_the_sentence_is_the_one_that_the_student_read():
    axis = "The probabilities sum to 1 over axis 1"
    cell = graded_cell("softmax-check", bundle("softmax", mistakes=["rnn.softmax-axis"]))
    assert not named_mistakes(cell)["rnn.softmax-axis"].startswith(axis)
    (sentence,) = {m.words for m in named("softmax").mistakes if m.words.startswith(axis)}
    cell = graded_cell(
        "softmax-check", bundle("softmax", mistakes=["rnn.softmax-axis"], text=f"✗ failed: {sentence} …")
    )
    assert named_mistakes(cell) == {"rnn.softmax-axis": sentence}


@pytest.mark.parametrize(
    "forged",
    [
        {MIME: {"exercise": "rnn_step", "hidden": False, "mistakes": ["rnn.loss-sum", "<script>", 7, None]}},
        {MIME: {"exercise": "rnn_step", "hidden": False, "mistakes": "rnn.bias-sign"}},
        {MIME: {"exercise": "rnn_step", "hidden": False}},
    ],
)
def test_a_forged_report_brings_nothing_that_the_catalogue_does_not_have(forged):
    assert named_mistakes(graded_cell("rnn_step-check", forged)) == {}


@pytest.mark.parametrize("forged", [["rnn_step"], "rnn_step", 3, None, {"exercise": ["rnn_step"], "hidden": 0}])
def test_what_is_no_report_is_none(forged):
    assert named_mistakes(graded_cell("rnn_step-check", {MIME: forged})) is None


def test_the_time_is_that_of_the_cells_which_have_one():
    cells = [new_code_cell("1") for _ in range(4)]
    stamps = {
        "iopub.execute_input": "2026-03-01T12:00:00.000000Z",
        "shell.execute_reply": "2026-03-01T12:00:01.500000Z",
    }
    cells[0].metadata["execution"] = stamps
    cells[1].metadata["execution"] = {**stamps, "shell.execute_reply": "2026-03-01T12:00:00.250000Z"}
    cells[2].metadata["execution"] = {**stamps, "shell.execute_reply": "yesterday"}
    assert run_time(new_notebook(cells=cells)) == 1.75
    assert run_time(new_notebook(cells=cells[2:])) is None
