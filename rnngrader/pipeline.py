"""nbgrader's plug-ins for autograding: read, rebuild, run, record. `nbgrader_config.py` puts them in place."""

import json
import math
import os
import re
import subprocess
from contextlib import suppress
from itertools import chain
from pathlib import Path

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.exporters import NotebookExporter
from nbformat.v4 import new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute, NbGraderPreprocessor, OverwriteCells, SaveAutoGrades
from nbgrader.preprocessors.execute import UnresponsiveKernelError
from nbgrader.utils import is_grade, is_solution
from traitlets import Integer

from rnngrader import digest, work
from rnngrader.sandbox import Sandbox
from rnngrader.split import called
from rnngrader.submission import Notes, Unreadable, graded_ids, parse, rebuild

UNSAFE = "graded without a sandbox, in one process with the checks"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def find_converter(plugin):
    """The nbgrader converter that a plug-in works for.

    Parameters
    ----------
    plugin : traitlets.config.Configurable
        An exporter or preprocessor.

    Returns
    -------
    converter : nbgrader.converters.BaseConverter
        The first in its chain of parents that has a `coursedir`.
    """
    while not hasattr(plugin, "coursedir"):
        plugin = plugin.parent
    return plugin


def find_coursedir(plugin):
    """The CourseDirectory of the nbgrader command that a plug-in works for; parameters as in `find_converter`."""
    return find_converter(plugin).coursedir


class SubmissionExporter(NotebookExporter):
    """Reads any file that a student submits; one that is no notebook becomes a notebook that says so."""

    max_bytes = Integer(50_000_000, help="A larger submission is not read.").tag(config=True)

    def from_filename(self, filename, resources=None, **kw):
        """The notebook at `filename`, converted; see `nbconvert.exporters.Exporter.from_filename`."""
        if not self.parent._sanitizing:  # the second pass reads what the first has written
            return super().from_filename(filename, resources, **kw)
        try:
            if os.path.islink(filename) or not os.path.isfile(filename):
                raise Unreadable("it is not an ordinary file")
            if os.path.getsize(filename) > self.max_bytes:
                raise Unreadable(f"the file is larger than {self.max_bytes / 1e6:.0f} MB")
            submitted = parse(Path(filename).read_bytes())
            unreadable = None
        except Unreadable as error:
            submitted, unreadable = [], str(error)
        resources["submitted"], resources["unreadable"] = submitted, unreadable
        return self.from_notebook_node(new_notebook(), resources, **kw)


class Rebuild(NbGraderPreprocessor):
    """Starts from the release notebook and takes only answers and own cells from the submission."""

    def preprocess(self, nb, resources):
        """The rebuilt notebook in place of `nb`; what was mended stands in its metadata under "rnngrader"."""
        coursedir = find_coursedir(self)
        names = resources["nbgrader"]
        folder = coursedir.format_path(coursedir.release_directory, ".", names["assignment"])
        release = nbformat.read(Path(folder, names["notebook"] + ".ipynb"), as_version=4)
        if resources["unreadable"]:
            reason = f"The submitted notebook could not be read: {resources['unreadable']}."
            notes = Notes(person=[reason], by_hand=graded_ids(release))
        else:
            release, notes = rebuild(release, resources["submitted"])
        unread = bool(resources["unreadable"])
        # `stopped`: some checks were not run, for a reason that `person` gives.
        release.metadata["rnngrader"] = {**notes.as_metadata(), "unreadable": unread, "stopped": unread}
        return release, resources


class RestoreHiddenTests(OverwriteCells):
    """Puts the hidden tests back. What nbgrader warns of are the tests themselves: the rest is the release's own."""

    def report_change(self, name, attr, old, new):
        """Says it where it can be seen when looked for."""
        self.log.debug("%s of %s: %s instead of %s", attr, name, old, new)


class Run(Execute):
    """Runs the notebook to its last check: the student's cells in a sandbox, the checks in a process of their own.

    What follows the last check can change no score, and is what takes long: a model that the student's functions train.
    Where the converter has an attribute `ran`, what it holds for the notebook's `Task` is taken as what running gives.
    """

    def preprocess(self, nb, resources, km=None):
        """The executed notebook; see `nbconvert.preprocessors.ExecutePreprocessor.preprocess`."""
        if nb.metadata.rnngrader.unreadable:
            return nb, resources
        end = self._end(nb)
        nb.cells, rest = nb.cells[:end], nb.cells[end:]
        if Sandbox(parent=self).unsafe:
            nb.metadata.rnngrader.notes.append(UNSAFE)
            nb.metadata.rnngrader.unsafe = True
            self._run_here(nb, resources, km)
        else:
            self._run_apart(nb, resources)
        nb.cells += rest
        return nb, resources

    def _end(self, nb):
        checks = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code" and is_grade(cell)]
        return max(checks, default=-1) + 1

    def task(self, nb, resources):
        """What is to be run of a sanitized notebook.

        Parameters
        ----------
        nb : NotebookNode
        resources : dict

        Returns
        -------
        task : rnngrader.work.Task
        """
        coursedir, names = find_coursedir(self), resources["nbgrader"]
        folder = Path(coursedir.format_path(coursedir.release_directory, ".", names["assignment"]))
        release = work.release_of(folder, Sandbox(parent=self))
        cells = json.dumps(nb.cells[: self._end(nb)], sort_keys=True)
        return work.Task(release, names["notebook"], cells, self.timeout)

    def _run_apart(self, nb, resources):
        task = self.task(nb, resources)
        ran = (getattr(find_converter(self), "ran", None) or {}).get(task) or work.run(task)
        if isinstance(ran, BaseException):
            raise ran
        nb.cells = [nbformat.from_dict(cell) for cell in ran["cells"]]
        outcome = nb.metadata.rnngrader
        outcome.notes += ran["notes"]
        outcome.person += ran["person"]
        outcome.stopped |= ran["stopped"]
        outcome.cpu_seconds = ran["cpu_seconds"]

    # Without a sandbox

    def _run_here(self, nb, resources, km):
        self._last = None
        try:
            super().preprocess(nb, resources, km)
        except DeadKernelError:
            self._give_up(nb, "Python itself ended")
        except (CellTimeoutError, UnresponsiveKernelError):
            self._give_up(nb, "a cell ran without end and could not be interrupted")

    def start_new_kernel(self, **kwargs):
        """Starts the process, whose own stdout and stderr (not those of the cells) are no business of the terminal."""
        super().start_new_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)

    def preprocess_cell(self, cell, resources, index):
        """Runs one cell, and remembers it for the report when the process ends in it."""
        self._last = cell
        return super().preprocess_cell(cell, resources, index)

    def on_cell_executed(self, **kwargs):
        """Notes a cell that ran out of time."""
        super().on_cell_executed(**kwargs)
        if kwargs["execute_reply"]["content"].get("ename") == self.error_on_timeout["ename"]:
            self.nb.metadata.rnngrader.notes.append(
                f"{called(kwargs['cell'])}: stopped, it had not finished after {self.timeout} seconds"
            )

    def _give_up(self, nb, what):
        if self._last is None:
            raise RuntimeError("the Python process for the notebook did not start")
        sentence = f"{what} while {called(self._last)} ran, so nothing after it was run"
        nb.metadata.rnngrader.stopped = True
        nb.metadata.rnngrader.person.append(sentence[0].upper() + sentence[1:] + ".")
        self._last.outputs.append(new_output("error", ename="Stopped", evalue=sentence, traceback=[sentence]))


class Sanitize(Autograde):
    """Finds out what there is to run of a submission, and writes nothing: `tasks` has it, for each notebook.

    A notebook that cannot be read has no task. What goes wrong here is passed over: it does so again, and is recorded,
    when the submission is autograded.
    """

    tasks = ()

    def convert_notebooks(self):
        """Sanitizes each notebook, as configured for Autograde."""
        self.tasks = []
        self._init_preprocessors()
        for name in chain.from_iterable(map(sorted, self.assignments.values())):
            with suppress(Exception):
                resources = self.init_single_notebook_resources(name)
                text, resources = self.exporter.from_filename(name, resources=resources)
                nb = nbformat.reads(text, as_version=4)
                if not nb.metadata.rnngrader.unreadable:
                    self.tasks.append(Run(parent=self.exporter).task(nb, resources))


def points_of(cell):
    """The points that a test cell's output gives, and what is wrong with the output if anything is.

    nbgrader gives full points for no output, for output that is no number and for NaN, and none for any text on
    stderr. Here points are given only where the cell's result is one plain number from 0 to its maximum.

    Parameters
    ----------
    cell : NotebookNode
        An executed code cell that nbgrader marks as a grade cell.

    Returns
    -------
    points : float
        In [0, maximum].
    problem : str or None
        A sentence for the person who must look; None when the output is as it should be.
    """
    name, most = cell.metadata.nbgrader.grade_id, float(cell.metadata.nbgrader.points)
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if any(_is_the_students(error, cell) for error in errors):
        return 0.0, None
    if errors:
        return 0.0, f"The check {name} itself stopped with {errors[0].ename}: {errors[0].evalue[:100]}."
    results = [output for output in cell.outputs if output.output_type == "execute_result"]
    if len(results) != 1:
        return 0.0, f"The check {name} gave {len(results)} results where one was expected."
    text = results[0].data.get("text/plain", "")
    try:
        points = float(text)
    except (TypeError, ValueError):
        points = math.nan
    if not 0 <= points <= most:
        return 0.0, f"The check {name} gave {str(text)[:40]!r}, which is no number from 0 to {most:g}."
    return points, None


def is_recorded(nb, name, gradebook, assignment, student):
    """Whether a gradebook has the points that an autograded notebook's checks gave: it may be another gradebook.

    Parameters
    ----------
    nb : NotebookNode
    name : str
        The notebook's, without its ending.
    gradebook : nbgrader.api.Gradebook
    assignment, student : str

    Returns
    -------
    recorded : bool

    Raises
    ------
    nbgrader.api.MissingEntry
        When the gradebook knows nothing of the submission.
    """
    recorded = {g.name: g.auto_score for g in gradebook.find_submission_notebook(name, assignment, student).grades}
    checks = [cell for cell in nb.cells if is_grade(cell) and not is_solution(cell)]
    return all(recorded.get(cell.metadata.nbgrader.grade_id) == points_of(cell)[0] for cell in checks)


def _is_the_students(error, cell):
    """Whether an error in a check comes from the submission: no time left, no function, or a line of the notebook."""
    if error.ename in ("CellTimeoutError", "KeyboardInterrupt", "Stopped", "Misuse", "Ended"):
        return True
    if error.ename == "NameError" and f"'{cell.metadata.nbgrader.grade_id.rsplit('-', 1)[0]}'" in error.evalue:
        return True
    frames = [re.match(r"Cell In\[(\d+)\]", ANSI.sub("", frame)) for frame in error.traceback]
    return any(frame and int(frame[1]) != cell.execution_count for frame in frames)


def for_the_grader(outcome):
    """A cell that says on top of the formgrader's page what the feedback page says in its own place.

    Parameters
    ----------
    outcome : dict
        `person` and `notes`, lists of str.

    Returns
    -------
    cell : NotebookNode
        Marked in its metadata, where no student's cell can be.
    """
    titles = {"person": "A person must look at this submission", "notes": "What was noticed in this notebook"}
    parts = [[f"**{title}**", *(f"- {line}" for line in outcome[key])] for key, title in titles.items() if outcome[key]]
    source = "\n\n".join("\n".join([part[0], "", *part[1:]]) for part in parts)
    return new_markdown_cell(source, id="for-the-grader", metadata={"rnngrader": {"for_the_grader": True}})


class Record(SaveAutoGrades):
    """Writes points to the gradebook, nothing but numbers in range, and marks what a person must look at, and why."""

    def preprocess(self, nb, resources):
        """`nb` with the digest of what it was graded from in its metadata, and its notes for the grader on top."""
        self._outcome, names, coursedir = nb.metadata.rnngrader, resources["nbgrader"], find_coursedir(self)
        self.notebook_id, self.assignment_id, self.student_id = names["notebook"], names["assignment"], names["student"]
        with Gradebook(names["db_url"], coursedir.course_id) as self.gradebook:
            # All of a notebook's scores or none; and a disk takes long over a transaction, so not one for each cell.
            db = self.gradebook.db
            commit, db.commit = db.commit, db.flush
            nb, resources = NbGraderPreprocessor.preprocess(self, nb, resources)
            commit()
            submission = self.gradebook.find_submission(self.assignment_id, self.student_id)
            nb.metadata.rnngrader.seconds_late = submission.total_seconds_late
        nb.metadata.rnngrader.digest = digest.submission(coursedir, self.assignment_id, self.student_id)
        for line in self._outcome.person:
            self.log.warning("A person must look at %s: %s", self.student_id, line)
        for line in self._outcome.notes:
            self.log.info("%s: %s", self.student_id, line)
        if self._outcome.person or self._outcome.notes:
            nb.cells.insert(0, for_the_grader(self._outcome))
        return nb, resources

    def _add_score(self, cell, resources):
        grade = self.gradebook.find_grade(
            cell.metadata.nbgrader.grade_id, self.notebook_id, self.assignment_id, self.student_id
        )
        if is_solution(cell) or cell.cell_type != "code":  # answered in words: graded by hand, as nbgrader does
            super()._add_score(cell, resources)
        else:
            grade.auto_score, problem = points_of(cell)
            grade.needs_manual_grade = problem is not None or grade.manual_score is not None
            if problem and not self._outcome.stopped:
                self._outcome.person.append(problem)
        grade.needs_manual_grade |= grade.name in self._outcome.by_hand
