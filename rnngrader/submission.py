"""A submitted notebook, read defensively, and the notebook that is graded in its place."""

import json
import os
import re
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

CELL_TYPES = ("code", "markdown", "raw")


class Unreadable(ValueError):
    """A submitted file that is no notebook; the message is written for the student."""


def put_links_aside(folder):
    """Puts in place of each link to a file a text that says where it led: nbgrader copies what a link leads to.

    A link can lead to a file of the instructor's, or to one without end. A notebook that is a link stays, since
    nbgrader does not copy those, and is unreadable later.

    Parameters
    ----------
    folder : path
        Of one submission.

    Raises
    ------
    OSError
        When the folder cannot be written.
    """
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_symlink() and path.suffix != ".ipynb":
                words = f"Submitted as a link to {os.readlink(path)}. Links are not followed.\n"
                path.unlink()
                path.with_name(f"{name}.link.txt").write_text(words, encoding="utf-8", errors="replace")


def before_grading(assignment, student, notebooks):
    """What nbgrader calls before it grades a submission, as `c.Autograde.pre_convert_hook`.

    Parameters
    ----------
    assignment, student : str
        Not needed.
    notebooks : list of str
        The submitted notebooks' paths.
    """
    for folder in {os.path.dirname(notebook) for notebook in notebooks}:
        put_links_aside(folder)


@dataclass
class Cell:
    """What is taken from a submitted cell: its text and its marks. Outputs and other metadata stay behind."""

    type: str
    source: str
    id: str | None
    grade_id: str | None
    attachments: dict = field(default_factory=dict)


@dataclass
class Notes:
    """What rebuilding changed, in words for the student.

    `person` says what someone must look at, and `by_hand` holds the grade_ids that wait for them.
    """

    notes: list[str] = field(default_factory=list)
    person: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)

    def as_metadata(self):
        return {"notes": self.notes, "person": self.person, "by_hand": self.by_hand}


def parse(data):
    """The cells of a submitted notebook file.

    Parameters
    ----------
    data : bytes
        The file's content, whatever it is.

    Returns
    -------
    cells : list of Cell

    Raises
    ------
    Unreadable
        When the content is no Jupyter notebook.
    """
    if not data.strip():
        raise Unreadable("the file is empty")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable("the file is not text, so it is no notebook") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the file is not a notebook, or it was cut off: {error}") from None
    if isinstance(notebook, dict) and "worksheets" in notebook:
        try:
            notebook = nbformat.convert(nbformat.from_dict(notebook), 4)
        except Exception:
            raise Unreadable("the notebook is of an old format and cannot be converted") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file holds no list of cells, so it is no notebook")
    if cells and not any(isinstance(cell, dict) and "cell_type" in cell for cell in cells):
        raise Unreadable("what the file lists as cells are none, so it is no notebook")
    return [_cell(cell) for cell in cells if isinstance(cell, dict)]


def _cell(cell):
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    attachments = cell.get("attachments")
    return Cell(
        type=cell.get("cell_type") if cell.get("cell_type") in CELL_TYPES else "raw",
        source=_encodable(source) if isinstance(source, str) else "",
        id=cell.get("id") if isinstance(cell.get("id"), str) else None,
        grade_id=grade_id if isinstance(grade_id, str) else None,
        attachments=attachments if _are_attachments(attachments) else {},
    )


def _encodable(text):
    """Text without lone surrogates, which JSON can carry and no file can."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _are_attachments(value):
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(bundle, dict) and all(isinstance(v, str) for v in bundle.values())
        for name, bundle in value.items()
    )


def is_answer(cell):
    """Whether a release cell is one that the student fills in."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def graded_ids(notebook):
    """The grade_ids of a release's cells that give points."""
    marks = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    return [each.grade_id for each in marks if each.get("grade")]


def rebuild(release, cells):
    """The notebook that is graded: the release, with the student's answers and own cells put in.

    Answers are found by `grade_id`, or by cell id where the mark was lost, or where both are gone by the definition
    of a function of that name; of several the last one counts and the ones before it are kept as plain cells in front
    of it. Tests, other marked cells and text come from the release alone. An unmarked code cell of the release keeps
    the student's edit. A cell of the student's own stands after the release cell that it followed.

    Parameters
    ----------
    release : NotebookNode
        The released notebook.
    cells : list of Cell
        The submitted cells, in order.

    Returns
    -------
    notebook : NotebookNode
        A new notebook; neither argument is changed.
    notes : Notes
        What was mended, each a sentence.
    """
    notebook = deepcopy(release)
    notes = Notes()
    by_mark = {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}
    by_id = {c.id: c for c in notebook.cells}
    by_source = {}
    for cell in notebook.cells:
        by_source.setdefault((cell.cell_type, cell.source.strip()), []).append(cell)
    answers = {c.metadata.nbgrader.grade_id: c for c in notebook.cells if is_answer(c)}
    marked = [by_mark.get(cell.grade_id) or by_id.get(cell.id) for cell in cells]
    certain = {target.id for target in marked if target is not None}

    found = {}  # release cell id -> the submitted cells that are this cell
    own = {}  # release cell id, or None at the top -> the student's own cells that follow it
    by_definition = set()  # grade_ids of answers that were found so
    anchor = None
    for cell, target in zip(cells, marked, strict=True):
        targets = [target] if target is not None else []
        if not targets and cell.grade_id is None and cell.source.strip():
            alike = by_source.get((cell.type, cell.source.strip()), [])
            targets = [c for c in alike if "nbgrader" not in c.metadata or c.id not in certain.union(found)][:1]
            if not targets and cell.type == "code":
                defined = [name for name, c in answers.items() if c.id not in certain and _defines(cell.source, name)]
                targets = [answers[name] for name in defined]
                by_definition.update(defined)
        for target in targets:
            found.setdefault(target.id, []).append(cell)
        if targets:
            anchor = targets[-1].id
        elif cell.source.strip():
            own.setdefault(anchor, []).append(cell)

    rebuilt = [_own(cell) for cell in own.get(None, [])]
    for cell in notebook.cells:
        copies = found.get(cell.id, [])
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if is_answer(cell):
            if len(copies) > 1:
                notes.notes.append(f"{name}: {len(copies)} cells hold this answer; the last one counts")
                rebuilt += [_own(copy) for copy in copies[:-1]]
            if name in by_definition:
                notes.notes.append(f"{name}: the answer's cell had lost its mark; it was found by `def {name}`")
            if copies:
                answer = copies[-1]
                cell.source = answer.source
                if cell.cell_type == "markdown" and answer.attachments:
                    cell.attachments = answer.attachments
                if answer.type != cell.cell_type:
                    notes.notes.append(f"{name}: this answer was a {answer.type} cell; it is read as {cell.cell_type}")
            else:
                notes.notes.append(f"{name}: the answer's cell was deleted, so it counts as not answered")
        elif name is not None:
            if not copies:
                notes.notes.append(f"{name}: this cell was deleted; it was put back")
            elif any(copy.type != cell.cell_type for copy in copies):
                notes.notes.append(f"{name}: this cell's type was changed; it was changed back")
        elif cell.cell_type == "code" and copies and copies[-1].type == "code":
            cell.source = copies[-1].source
        rebuilt.append(cell)
        rebuilt += [_own(copy) for copy in own.get(cell.id, [])]

    words = any(cell.type != "code" for cells in own.values() for cell in cells)
    if own and not any(cell.id in found for cell in answers.values()):
        notes.notes.clear()  # each would say that a cell was deleted
        notes.person.append("None of the exercise's cells is in this notebook.")
        notes.by_hand += graded_ids(release)
    elif words:
        for name, cell in answers.items():
            if cell.cell_type == "markdown" and cell.id not in found:
                notes.person.append(f"The answer to {name} was not found by its cell; it may stand elsewhere.")
                notes.by_hand.append(name)

    taken = set(by_id)
    for number, cell in enumerate(c for c in rebuilt if c.id not in by_id):
        cell.id = next(i for i in (f"own-{number}{'-' * k}" for k in range(len(rebuilt) + 1)) if i not in taken)
        taken.add(cell.id)
    notebook.cells = rebuilt
    return notebook, notes


def _defines(source, name):
    """Whether code defines a function of this name at its top level; code that does not parse may do so too."""
    return re.search(rf"^(async +)?def +{re.escape(name)} *\(", source, re.MULTILINE) is not None


def _own(cell):
    """A cell of the student's own as a notebook cell without marks or outputs; raw text becomes markdown."""
    if cell.type == "code":
        return new_code_cell(cell.source)
    return new_markdown_cell(cell.source, **({"attachments": cell.attachments} if cell.attachments else {}))
