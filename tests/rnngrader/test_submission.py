"""Reading any file, and rebuilding the notebook that is graded."""

import json

import nbformat
import pytest
from courses import FULL, mark
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from rnngrader.submission import Unreadable, parse, rebuild


def make_release():
    return new_notebook(
        cells=[
            new_markdown_cell("# Text", id="text"),
            new_code_cell("import numpy as np", id="imports"),
            mark(new_code_cell("def f(): stub", id="f"), solution=True),
            mark(new_code_cell("check(f)", id="f-check"), grade=True, locked=True, points=2),
            new_code_cell("f()", id="demo"),
            mark(new_markdown_cell("write here", id="why"), solution=True, grade=True, points=3),
        ]
    )


@pytest.fixture
def release():
    return make_release()


def handed_in(notebook):
    return parse(nbformat.writes(notebook).encode())


def ids(notebook):
    return [cell.id for cell in notebook.cells]


def sources(notebook):
    return {cell.id: cell.source for cell in notebook.cells}


def test_an_untouched_release_comes_back_as_it_was(release):
    rebuilt, notes = rebuild(release, handed_in(release))
    assert rebuilt == release
    assert notes.notes == [] and notes.person == []


def test_only_answers_own_cells_and_edited_code_are_taken(release):
    student = nbformat.from_dict(json.loads(nbformat.writes(release)))
    student.cells[0].source = "# My text"
    student.cells[1].source = "import numpy as np\nimport math"
    student.cells[2].source = "def f(): return 1"
    student.cells[3].source = "2.0"
    student.cells[3].metadata.nbgrader.points = 200
    student.cells[5].source = "Because."
    student.cells.insert(2, new_code_cell("def helper(): pass", id="mine"))
    rebuilt, notes = rebuild(release, handed_in(student))
    assert ids(rebuilt) == ["text", "imports", "own-0", "f", "f-check", "demo", "why"]
    assert sources(rebuilt) == {
        "text": "# Text",
        "imports": "import numpy as np\nimport math",
        "own-0": "def helper(): pass",
        "f": "def f(): return 1",
        "f-check": "check(f)",
        "demo": "f()",
        "why": "Because.",
    }
    assert rebuilt.cells[4].metadata.nbgrader.points == 2
    assert release.cells[2].source == "def f(): stub"
    assert notes.notes == []


def test_deleted_cells_come_back_and_a_deleted_answer_is_no_answer(release):
    student = new_notebook(cells=[release.cells[0], release.cells[5]])
    rebuilt, notes = rebuild(release, handed_in(student))
    assert rebuilt.cells == release.cells
    assert notes.notes == [
        "f: the answer's cell was deleted, so it counts as not answered",
        "f-check: this cell was deleted; it was put back",
    ]


def test_of_duplicates_the_last_counts_and_the_others_still_run_before_it(release):
    first = mark(new_code_cell("def f(): return 1", id="f"), solution=True)
    last = mark(new_code_cell("g = f", id="copied"), solution=True, grade_id="f")
    student = new_notebook(cells=[*release.cells[:2], first, last, *release.cells[3:]])
    rebuilt, notes = rebuild(release, handed_in(student))
    assert ids(rebuilt) == ["text", "imports", "own-0", "f", "f-check", "demo", "why"]
    assert sources(rebuilt)["own-0"] == "def f(): return 1"
    assert sources(rebuilt)["f"] == "g = f"
    assert "nbgrader" not in rebuilt.cells[2].metadata
    assert notes.notes == ["f: 2 cells hold this answer; the last one counts"]


def test_retyped_cells_get_their_type_back(release):
    student = nbformat.from_dict(json.loads(nbformat.writes(release)))
    student.cells[2] = mark(new_markdown_cell("def f(): return 1", id="f"), solution=True)
    student.cells[3] = mark(new_markdown_cell("check(f)", id="f-check"), grade=True, locked=True, points=2)
    rebuilt, notes = rebuild(release, handed_in(student))
    assert [cell.cell_type for cell in rebuilt.cells] == [cell.cell_type for cell in release.cells]
    assert sources(rebuilt)["f"] == "def f(): return 1"
    assert notes.notes == [
        "f: this answer was a markdown cell; it is read as code",
        "f-check: this cell's type was changed; it was changed back",
    ]


def test_an_answer_that_lost_its_mark_is_found_by_its_id(release):
    student = nbformat.from_dict(json.loads(nbformat.writes(release)))
    student.cells[2] = new_code_cell("def f(): return 1", id="f")
    rebuilt, notes = rebuild(release, handed_in(student))
    assert sources(rebuilt)["f"] == "def f(): return 1"
    assert rebuilt.cells[2].metadata == release.cells[2].metadata
    assert notes.notes == []


def without_marks(notebook):
    """A notebook's cells as a tool leaves them that drops metadata and ids."""
    cells = [{"cell_type": cell.cell_type, "source": cell.source, "metadata": {}} for cell in notebook.cells]
    return parse(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 4, "metadata": {}}).encode())


def test_an_answer_that_lost_mark_and_id_is_found_by_its_definition(release):
    student = nbformat.from_dict(json.loads(nbformat.writes(release)))
    student.cells[2].source = "import math\ndef f (): return 1"
    student.cells[5].source = "Because."
    student.cells.insert(4, new_code_cell("f() + 1", id="mine"))
    rebuilt, notes = rebuild(release, without_marks(student))
    assert ids(rebuilt) == ["text", "imports", "f", "f-check", "own-0", "demo", "own-1", "why"]
    assert sources(rebuilt)["f"] == "import math\ndef f (): return 1"
    assert rebuilt.cells[2].metadata == release.cells[2].metadata
    assert notes.notes[0] == "f: the answer's cell had lost its mark; it was found by `def f`"
    assert notes.person == ["The answer to why was not found by its cell; it may stand elsewhere."]
    assert notes.by_hand == ["why"]


def test_one_cell_may_define_several_answers(release):
    release.cells.insert(4, mark(new_code_cell("def g(): stub", id="g"), solution=True))
    both = "def f(): return 1\n\ndef g(): return 2"
    rebuilt, _ = rebuild(release, without_marks(new_notebook(cells=[new_code_cell(both)])))
    assert sources(rebuilt)["f"] == sources(rebuilt)["g"] == both


def test_a_definition_counts_only_where_the_answers_own_cell_is_gone(release):
    student = new_notebook(cells=[*release.cells, new_code_cell("def f(): return 1", id="later")])
    rebuilt, notes = rebuild(release, handed_in(student))
    assert sources(rebuilt)["f"] == "def f(): stub"
    assert sources(rebuilt)["own-0"] == "def f(): return 1"
    inside = new_code_cell("class A:\n    def f(self): return 1")
    rebuilt, notes = rebuild(release, without_marks(new_notebook(cells=[release.cells[0], inside])))
    assert sources(rebuilt)["f"] == "def f(): stub"
    assert "f: the answer's cell was deleted, so it counts as not answered" not in notes.notes


@pytest.mark.parametrize("cell", [new_code_cell("def h(): return 1"), new_markdown_cell("f is 1")])
def test_where_no_answer_is_found_a_person_looks_at_everything(release, cell):
    rebuilt, notes = rebuild(release, without_marks(new_notebook(cells=[*release.cells[:2], cell])))
    assert notes.person == ["None of the exercise's cells is in this notebook."]
    assert notes.by_hand == ["f-check", "why"]
    assert notes.notes == []
    assert [c.source for c in rebuilt.cells if c.id not in ids(release)] == [cell.source]


def test_an_untouched_release_without_marks_needs_nobody(release):
    rebuilt, notes = rebuild(release, without_marks(release))
    assert rebuilt == release
    assert notes.notes == notes.person == notes.by_hand == []


def test_a_byte_order_mark_is_no_hindrance(release):
    assert parse(b"\xef\xbb\xbf" + nbformat.writes(release).encode()) == handed_in(release)


def test_a_cell_with_a_made_up_mark_is_the_students_own(release):
    made_up = mark(new_code_cell("f = lambda: 1", id="extra"), grade=True, points=50)
    student = new_notebook(cells=[*release.cells, made_up])
    rebuilt, _ = rebuild(release, handed_in(student))
    assert ids(rebuilt)[-1] == "own-0"
    assert rebuilt.cells[-1].metadata == {}


def test_text_is_recognised_when_an_old_jupyter_dropped_the_ids(release):
    student = json.loads(nbformat.writes(release))
    student["nbformat_minor"] = 4
    for cell in student["cells"]:
        del cell["id"]
    rebuilt, notes = rebuild(release, parse(json.dumps(student).encode()))
    assert rebuilt == release
    assert notes.notes == []


def test_pictures_in_a_written_answer_and_in_a_cell_of_their_own_stay(release):
    student = nbformat.from_dict(json.loads(nbformat.writes(release)))
    student.cells[5].source = "![](attachment:a.png)"
    student.cells[5].attachments = {"a.png": {"image/png": "iVBORw0="}}
    student.cells.append(new_markdown_cell("![](attachment:b.png)", attachments={"b.png": {"image/png": "iVBORw0="}}))
    rebuilt, _ = rebuild(release, handed_in(student))
    assert rebuilt.cells[5].attachments == {"a.png": {"image/png": "iVBORw0="}}
    assert rebuilt.cells[-1].attachments == {"b.png": {"image/png": "iVBORw0="}}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not text"),
        (b'{"cells": [', "cut off"),
        (b"[" * 200_000, "cut off"),
        (b"[]", "no list of cells"),
        (b'{"cells": {"a": 1}}', "no list of cells"),
        (b'{"cells": [1, "x", null, {}]}', "lists as cells are none"),
        (b'{"worksheets": 3, "nbformat": 3}', "old format"),
    ],
)
def test_what_is_no_notebook_is_said_to_be_none(data, words):
    with pytest.raises(Unreadable, match=words):
        parse(data)


def test_strange_cells_are_read_as_far_as_they_go(release):
    strange = [
        None, 7, {}, {"cell_type": "code", "source": {"a": 1}}, {"cell_type": ["code"], "source": ["x", 3]},
        {"cell_type": "code", "source": "ok = 1\ud800", "metadata": [], "id": 5, "attachments": {"a": 1}},
        {"cell_type": "code", "source": "f = 1", "metadata": {"nbgrader": {"grade_id": ["f"]}}},
    ]  # fmt: skip
    rebuilt, _ = rebuild(release, parse(json.dumps({"cells": strange}).encode()))
    assert [cell.source for cell in rebuilt.cells[:3]] == ["x", "ok = 1?", "f = 1"]
    nbformat.validate(rebuilt)
    assert ids(rebuilt)[3:] == ids(release)


def test_an_own_cell_cannot_take_the_id_of_a_release_cell(release):
    own = new_code_cell("a = 1", id="x")
    release.cells[4].id = "own-0"
    rebuilt, _ = rebuild(release, handed_in(new_notebook(cells=[own, *release.cells])))
    assert ids(rebuilt) == ["own-0-", "text", "imports", "f", "f-check", "own-0", "why"]


def test_an_old_notebook_is_converted(release):
    answer = {"cell_type": "code", "input": "def f(): return 1", "language": "python", "outputs": []}
    answer["metadata"] = {"nbgrader": {"grade_id": "f"}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": [answer]}]}
    rebuilt, _ = rebuild(release, parse(json.dumps(old).encode()))
    assert sources(rebuilt)["f"] == "def f(): return 1"


# Fuzzing: whatever comes is read or refused, and what is graded is always the release.

SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6)
NAMES = st.sampled_from(["f", "f-check", "demo", "why", "imports", "own-0", ""])
JSON = st.recursive(
    SCALAR | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
SOURCES = st.sampled_from(
    ["def f(): return 1", "def f(): stub", "check(f)", "1 +", "", "\ud800", "def g(): pass\ndef f(): 2"]
)
MARKS = st.fixed_dictionaries({}, optional={"grade_id": NAMES | JSON, "points": JSON, "solution": JSON, "grade": JSON})
CELL = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw"]) | JSON,
        "source": SOURCES | st.lists(SOURCES, max_size=2) | JSON,
        "id": NAMES | JSON,
        "metadata": st.fixed_dictionaries({}, optional={"nbgrader": MARKS | JSON}) | JSON,
        "attachments": JSON,
        "outputs": JSON,
    },
)
FILE = st.fixed_dictionaries(
    {"cells": st.lists(CELL | JSON, max_size=8) | JSON},
    optional={"nbformat": JSON, "metadata": JSON, "worksheets": JSON},
)


def has_an_outcome(data):
    """Rebuild what is handed in, unless it is said to be no notebook; the graded cells are the release's own."""
    try:
        cells = parse(data)
    except Unreadable as error:
        assert str(error)
        return
    release = make_release()
    rebuilt, notes = rebuild(release, cells)
    nbformat.validate(rebuilt)
    nbformat.writes(rebuilt).encode()
    assert [cell.id for cell in rebuilt.cells if cell.id in ids(release)] == ids(release)
    assert len({cell.id for cell in rebuilt.cells}) == len(rebuilt.cells)
    for cell, own in ((cell, own) for cell in release.cells for own in rebuilt.cells if own.id == cell.id):
        assert own.metadata == cell.metadata and own.cell_type == cell.cell_type
        assert own.source == cell.source or cell.id in ("imports", "f", "demo", "why")
    assert [cell for cell in rebuilt.cells if "nbgrader" in cell.metadata and cell.id not in ids(release)] == []
    assert set(notes.by_hand) <= {"f-check", "why"}


@given(FILE | JSON)
@settings(max_examples=1000 if FULL else 40, deadline=None)
def test_any_json_is_rebuilt_or_refused(tree):
    has_an_outcome(json.dumps(tree).encode())


@given(st.binary(max_size=60) | st.binary(max_size=10).map(lambda end: b'{"cells": [' + end))
@settings(max_examples=1000 if FULL else 40, deadline=None)
def test_any_bytes_are_read_or_refused(data):
    has_an_outcome(data)


@given(st.lists(st.integers(0, 5), max_size=9), st.data())
@settings(max_examples=500 if FULL else 30, deadline=None)
def test_a_notebook_with_cells_deleted_doubled_moved_and_changed_is_rebuilt(order, data):
    cells = [json.loads(json.dumps(make_release().cells[k])) for k in order]
    for cell in cells:
        cell.update(data.draw(CELL))
    has_an_outcome(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode())
