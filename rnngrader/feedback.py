"""The feedback page: what nbgrader's page needs so that a student can read it, and nothing of this machine."""

import re
import sys
import tempfile
from pathlib import Path

import nbformat
from jinja2 import BytecodeCache
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from pygments.formatters import HtmlFormatter
from traitlets import List

from rnngrader import digest
from rnngrader.pipeline import ANSI, find_coursedir

HEADING = re.compile(r"^#{1,6} .*$", re.MULTILINE)
SUFFIXES = {"-check": "check", "-hidden": "hidden check"}


def split_id(grade_id):
    """The function or question that a graded cell belongs to, and what the cell is to it.

    Parameters
    ----------
    grade_id : str
        As in the notebook: "rnn_step-check", "rnn_step-hidden", "question-memory".

    Returns
    -------
    part, kind : str
        ("rnn_step", "check"), ("rnn_step", "hidden check"), ("question-memory", "written answer").
    """
    for suffix, kind in SUFFIXES.items():
        if grade_id.endswith(suffix):
            return grade_id.removesuffix(suffix), kind
    return grade_id, "written answer"


class _Compiled(BytecodeCache):
    """The templates that this process has compiled."""

    def __init__(self):
        self._code = {}

    def load_bytecode(self, bucket):
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket):
        self._code[bucket.key] = bucket.bytecode_to_string()


class PageExporter(HTMLExporter):
    """nbconvert's, but for the templates: it would compile them for each page anew."""

    _compiled = _Compiled()

    def _create_environment(self):
        environment = super()._create_environment()
        environment.bytecode_cache = self._compiled
        return environment


class Page(NbGraderPreprocessor):
    """Leaves on the page the student's work, its checks and the comments, and hides the grader's machine."""

    display_data_priority = List().tag(config=True)  # so in nbconvert; nbgrader's base lost the tag, and would warn

    def preprocess(self, nb, resources):
        """The notebook cut down to what the student should read; the page's summary is in `resources`."""
        coursedir, names = find_coursedir(self), resources["nbgrader"]
        folder = Path(coursedir.format_path(coursedir.release_directory, ".", names["assignment"]))
        release = {c.id: c for c in nbformat.read(folder / f"{names['notebook']}.ipynb", as_version=4).cells}
        with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
            submission = gradebook.find_submission(names["assignment"], names["student"])
            state = digest.graded(coursedir, submission)
            waiting = {g.name for n in submission.notebooks for g in n.grades if g.needs_manual_grade}
        outcome = nb.metadata.get("rnngrader", {})
        resources["page"] = {
            "state": state,
            "parts": self._parts(nb, waiting),
            "waiting": bool(waiting),
            "person": outcome.get("person", []),
            "notes": outcome.get("notes", []),
            "css": _colours("default"),
            "css_dark": _colours("github-dark"),
        }
        titles = HEADING.findall(next((c.source for c in release.values() if c.cell_type == "markdown"), ""))
        resources["page"]["title"] = titles[0].lstrip("# ") if titles else names["assignment"]
        cells = [cell for cell in nb.cells if "rnngrader" not in cell.metadata]  # said in the page's own place
        nb.cells = [] if outcome.get("unreadable") else self._shown(cells, release, set(titles[:1]))
        for cell in nb.cells:
            self._describe(cell, waiting)
            for output in cell.get("outputs", []):
                _clean(output, coursedir.root)
        return nb, resources

    def _parts(self, nb, waiting):
        """One row per function or question: name, score, points, whether someone must still look."""
        parts = {}
        for cell in nb.cells:
            marks = cell.metadata.get("nbgrader", {})
            if marks.get("grade"):
                row = parts.setdefault(split_id(marks.grade_id)[0], {"score": 0.0, "points": 0.0, "waiting": False})
                row["score"] += marks.score
                row["points"] += marks.points
                row["waiting"] |= marks.grade_id in waiting
        return parts

    def _shown(self, cells, release, title):
        """The cells that go on the page; of the course's own text only headings and the questions in words."""
        shown, heading = [], None  # a heading waits until something follows that it stands over
        for cell, following in zip(cells, [*cells[1:], None], strict=True):
            given = release.get(cell.id)
            if given is not None and "nbgrader" not in cell.metadata:
                if cell.cell_type == "markdown" and not _is_written(following):
                    lines = [line for line in HEADING.findall(cell.source) if line not in title]
                    if lines:
                        cell.source, heading = "\n\n".join(lines), cell
                    continue
                if cell.cell_type == "code" and not cell.outputs and cell.source == given.source:
                    continue
            if heading is not None and cell.cell_type == "code":
                shown.append(heading)
            heading = None
            shown.append(cell)
        return shown

    def _describe(self, cell, waiting):
        marks = cell.metadata.get("nbgrader")
        if marks is None:
            cell.metadata.page = {"kind": "prose" if cell.cell_type == "markdown" else "code"}
            return
        part, kind = split_id(marks.grade_id)
        if marks.solution and not marks.grade:
            kind = "answer"
        cell.metadata.page = {"kind": kind, "part": part, "waiting": marks.grade_id in waiting}
        if kind in SUFFIXES.values():
            cell.outputs = [output for output in cell.outputs if output.output_type != "execute_result"]
            for output in cell.outputs:
                if output.output_type == "error":  # its frames would show the hidden check
                    output.traceback = output.traceback[-1].splitlines()[-1:]
                    if output.ename == "NameError" and f"'{part}'" in output.evalue:
                        output.traceback.append("The cell of your answer does not define it, or stopped before it did.")


def _is_written(cell):
    """Whether a cell is an answer in words."""
    return cell is not None and cell.cell_type == "markdown" and "nbgrader" in cell.metadata


def _colours(style):
    """The style sheet of highlighted code, without its comments."""
    return re.sub(r" */\*.*?\*/", "", HtmlFormatter(style=style).get_style_defs(".highlight"))


def _clean(output, root):
    """Takes the library's stack frames and this machine's folders out of an output, in place."""
    if output.output_type == "error":
        output.traceback = [
            _scrub(frame, root) for frame in output.traceback if not ANSI.sub("", frame).startswith("File ")
        ]
    elif output.output_type == "stream":
        output.text = _scrub(output.text, root)
    else:
        for kind, content in output.data.items():
            if kind.startswith("text/"):
                output.data[kind] = _scrub(content, root)


def _scrub(text, root):
    text = re.sub(re.escape(tempfile.gettempdir()) + r"/ipykernel_\d+/\d+\.py", "your notebook", text)
    for folder in (sys.prefix, sys.base_prefix, root, str(Path.home())):
        if folder not in ("/", "/usr"):
            text = text.replace(f"{folder}/", "…/")
    return text
