"""One short text that changes when anything that a score depends on changes."""

import hashlib
import os
import sys
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("numpy", "nbgrader", "nbclient", "ipykernel")


def submission(coursedir, assignment, student):
    """The digest of a student's submission and of all that grades it.

    Parameters
    ----------
    coursedir : nbgrader.coursedir.CourseDirectory
    assignment, student : str

    Returns
    -------
    digest : str
        64 hexadecimal digits over the submitted files, the assignment's source and release, the code of `rnnlib`
        and `rnngrader`, nbgrader_config.py, the hidden checks' seed, and the versions of Python and `PACKAGES`.
    """
    submitted = Path(coursedir.format_path(coursedir.submitted_directory, student, assignment))
    return _hash(course(coursedir, assignment).encode(), *_contents(submitted, submitted.rglob("*")))


def course(coursedir, assignment):
    """The digest of everything but the submission; parameters as in `submission`."""
    parts = [os.environ.get("RNNLIB_HIDDEN_SEED", ""), sys.version, code()]
    for step in (coursedir.source_directory, coursedir.release_directory):
        folder = Path(coursedir.format_path(step, ".", assignment))
        parts.append(_unchanging(folder, folder.rglob("*")))
    parts.append(_unchanging(Path(coursedir.root), [Path(coursedir.root, "nbgrader_config.py")]))
    return _hash(*(part.encode() for part in parts))


def code():
    """The digest of what runs a submission: the code of `rnnlib` and `rnngrader`, and the versions of `PACKAGES`."""
    own = Path(__file__).resolve().parents[1]
    parts = [_unchanging(own, own.joinpath(package).rglob("*.py")) for package in ("rnnlib", "rnngrader")]
    return _hash(*(part.encode() for part in parts), _versions().encode())


def graded(coursedir, submission):
    """The digest of what a feedback page shows.

    Parameters
    ----------
    coursedir : nbgrader.coursedir.CourseDirectory
    submission : nbgrader.api.SubmittedAssignment
        With the gradebook still open.

    Returns
    -------
    digest : str
        64 hexadecimal digits over the autograded notebooks, every score, comment and mark in the gradebook, and
        the code and template that make the page.
    """
    folder = coursedir.format_path(coursedir.autograded_directory, submission.student_id, submission.name)
    book = [
        (
            n.name,
            n.late_submission_penalty,
            sorted((g.name, g.score, g.max_score, g.needs_manual_grade) for g in n.grades),
            sorted((k.name, k.comment or "") for k in n.comments),
        )
        for n in sorted(submission.notebooks, key=lambda notebook: notebook.name)
    ]
    own = Path(__file__).resolve().parent
    code = _unchanging(own, [*own.rglob("*.py"), *own.rglob("*.j2")])
    return _hash(repr(book).encode(), *_contents(Path(folder), Path(folder).rglob("*.ipynb")), code.encode())


def states(folder, names):
    """What tells whether files have changed since they were read.

    Parameters
    ----------
    folder : path
    names : iterable of str
        Paths in it.

    Returns
    -------
    states : tuple of (str, int, int)
        Each name with the file's time of change, in nanoseconds, and its size.
    """
    found = ((name, os.stat(Path(folder, name))) for name in names)
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)


@lru_cache(maxsize=1)
def _versions():
    return " ".join(f"{package} {version(package)}" for package in PACKAGES)


def _unchanging(folder, paths):
    """The digest of `_contents`, for files that are seldom other than the last time."""
    return _digest_of(str(folder), states(folder, map(str, _names(folder, paths))))


@lru_cache(maxsize=32)
def _digest_of(folder, states):
    return _hash(*_contents(Path(folder), [Path(folder, name) for name, *_ in states]))


def _names(folder, paths):
    """The files of a folder in order, without caches and links."""
    for path in sorted(paths):
        name = path.relative_to(folder)
        if path.is_symlink() or not path.is_file() or any(p.startswith((".", "__")) for p in name.parts[:-1]):
            continue
        yield name


def _contents(folder, paths):
    """Name and bytes of each file."""
    for name in _names(folder, paths):
        yield str(name).encode()
        yield Path(folder, name).read_bytes()


def _hash(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:".encode() + part)
    return digest.hexdigest()
