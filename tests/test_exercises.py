"""exercises/ is what solutions/ gives, and gives nothing away."""

import os
from pathlib import Path

import nbformat
import pytest

from rnngrader.exercises import generate, strangers

ROOT = Path(__file__).resolve().parents[1]
ASSIGNMENTS = sorted(path.parent.name for path in (ROOT / "solutions").glob("*/*.ipynb"))
assert ASSIGNMENTS


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path_factory):
    """nbgrader's configuration sets environment variables, and Jupyter writes to its folders: neither may stay."""
    for name, value in os.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("RNNLIB_HIDDEN_SEED", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    for name in ("DATA", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path_factory.mktemp(name)))


def read(kind, assignment):
    return nbformat.read(ROOT / kind / assignment / f"{assignment}.ipynb", as_version=4)


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    }


def test_regenerating_changes_nothing(tmp_path):
    gradebook = ROOT / "gradebook.db"
    before = gradebook.exists()
    generate(ROOT, tmp_path)
    assert files(tmp_path) == files(ROOT / "exercises")
    assert generate(ROOT, tmp_path) == []
    assert gradebook.exists() == before


def test_a_change_in_the_release_is_undone(tmp_path):
    generate(ROOT, tmp_path)
    notebook = tmp_path / ASSIGNMENTS[0] / f"{ASSIGNMENTS[0]}.ipynb"
    before = notebook.read_bytes()
    notebook.write_bytes(before.replace(b"NotImplementedError", b"ValueError"))
    assert generate(ROOT, tmp_path) == [notebook]
    assert notebook.read_bytes() == before


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_no_solution_hidden_test_or_marking_scheme_is_released(assignment):
    source, release = read("solutions", assignment), read("exercises", assignment)
    text = "\n".join(cell.source for cell in release.cells)
    for words in ("BEGIN SOLUTION", "HIDDEN TESTS", "hidden=True", "MARK SCHEME", "Marking scheme", "full answer"):
        assert words not in text
    released = {line.strip() for line in text.splitlines()}
    given = {line.strip() for c in source.cells if not is_answer(c) for line in c.source.splitlines()}
    for cell in filter(is_answer, source.cells):
        kept = outside_solution(cell.source) if cell.cell_type == "code" else []
        secret = {line.strip() for line in cell.source.splitlines()} - {line.strip() for line in kept} - given - {""}
        assert secret and not secret & released


def is_answer(cell):
    return cell.metadata.get("nbgrader", {}).get("solution", False)


def outside_solution(source):
    """The lines of an answer that the student gets too: the signature and the docstring."""
    inside = False
    for line in source.splitlines():
        inside = inside or "BEGIN SOLUTION" in line
        if not inside:
            yield line
        inside = inside and "END SOLUTION" not in line


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
@pytest.mark.parametrize("kind", ["solutions", "exercises"])
def test_notebooks_carry_stable_ids_and_no_outputs(kind, assignment):
    notebook = read(kind, assignment)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids) and all(id.replace("-", "").replace("_", "").isalpha() for id in ids)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"} & set(notebook.metadata)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_code_answer_of_the_release_says_what_to_do(assignment):
    answers = [c for c in read("exercises", assignment).cells if is_answer(c) and c.cell_type == "code"]
    assert answers
    for cell in answers:
        assert 'raise NotImplementedError("write this function, then run the check below")' in cell.source


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_an_assignments_folder_holds_nothing_else(assignment):
    assert strangers(ROOT / "solutions" / assignment) == []


def test_an_instructors_file_stops_the_release(tmp_path):
    (tmp_path / "nbgrader_config.py").write_bytes((ROOT / "nbgrader_config.py").read_bytes())
    folder = tmp_path / "solutions" / "x"
    (folder / "data").mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(), folder / "x.ipynb")
    (folder / "data" / "numbers.csv").write_text("1\n")
    (folder / "marking.md").write_text("3 points for everyone\n")
    with pytest.raises(ValueError, match=r"solutions/x holds marking\.md: only x\.ipynb and data/"):
        generate(tmp_path)
    (folder / "marking.md").unlink()
    generate(tmp_path)
    assert sorted(files(tmp_path / "exercises")) == ["README.md", "x/data/numbers.csv", "x/x.ipynb"]
