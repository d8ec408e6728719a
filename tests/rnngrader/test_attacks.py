"""Attacks and faults as submissions: each gets the points that its functions deserve, and leaves nothing behind.

`benchmarks/attacks.py` has the table. `make test` runs some rows of each kind, `make attacks` all.
"""

import os
import resource
import time

import nbformat
import pytest
from courses import FULL, descendants
from nbgrader.utils import is_grade

from benchmarks import beside_stock
from benchmarks.attacks import ATTACKS, LIMITS, NAME, READOUT, RIGHT, notebook_of, with_hidden
from rnngrader import split
from rnngrader.pipeline import points_of
from rnngrader.sandbox import Sandbox
from rnngrader.split import Execution, Pair
from rnngrader.submission import parse, rebuild

SEED = "the hidden word"
QUICK = """
    reads-notebooks reads-the-first-environment network sql endless-deaf-cell memory processes stays flood-long
    exits-hard exits-hard-in-a-call signals-the-parent closes-files own-check patches-comparison patches-builtins
    equals-all float-subclass input-transformer callers-frames says-more forged-later writes-to-files duplicated-check
    honest warns-in-a-call
""".split()
#: What changes the gradebook, the notebook's marks or the file, and so needs the whole way. `make attacks` takes all.
IN_A_CLASS = """
    sql truncates-the-gradebook a-score-that-is-no-number duplicated-answer points-changed empty-file foreign-notebook
    huge-file link own-library
""".split()
ROWS = [name for name, row in ATTACKS.items() if not row.is_file] if FULL else QUICK


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release") / NAME
    folder.mkdir()
    nbformat.write(with_hidden(), folder / f"{NAME}.ipynb")
    (folder / "data.txt").write_text("data")
    grace, split.GRACE = split.GRACE, 0.7
    pair = Pair(Sandbox(**LIMITS), folder, {"RNNLIB_HIDDEN_SEED": SEED})
    yield pair
    split.GRACE = grace
    pair.close()


def graded(pair, file):
    """The points of each check, the problems, all that is to be read, the run, and the notebook."""
    notebook, notes = rebuild(with_hidden(), parse(file))
    execution = Execution(pair, with_hidden(), timeout=2)
    execution.run(notebook.cells, lambda cell: cell.id)
    points, problems = zip(*(points_of(cell) for cell in notebook.cells if is_grade(cell)), strict=True)
    shown = [text_of(output) for cell in notebook.cells for output in cell.outputs]
    problems = [problem for problem in problems if problem] + notes.person + execution.person
    return points, problems, "\n".join(shown + notes.notes + execution.notes), notebook


def text_of(output):
    """All that an output has for a reader, as text."""
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output.text if output.output_type == "stream" else output.data.get("text/plain", "")


HONEST = (1.0, 1.0, 1.0, 1.0)
LOOK = "import os\nprint(*(sorted(os.listdir(d)) for d in ('/tmp', '/dev/shm', '/submission', '.')))"


@pytest.mark.parametrize("name", ROWS)
def test_an_attack_gets_what_its_functions_deserve_and_leaves_nothing(pair, name):
    row = ATTACKS[name]
    pair.student.start()
    pair.tests.start()
    before = descendants(os.getpid())
    start = time.monotonic()
    points, problems, shown, notebook = graded(pair, row.file())
    took = time.monotonic() - start
    assert (sum(points), problems) == (row.deserved, []), (points, shown[-3000:])
    if row.shows is not None:
        assert row.shows in shown, shown[:3000]
    assert row.found is None or row.found not in shown
    assert len(str(notebook)) < 2 * 2**20
    assert took < 30, "took too long"
    until = time.monotonic() + 2
    while descendants(os.getpid()) - before and time.monotonic() < until:  # the last one goes when all others are gone
        time.sleep(0.01)
    assert descendants(os.getpid()) - before == set()
    # The next one in the same containers sees nothing of it, and gets all of theirs.
    points, problems, shown, _ = graded(pair, nbformat.writes(notebook_of(RIGHT, READOUT, LOOK)).encode())
    assert (points, problems) == (HONEST, [])
    assert "[] [] ['data.txt'] ['data.txt']" in shown, shown[:500]


def test_a_class_of_attacks_gets_what_it_deserves_and_the_honest_between_them_too(tmp_path):
    found, first = beside_stock.ours({name: ATTACKS[name] for name in IN_A_CLASS}, tmp_path)
    for name in IN_A_CLASS:
        row, line = ATTACKS[name], found[name]
        assert (float(line["score"]), line["status"] == "a person must look") == (row.deserved, row.person), line
        assert row.own is not None or row.shows in line["reason"], line
    assert found[beside_stock.BEFORE] == first
    for student in (beside_stock.MIDDLE, beside_stock.AFTER):
        assert found[student] == {**first, "student_id": student}
    assert (first["score"], first["max_score"], first["status"], first["reason"]) == ("4", "4", "graded", "")


def test_an_import_may_take_its_time(pair):
    own = "import torch\nprint(torch.arange(4).sum())"
    notebook, _ = rebuild(with_hidden(), parse(nbformat.writes(notebook_of(RIGHT, READOUT, own)).encode()))
    Execution(pair, with_hidden(), timeout=120).run(notebook.cells, lambda cell: cell.id)
    assert [text_of(output) for output in notebook.cells[1].outputs] == ["tensor(6)\n"]
    assert [points_of(cell)[0] for cell in notebook.cells if is_grade(cell)] == list(HONEST)


def test_all_of_it_took_little_memory_here():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert peak < 2 * 2**30
