"""Courses to grade in, with commands that touch nothing of the user's, and notebooks to hand in."""

import contextlib
import io
import os
import subprocess
import sys
import warnings
from pathlib import Path
from unittest import mock

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from benchmarks.attacks import mark
from rnngrader.cli import main
from rnngrader.work import close_all

ROOT = Path(__file__).resolve().parents[2]
#: Whether all attacks are tried and all fuzzing is done (`make attacks`), or only a part (`make test`).
FULL = os.environ.get("ATTACKS") == "all"

IMPORTS = """\
def check(fn, hidden=False):
    try:
        return 2.0 if fn(3) == 6 else 0.5
    except Exception as error:
        print(type(error).__name__)
        return 0.0
"""


def small_source():
    """An assignment of two functions and a question: 2 + 2 and 2 + 2 points, and 3 by hand."""
    cells = [
        new_markdown_cell("# Small", id="title"),
        new_code_cell(IMPORTS, id="imports"),
    ]
    for name in ("double", "twice"):
        body = f"def {name}(n):\n    ### BEGIN SOLUTION\n    return 2 * n\n    ### END SOLUTION"
        hidden = f"### BEGIN HIDDEN TESTS\ncheck({name}, hidden=True)\n### END HIDDEN TESTS"
        test = {"grade": True, "locked": True, "points": 2}
        cells += [
            mark(new_code_cell(body, id=name), solution=True),
            mark(new_code_cell(f"check({name})", id=f"{name}-check"), **test),
            mark(new_code_cell(hidden, id=f"{name}-hidden"), **test),
        ]
    cells += [
        new_markdown_cell("## Question\n\nWhy twice?", id="why"),
        mark(new_markdown_cell("Because.", id="question-why"), grade=True, solution=True, points=3),
    ]
    kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernelspec})


class Course:
    """A course in a temporary folder: its commands, and submissions made from its notebooks."""

    def __init__(self, root, home):
        self.root = root
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "PYTHONWARNINGS"))},
            "HOME": str(home),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "IPYTHONDIR": str(home / "ipython"),
        }

    def run(self, *arguments, cwd=None, status=0):
        """Runs a Python module's command line from the course's root (or `cwd`); its output."""
        done = subprocess.run(
            [sys.executable, "-m", *map(str, arguments)],
            cwd=cwd or self.root, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == status, done.stdout
        return done.stdout

    def rnngrader(self, *arguments, cwd=None, status=0):
        """Runs `rnngrader` in this process, which has its imports done; what it says."""
        said = io.StringIO()
        with (
            contextlib.chdir(cwd or self.root),
            mock.patch.dict(os.environ, self.environment, clear=True),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            warnings.catch_warnings(action="ignore"),
        ):
            try:
                got = main([*map(str, arguments)])
            except SystemExit as stopped:
                got = stopped.code
            finally:
                close_all()
        assert got == status, said.getvalue()
        return said.getvalue()

    def source(self, assignment):
        return nbformat.read(self.root / "solutions" / assignment / f"{assignment}.ipynb", as_version=4)

    def release(self, assignment):
        return nbformat.read(self.root / "exercises" / assignment / f"{assignment}.ipynb", as_version=4)

    def answered(self, assignment, **answers):
        """The release with the solution's answers, or with those given by grade_id."""
        notebook = self.release(assignment)
        sources = {cell.id: cell.source for cell in self.source(assignment).cells}
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = answers.get(cell.metadata.nbgrader.grade_id, sources[cell.id])
        return notebook

    def hand_in(self, student, assignment, notebook, folder="."):
        """Writes a submission: a notebook, or text as it is."""
        path = self.root / folder / "submitted" / student / assignment / f"{assignment}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook), encoding="utf-8")
        return path


def descendants(process):
    """The ids of a process and of all processes that descend from it."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                parents[int(name)] = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found
