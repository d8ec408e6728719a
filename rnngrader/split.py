"""One notebook, run in two processes: the student's cells in one, the tests in the other, with the grader in between.

The grader passes bytes from one to the other and looks into none of them. What the student's process says, it takes for
what it is: output to be shown, of which there may only be so much.
"""

import ast
import json
import os
import re
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from nbformat.v4 import new_output
from nbgrader.utils import is_grade, is_locked, is_solution

from rnngrader.bridge import Closed, Late
from rnngrader.sandbox import Container
from rnnlib.checks.report import MIME

#: Seconds that a call may take beyond the time at which it should have been interrupted, and a cell.
GRACE = 3.0
#: Seconds for the tests themselves beyond those of a cell: they are the course's own.
PATIENCE = 60.0
#: What is kept of an output: texts and pictures that a page can show, no programs, and no widgets, which need one.
KEPT = frozenset({"text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml"})

REASONS = {
    "time": "ran without end and could not be interrupted",
    "memory": "took more memory than there is for it",
    "ended": "ended Python itself",
    "flood": "put out more than anyone can read",
    "nonsense": "broke the connection to it",
}


class Lost(Exception):
    """The student's process is gone; `reason` is a key of REASONS."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Pair:
    """The two containers for an assignment, kept from one submission to the next while these come one after the other.

    Parameters
    ----------
    sandbox : Sandbox
    folder : path
        The assignment's release folder.
    environment : dict of str to str
        For the tests alone, such as the hidden checks' seed.
    """

    def __init__(self, sandbox, folder, environment):
        self.files = tempfile.mkdtemp(prefix="rnngrader-")
        os.chmod(self.files, 0o755)
        for path in sorted(Path(folder).iterdir()):
            if path.suffix == ".ipynb" or path.is_symlink() or path.name.startswith("."):
                continue
            copy = shutil.copytree if path.is_dir() else shutil.copyfile
            copy(path, Path(self.files, path.name))
        for path in Path(self.files).rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.sandbox = sandbox
        sources = "".join(path.read_text(encoding="utf-8") for path in Path(folder).glob("*.ipynb"))
        preload = [*sandbox.preload, *(["matplotlib.pyplot"] if re.search(r"matplotlib|\bplots\b", sources) else [])]
        self.student = Container(sandbox, self.files, {"preload": preload})
        tests = ["rnngrader.proxies", *(["torch"] if has_gradients(Path(folder).name) else [])]
        self.tests = Container(sandbox, self.files, {"preload": tests, "tests": True, "environment": environment})
        self._lock, self._users, self._timer = threading.Lock(), 0, None

    @contextmanager
    def in_use(self):
        """While this lasts both are kept; `Sandbox.idle_seconds` after it they end, and start again when asked to."""
        with self._lock:
            self._users += 1
            self._forget_timer()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self.sandbox.idle_seconds > 0:
                    self._forget_timer()
                    self._timer = threading.Timer(self.sandbox.idle_seconds, self._rest)
                    self._timer.daemon = True
                    self._timer.start()
            if self.sandbox.idle_seconds <= 0:
                self._rest()

    def _rest(self):
        with self._lock:  # who comes now waits until both have ended, then starts them
            if not self._users:
                self.student.close()
                self.tests.close()

    def _forget_timer(self):
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self):
        """End both for good."""
        with self._lock:
            self._forget_timer()
        self.student.close()
        self.tests.close()
        shutil.rmtree(self.files, ignore_errors=True)


def has_gradients(assignment):
    """Whether a check of this assignment compares with PyTorch."""
    from rnnlib.checks import exercises

    return any(exercise.gradient_of for exercise in exercises() if exercise.assignment == assignment)


class Execution:
    """One submission's run.

    Parameters
    ----------
    pair : Pair
    release : NotebookNode
        The release with its hidden tests; its cells before the first answer are run for the tests too.
    timeout : float
        Seconds for a cell.

    Attributes
    ----------
    notes, person : list of str
        What happened on the way, for the student and for the one who must look.
    stopped : bool
        Whether some cells were not run.
    cpu_seconds : float
        Taken by the cells and the tests.
    """

    def __init__(self, pair, release, timeout):
        self.pair, self.timeout = pair, timeout
        self.notes, self.person, self.stopped = [], [], False
        self.cpu_seconds = 0.0
        self.student = self.judge = None
        self._setup = [c.source for c in before_answers(release)]
        self._own = sorted(bound_by_answers(release))
        self._done, self._skipped = (
            [],
            set(),
        )  # the student's cells that were run, with their number; of which not again
        self._ticket = 0
        self._count = 0

    def run(self, cells, name):
        """Run cells; each gets its outputs.

        Parameters
        ----------
        cells : list of NotebookNode
            Code cells are run: tests beside the student's process, all others in it.
        name : callable
            From a cell to what it is called in a report.
        """
        with self.pair.in_use():
            self._run(cells, name)

    def _run(self, cells, name):
        self.pair.student.launch()
        self.pair.tests.launch()  # each does its imports while the other does
        self.pair.student.start()
        self._end = time.monotonic() + self.pair.sandbox.wall_seconds
        try:
            for number, cell in enumerate(cells):
                if cell.cell_type != "code":
                    continue
                cell.outputs, cell.execution_count = [], None
                if not cell.source.strip():
                    continue
                if time.monotonic() > self._end:
                    words = (
                        f"The time for one submission was over before {name(cell)}, so nothing from there on was run."
                    )
                    self.person.append(words)
                    self.stopped = True
                    for rest in cells[number:]:
                        if rest.cell_type == "code":
                            rest.outputs, rest.execution_count = [], None
                    return
                self._count += 1
                cell.execution_count = self._count
                self._cell = name(cell)
                start = datetime.now(UTC)
                if is_grade(cell) and not is_solution(cell):
                    self._test(cell)
                else:
                    self._students(cell)
                # As nbclient has it, from which the class report takes the time.
                times = {"iopub.execute_input": start, "shell.execute_reply": datetime.now(UTC)}
                cell.metadata["execution"] = {event: at.isoformat() for event, at in times.items()}
        finally:
            for process in (self.student, self.judge):
                if process is not None:
                    process.end()
                    self.cpu_seconds += process.cpu_seconds
            self.student = self.judge = None

    # The student's side

    def _students(self, cell):
        outputs = Outputs(cell, self.pair.sandbox.output_bytes)
        self._done.append((len(self._done), self._count, cell.source))
        try:
            self._run_students(cell.source, self._count, outputs)
            outputs.close()
        except Lost as lost:
            outputs.close()
            self._skipped.add(len(self._done) - 1)
            self._lost(cell, lost.reason)

    def _lost(self, cell, reason):
        words = f"{self._cell} {REASONS[reason]}; the cells before it were run again, and it was left out"
        if reason == "time":
            words = f"{self._cell}: stopped, it had not finished after {self.timeout:g} seconds, "
            words += "and could not be interrupted"
        self.notes.append(words)
        cell.outputs.append(error_output("CellTimeoutError" if reason == "time" else "Stopped", words))

    def _run_students(self, code, count, outputs):
        """Runs a student's cell; a Lost where its process does not outlive it."""
        process = self._living()
        deadline = min(time.monotonic() + self.timeout, self._end)
        interrupted = False
        try:
            process.channel.send(b"x", {"code": code, "count": count}, deadline)
            while True:
                try:
                    kind, content = process.channel.receive(deadline)
                except Late:
                    if interrupted:
                        raise
                    interrupted, deadline = True, time.monotonic() + GRACE
                    process.interrupt()
                    continue
                if kind == b"o":
                    self._output(outputs, content, count)
                elif kind == b"d":
                    break
        except Late:
            self._end_student("time")
        except Closed as closed:
            self._end_student("nonsense" if closed.args else "ended")
        if interrupted and outputs.cell is not None:
            self._skipped.add(len(self._done) - 1)
            self.notes.append(f"{self._cell}: stopped, it had not finished after {self.timeout:g} seconds")
            outputs.close()
            outputs.cell.outputs.append(error_output("CellTimeoutError", "No reply from kernel before timeout"))

    def _nowhere(self):
        return Outputs(None, self.pair.sandbox.output_bytes)

    def _output(self, outputs, content, count):
        if not outputs.add(content, count):
            self._end_student("flood")

    def _end_student(self, reason):
        process, self.student = self.student, None
        reason = process.end(reason)
        self.cpu_seconds += process.cpu_seconds
        raise Lost(reason) from None

    def _living(self):
        """The student's process: a new one, with the cells run again that were run before, where the last is gone."""
        while self.student is None:
            self.student = self.pair.student.fork()
            for number, count, source in self._done[:-1] if self._replay_but_last else self._done:
                if number in self._skipped:
                    continue
                try:
                    self._run_students(source, count, self._nowhere())
                except Lost:
                    self._skipped.add(number)
                    break
        return self.student

    _replay_but_last = True

    # The tests' side

    def _judging(self):
        if self.judge is None:
            self.judge = self.pair.tests.fork()
            for number, source in enumerate(self._setup, 1):
                request = {"code": source, "count": number, "test": False, "own": self._own}
                self._talk(request, self._nowhere(), time.monotonic() + PATIENCE)
        return self.judge

    def _test(self, cell):
        outputs = Outputs(cell, self.pair.sandbox.output_bytes)
        self._late = False
        self._replay_but_last = False
        try:
            deadline = min(time.monotonic() + self.timeout, self._end)
            self._judging()
            self._talk({"code": cell.source, "count": self._count, "test": True}, outputs, deadline)
        except (Closed, Late):
            self.judge.end()
            self.judge = None
            outputs.close()
            cell.outputs.append(error_output("Unfinished", "it did not end"))
        finally:
            self._replay_but_last = True
        outputs.close()
        if self._late:
            self.notes.append(f"{self._cell}: stopped, it had not finished after {self.timeout:g} seconds")

    def _talk(self, request, outputs, deadline):
        """Has the tests' process run a cell, and passes on what it asks of the student's."""
        channel = self.judge.channel
        channel.send(b"x", request, deadline)
        while True:
            kind, content = channel.receive(deadline + PATIENCE)
            if kind == b"o":
                outputs.add(content, self._count)
            elif kind == b"d":
                return
            elif kind == b"q":
                try:
                    self._pass_on(content, outputs, deadline)
                except Lost as lost:
                    note = f"{self._cell}: the code under test {REASONS[lost.reason]}; its process was started again"
                    if lost.reason != "time" and note not in self.notes:
                        self.notes.append(note)
                    channel.send(b"g", {"reason": lost.reason}, deadline + PATIENCE)

    def _pass_on(self, content, outputs, deadline):
        length = int.from_bytes(content[:4], "big")
        head, question = json.loads(content[4 : 4 + length]), content[4 + length :]
        if time.monotonic() > deadline:
            self._late = True
            raise Lost("time")
        student, judge = self._living(), self.judge.channel
        self._ticket += 1
        ticket = self._ticket.to_bytes(8, "big")
        until = deadline
        if head["seconds"] is not None:
            until = min(deadline, time.monotonic() + head["seconds"] + GRACE)
        try:
            student.channel.send(b"q", ticket + question, until)
            answers = 0
            while True:
                kind, told = student.channel.receive(until)
                if kind == b"o":
                    if b'"stream"' in told[:40] and not outputs.add(told, self._count):
                        self._end_student("flood")
                elif told[:8] != ticket:  # an answer to what was asked before, or to nothing
                    continue
                elif kind == b"c":
                    judge.send(b"c", told[8:], until)
                    reply, answer = judge.receive(deadline + PATIENCE)
                    if reply == b"b":
                        student.channel.send(b"b", ticket + answer, until)
                elif kind == b"r":
                    more, answers = told[8:9] == b"+", answers + 1
                    if more and answers > head["most"]:
                        self._end_student("nonsense")
                    judge.send(b"r", told[8:] if more else b".", deadline + PATIENCE)
                    if not more:
                        return
                    if head["seconds"] is not None:
                        until = min(deadline, time.monotonic() + head["seconds"] + GRACE)
        except Late:
            if time.monotonic() > deadline:
                self._late = True
            self._end_student("time")
        except Closed as closed:
            self._end_student("nonsense" if closed.args else "ended")


class Outputs:
    """What a cell shows, as notebook outputs, up to a number of bytes.

    Parameters
    ----------
    cell : NotebookNode or None
        Its `outputs` are filled.
    most : int
        Bytes that the process is told to stop at; twice as many are kept, and after eight times as many it is ended.
    """

    def __init__(self, cell, most):
        self.cell, self.most, self.size = cell, most, 0
        self._text, self._clear = [], False

    def add(self, content, count):
        """Take an output in.

        Parameters
        ----------
        content : bytes
            JSON, made by whom it may be.
        count : int
            The cell's number.

        Returns
        -------
        more : bool
            Whether more may come.
        """
        self.size += len(content) + 100
        if self.size > 8 * self.most:
            return False
        if self.size > 2 * self.most or self.cell is None:  # its own end says where it stops
            return True
        with suppress(ValueError, RecursionError):
            told = json.loads(content)
            if isinstance(told, dict):
                self._add(told, count)
        return True

    def _add(self, told, count):
        kind = told.get("output_type")
        if kind == "clear_output":
            self._clear = True
            return
        if self._clear:
            self.cell.outputs.clear()
            self._text.clear()
            self._clear = False
        if kind == "stream" and isinstance(told.get("text"), str):
            name = "stderr" if told.get("name") == "stderr" else "stdout"
            if self._text and self._text[0] != name:
                self.close()
            self._text += [told["text"]] if self._text else [name, told["text"]]
            return
        self.close()
        if kind == "error":
            lines = told.get("traceback")
            lines = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
            self.cell.outputs.append(error_output(words(told, "ename"), words(told, "evalue"), lines))
        elif kind in ("display_data", "execute_result", "update_display_data"):
            data = told.get("data")
            data = data if isinstance(data, dict) else {}
            data = {k: v for k, v in data.items() if k == MIME or (k in KEPT and isinstance(v, str))}
            shown = told.get("transient")
            shown = shown.get("display_id") if isinstance(shown, dict) else None
            if kind == "update_display_data":
                for output in self.cell.outputs:
                    if shown is not None and output.get("metadata", {}).get("display_id") == shown:
                        output.data = encodable(data)
                return
            if not data and kind == "display_data":
                return
            extra = {"execution_count": count} if kind == "execute_result" else {}
            metadata = {"display_id": shown} if isinstance(shown, str) else {}
            self.cell.outputs.append(new_output(kind, encodable(data), metadata=metadata, **extra))

    def close(self):
        """Put the text that has come into the cell."""
        if self._text:
            name, *parts = self._text
            self.cell.outputs.append(new_output("stream", name=name, text=encodable("".join(parts))))
            self._text.clear()


def encodable(value):
    """What was read from JSON, without lone surrogates in its texts, which no file can hold."""
    if isinstance(value, dict):
        return {encodable(key): encodable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [encodable(part) for part in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def words(told, key, most=10_000):
    """A text in what a process said; empty where there is none."""
    value = told.get(key)
    return value[:most] if isinstance(value, str) else ""


def error_output(name, value, traceback=None):
    """A notebook's output for an exception."""
    lines = [value] if traceback is None else traceback
    return new_output(
        "error", ename=encodable(name), evalue=encodable(value), traceback=[encodable(line) for line in lines]
    )


def called(cell):
    """What a cell is called in a report: its grade_id, or how it begins."""
    marks = cell.metadata.get("nbgrader")
    return marks.grade_id if marks else f"the cell that begins with `{cell.source.strip().splitlines()[0][:60]}`"


def before_answers(release):
    """The code cells of a release that stand before its first answer, and the locked ones: what prepares the tests."""
    cells = []
    for cell in release.cells:
        if is_solution(cell):
            break
        if cell.cell_type == "code" and not is_grade(cell):
            cells.append(cell)
    return cells + [
        c for c in release.cells if c.cell_type == "code" and is_locked(c) and not is_grade(c) and c not in cells
    ]


def bound_by_answers(release):
    """The names that the answers of a release define, as far as their code can be read."""
    names = set()
    for cell in release.cells:
        if cell.cell_type == "code" and is_solution(cell):
            with suppress(SyntaxError, ValueError):
                for node in ast.walk(ast.parse(cell.source)):
                    if isinstance(node, ast.FunctionDef | ast.ClassDef):
                        names.add(node.name)
                    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        names.add(node.id)
    return names
