"""Running a submission as a function of one value that can be pickled, in this process or on another machine.

What runs elsewhere needs neither the course's folder nor the gradebook: a `Task` brings all that it needs.
"""

import atexit
import json
import os
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nbformat

from rnngrader import digest
from rnngrader.sandbox import Sandbox
from rnngrader.split import Execution, Pair, called


@dataclass(frozen=True)
class Release:
    """What all submissions of an assignment are run with.

    Parameters
    ----------
    assignment : str
    files : tuple of (str, bytes)
        The release folder: each file's path in it, and its content.
    sandbox : str
        The settings of the sandbox, as JSON.
    environment : tuple of (str, str)
        For the tests alone, such as the hidden checks' seed.
    code : str
        The digest of the code that is to run: `rnngrader.digest.code`.
    """

    assignment: str
    files: tuple[tuple[str, bytes], ...]
    sandbox: str
    environment: tuple[tuple[str, str], ...]
    code: str

    def notebook(self, name):
        """The released notebook of this name."""
        return nbformat.reads(dict(self.files)[f"{name}.ipynb"].decode(), as_version=4)


@dataclass(frozen=True)
class Task:
    """A submission's notebook to be run.

    Parameters
    ----------
    release : Release
    name : str
        The notebook's.
    cells : str
        Its cells to the last check, as JSON; answers, own cells and tests, as sanitizing has left them.
    timeout : float
        Seconds for a cell.
    """

    release: Release
    name: str
    cells: str
    timeout: float


def release_of(folder, sandbox):
    """The Release in a folder, read once until one of its files changes.

    Parameters
    ----------
    folder : path
        The release folder of the assignment, of its name.
    sandbox : Sandbox

    Returns
    -------
    release : Release
    """
    files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file() and not path.is_symlink()]
    names = [name for name in (path.relative_to(folder) for path in files) if not str(name).startswith(".")]
    settings = {name: getattr(sandbox, name) for name in sandbox.class_trait_names(config=True)}
    environment = {key: os.environ[key] for key in ("RNNLIB_HIDDEN_SEED",) if key in os.environ}
    return Release(
        assignment=Path(folder).name,
        files=_read(str(folder), digest.states(folder, map(str, names))),
        sandbox=json.dumps(settings, sort_keys=True),
        environment=tuple(environment.items()),
        code=digest.code(),
    )


@lru_cache(maxsize=4)
def _read(folder, states):
    return tuple((name, Path(folder, name).read_bytes()) for name, *_ in states)


def run(task):
    """Run a submission in two containers.

    Parameters
    ----------
    task : Task

    Returns
    -------
    ran : dict
        What JSON can hold: "cells" with their outputs; "notes", "person", "stopped" and "cpu_seconds" as `Execution`
        has them; "seconds", how long it took.

    Raises
    ------
    RuntimeError
        When this process has another version of the code than the one that grades.
    NoSandbox
        When there can be no sandbox here.
    """
    if task.release.code != digest.code():
        raise RuntimeError("the worker has another version of rnnlib, rnngrader, numpy or nbgrader than the grader")
    start = time.perf_counter()
    cells = [nbformat.from_dict(cell) for cell in json.loads(task.cells)]
    with borrowed(task.release) as pair:
        execution = Execution(pair, task.release.notebook(task.name), task.timeout)
        execution.run(cells, called)
    return {
        "cells": cells,
        "notes": execution.notes,
        "person": execution.person,
        "stopped": execution.stopped,
        "cpu_seconds": round(execution.cpu_seconds, 2),
        "seconds": time.perf_counter() - start,
    }


def run_all(tasks):
    """`run` for each task of a student's submission, as JSON.

    Parameters
    ----------
    tasks : list of Task

    Returns
    -------
    ran : list of str
    """
    return [json.dumps(run(task)) for task in tasks]


_idle = []  # (process id, release, pair): which wait for the next submission
_lock = threading.Lock()


@contextmanager
def borrowed(release):
    """A pair of containers that nobody else uses meanwhile: one that is there, where it is for the same release.

    Parameters
    ----------
    release : Release

    Returns
    -------
    context : context manager
        Of a rnngrader.split.Pair.
    """
    with _lock:
        mine = [each for each in _idle if each[:2] == (os.getpid(), release)]
        if mine:
            _idle.remove(mine[0])
    if not mine:
        close_all()
    pair = mine[0][2] if mine else _pair(release)
    try:
        yield pair
    except BaseException:
        pair.close()
        raise
    with _lock:
        _idle.append((os.getpid(), release, pair))


def _pair(release):
    with tempfile.TemporaryDirectory(prefix="rnngrader-") as scratch:
        folder = Path(scratch, release.assignment)
        for name, content in release.files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return Pair(Sandbox(**json.loads(release.sandbox)), folder, dict(release.environment))


@atexit.register
def close_all():
    """End the containers of this process that no submission runs in."""
    with _lock:
        idle, _idle[:] = _idle[:], []
    for process, _, pair in idle:
        if process == os.getpid():  # not those of the process that this one was forked from
            pair.close()
