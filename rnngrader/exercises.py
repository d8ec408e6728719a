"""Makes exercises/ from solutions/: nbgrader's generate_assignment, with nothing else let through."""

import tempfile
from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.utils import capture_log, temp_attrs

from rnngrader.course import assignments, open_course

README = """# Generated: do not edit

These notebooks are made from `solutions/` by `make exercises`. A change made here is lost at the next run, and a
test fails on it: change the notebook in `solutions/`, then run `make exercises` and commit both.

To work on an assignment, copy its folder somewhere else first.
"""


def strangers(folder):
    """What lies in an assignment's folder and may not be released.

    Parameters
    ----------
    folder : pathlib.Path
        solutions/<assignment>.

    Returns
    -------
    paths : list of str
        Relative to `folder`: everything but <assignment>.ipynb, what is under data/, and caches.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_dir() or any(part.startswith((".", "__")) for part in name.parts):
            continue
        if str(name) != f"{folder.name}.ipynb" and name.parts[0] != "data":
            found.append(str(name))
    return found


def generate(root, target=None):
    """Writes the release of every assignment, touching only files whose content changes.

    Parameters
    ----------
    root : path
        The folder of nbgrader_config.py.
    target : path or None
        Where the releases go; None for the configured release directory.

    Returns
    -------
    changed : list of pathlib.Path
        The files written, in order.

    Raises
    ------
    ValueError
        When an assignment's folder holds anything but its notebook and data/.
    RuntimeError
        When nbgrader refuses an assignment; the message carries its log.
    """
    app = open_course(root)
    source = Path(app.coursedir.root, app.coursedir.source_directory)
    target = Path(target or Path(app.coursedir.root, app.coursedir.release_directory))
    with tempfile.TemporaryDirectory() as scratch:
        app.coursedir.release_directory = scratch
        app.config.SaveCells.enabled = False  # no gradebook is wanted, and a new one costs seconds
        for assignment in assignments(app.coursedir):
            if extra := strangers(source / assignment):
                raise ValueError(
                    f"solutions/{assignment} holds {', '.join(extra)}: only {assignment}.ipynb and data/ are released"
                )
            with temp_attrs(app.coursedir, assignment_id=assignment):
                result = capture_log(GenerateAssignment(coursedir=app.coursedir, parent=app, no_database=True))
            if not result["success"]:
                raise RuntimeError(f"{assignment}: {result.get('log', result['error'])}")
        wanted = {Path("README.md"): README.encode()}
        for folder in (Path(scratch, name) for name in assignments(app.coursedir)):
            for path in folder.rglob("*"):
                if path.is_file():
                    wanted[path.relative_to(scratch)] = path.read_bytes()
    return _write(target, wanted)


def _write(target, wanted):
    changed = []
    for name, content in sorted(wanted.items()):
        path = target / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            changed.append(path)
    return changed
