"""How fast `rnngrader grade` is beside stock `nbgrader autograde`, on the same submissions in one run.

`make bench-grading` writes results/grading.json, which the book shows. Stock is a plain nbgrader course in a temporary
folder, with nbgrader's own defaults: no sandbox, one submission after the other. It has this course's release and
source. Both are timed as whole commands, as an instructor types them.
"""

import argparse
import csv
import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import date
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np

from benchmarks import speed, usage
from rnngrader.submission import is_answer
from rnnlib.checks.exercises import exercises, named

ROOT = Path(__file__).resolve().parents[1]
RESULT = Path(__file__).with_name("results") / "grading.json"
ASSIGNMENT, SEED = "03-lstm", 6
STUDENTS, SIZES = 40, (20, 40, 80)
ASKED = 5.0
#: What twenty students hand in. Every twenty have the same mix, so that a larger class is more of the same.
MIX = ("right", "mistaken", "slow", "broken", "untouched", *("right", "mistaken") * 7, "right")
SLOW_SECONDS = 3

#: The plain course. The stubs are those of the course's release, so that both sides grade the same one.
STOCK_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "rnn"
c.ClearSolutions.code_stub = {code!r}
c.ClearSolutions.text_stub = {text!r}
"""
SCORES = """\
SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score
FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
WHERE base_cell.name NOT LIKE 'question-%'
"""
STYLE = """\
from rnnlib.checks.styles.lstm import STYLES

def {name}(*arguments):
    return STYLES["{name}"][{number}](*arguments)
"""
MISTAKE = """\
from rnnlib.checks.exercises import named

def {name}(*arguments):
    return named("{name}").mistakes[{number}].variant(*arguments)
"""
SLOW = """\
import time
until = time.process_time() + {seconds}
while time.process_time() < until:
    pass
"""
BROKEN = (
    "def {name}(x, h_prev, W_x, W_h, b)\n    return x @ W_x\n",  # does not parse
    "def {name}(*arguments):\n    return arguments[0] @ weights\n",  # a name that is not there
)
IN_WORDS = "The memory goes from step to step through the forget gate alone, so its gradient need not vanish."


def submission(kind, rng):
    """What one student hands in.

    Parameters
    ----------
    kind : str
        "right", each function in some right style; "mistaken", the same with one to three known mistakes; "slow",
        right, with a cell that computes for some seconds; "broken", right but for a function that does not run;
        "untouched".
    rng : numpy.random.Generator

    Returns
    -------
    notebook : NotebookNode
    """
    from rnnlib.checks.styles.lstm import STYLES

    notebook = nbformat.read(ROOT / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4)
    if kind == "untouched":
        return notebook
    names = [exercise.name for exercise in exercises() if exercise.assignment == ASSIGNMENT]
    sources = {name: STYLE.format(name=name, number=rng.integers(len(STYLES[name]))) for name in names}
    if kind == "mistaken":
        for name in rng.choice(names, size=rng.integers(1, 4), replace=False):
            sources[name] = MISTAKE.format(name=name, number=rng.integers(len(named(name).mistakes)))
    if kind == "broken":
        name = rng.choice(names)
        sources[name] = rng.choice(BROKEN).format(name=name)
    if kind == "slow":
        sources[names[0]] = SLOW.format(seconds=SLOW_SECONDS) + sources[names[0]]
    for cell in filter(is_answer, notebook.cells):
        cell.source = sources[cell.metadata.nbgrader.grade_id] if cell.cell_type == "code" else IN_WORDS
    return notebook


def make_class(students, seed=SEED):
    """The submissions of a class; a smaller one's are the first of a larger one's.

    Parameters
    ----------
    students : int
    seed : int

    Returns
    -------
    submissions : dict of str to tuple
        By student's id, the kind and the notebook's text.
    """
    found = {}
    for number in range(students):
        kind = MIX[number % len(MIX)]
        notebook = submission(kind, np.random.default_rng([seed, number]))
        found[f"s{number:02}-{kind}"] = kind, nbformat.writes(notebook)
    return found


def hand_in(course, submissions):
    """Put submissions where a grader looks for them.

    Parameters
    ----------
    course : pathlib.Path
    submissions : dict
        From `make_class`.
    """
    for student, (_, text) in submissions.items():
        path = course / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")


def environment(home):
    """The environment of a command: the user's, but with this library, empty settings, and no limit on threads.

    Parameters
    ----------
    home : pathlib.Path

    Returns
    -------
    environment : dict of str to str
        Stock takes BLAS as it is; this course's nbgrader_config.py sets one thread. The hidden checks' seed is one.
    """
    ours = ("JUPYTER", "IPYTHON", "PYTHON", "OPENBLAS_", "OMP_", "RNNLIB_")
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(ours)},
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "RNNLIB_HIDDEN_SEED": "benchmark",
    }


def make_stock(folder, env):
    """A plain nbgrader course that knows the assignment.

    Parameters
    ----------
    folder : pathlib.Path
    env : dict of str to str

    Raises
    ------
    RuntimeError
        When its release is not the course's own.
    """
    from traitlets.config.loader import PyFileConfigLoader

    stubs = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config().ClearSolutions
    config = STOCK_CONFIG.format(code=dict(stubs.code_stub), text=stubs.text_stub)
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text(config, encoding="utf-8")
    shutil.copytree(ROOT / "solutions" / ASSIGNMENT, folder / "source" / ASSIGNMENT)
    usage.run([sys.executable, "-m", "nbgrader", "generate_assignment", ASSIGNMENT], folder, env)
    name = f"{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
    if (folder / "release" / name).read_bytes() != (ROOT / "exercises" / name).read_bytes():
        raise RuntimeError("the release of the stock course is not that of exercises/: run `make exercises`")


def make_ours(folder):
    """This course, with one assignment.

    Parameters
    ----------
    folder : pathlib.Path
    """
    folder.mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    for step in ("solutions", "exercises"):
        shutil.copytree(ROOT / step / ASSIGNMENT, folder / step / ASSIGNMENT)


def scores(folder):
    """What a gradebook has: points by student and graded cell.

    Parameters
    ----------
    folder : pathlib.Path
        Of a course.

    Returns
    -------
    scores : dict of str to dict of str to float
        Of the checks alone; None where the gradebook has no points.
    """
    found = {}
    with closing(sqlite3.connect(folder / "gradebook.db")) as book:
        for student, cell, points in book.execute(SCORES):
            found.setdefault(student, {})[cell] = points
    return found


def compare(submissions, stock, ours, stock_folder):
    """Where the two sides gave different points, and what stock saw there.

    Parameters
    ----------
    submissions : dict
        From `make_class`.
    stock, ours : dict
        From `scores`.
    stock_folder : pathlib.Path
        Of the stock course, for its autograded notebooks.

    Returns
    -------
    differ : list of dict
        ``student``, ``kind``, ``cell``, ``stock``, ``ours``, ``why``.

    Raises
    ------
    RuntimeError
        When a side has no points for someone.
    """
    for side, found in (("stock", stock), ("ours", ours)):
        lacking = [s for s in submissions if not found.get(s) or None in found[s].values()]
        if lacking:
            raise RuntimeError(f"{side} gave no points to {', '.join(lacking)}")
    differ = []
    for student, (kind, _) in submissions.items():
        for cell, points in ours[student].items():
            if stock[student][cell] != points:
                row = {"student": student, "kind": kind, "cell": cell, "stock": stock[student][cell], "ours": points}
                differ.append(row | {"why": why(stock_folder, student, cell)})
    return differ


def why(stock_folder, student, grade_id):
    """What a check left under stock that explains its points there.

    Parameters
    ----------
    stock_folder : pathlib.Path
    student, grade_id : str

    Returns
    -------
    why : str
    """
    path = stock_folder / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            for output in cell.outputs:
                if output.output_type == "error":
                    return f"under stock the check ended with {output.ename}"
                if output.get("name") == "stderr":
                    first = re.sub(r"^\S+:\d+: ", "", output.text.splitlines()[0])  # without the file of a warning
                    return f"stock gives nothing where a line was written on stderr: {first}"
    return "under stock the check gave these points"


def straight_line(sizes, seconds):
    """The straight line through costs, by least squares.

    Parameters
    ----------
    sizes, seconds : sequence of float
        At least two different sizes.

    Returns
    -------
    line : dict
        ``start`` (seconds before the first submission), ``each`` (seconds for a submission), ``residuals`` (seconds)
        and ``r_squared``.
    """
    sizes, seconds = np.asarray(sizes, dtype=float), np.asarray(seconds, dtype=float)
    each, start = np.polyfit(sizes, seconds, 1)
    residuals = seconds - (start + each * sizes)
    spread = ((seconds - seconds.mean()) ** 2).sum()
    return {
        "start": float(start),
        "each": float(each),
        "residuals": residuals.tolist(),
        "r_squared": float(1 - (residuals**2).sum() / spread),
    }


def row(command, students, workers, used):
    """One command's figures.

    Parameters
    ----------
    command : str
    students, workers : int
    used : usage.Usage

    Returns
    -------
    row : dict
    """
    print(f"{command}: {students} submissions, {used.seconds:.1f} s, {used.cpu_seconds:.1f} s of CPU", flush=True)
    return {
        "command": command,
        "students": students,
        "seconds": used.seconds,
        "submissions_per_minute": 60 * students / used.seconds,
        "cpu_seconds": used.cpu_seconds,
        "workers": workers,
        "peak_bytes": used.peak_bytes,
        "peak_bytes_per_worker": used.peak_bytes / workers,
    }


def workers():
    """How many submissions `rnngrader grade` runs at a time when nobody says: one a core, since it has --jobs."""
    command = [sys.executable, "-m", "rnngrader", "grade", "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return speed.cores() if "--jobs" in told else 1


def grade_ours(folder, submissions, env, jobs):
    """Grade a class with `rnngrader grade` in a new course.

    Parameters
    ----------
    folder : pathlib.Path
    submissions : dict
    env : dict of str to str
    jobs : int
        How many it runs at a time.

    Returns
    -------
    row : dict
    """
    make_ours(folder)
    hand_in(folder, submissions)
    used = usage.run([sys.executable, "-m", "rnngrader", "grade", ASSIGNMENT], folder, env)
    with open(folder / "grades.csv", newline="", encoding="utf-8") as file:
        listed = {line["student_id"] for line in csv.DictReader(file)}
    pages = len(list(folder.glob(f"feedback/*/{ASSIGNMENT}/*.html")))
    if listed != set(submissions) or pages != len(submissions):
        raise RuntimeError(f"of {len(submissions)} students {len(listed)} are in grades.csv, {pages} have a page")
    return row(f"rnngrader grade {ASSIGNMENT}", len(submissions), jobs, used)


def main(students=STUDENTS, sizes=SIZES, out=RESULT):
    """Measure all and write the result.

    Parameters
    ----------
    students : int
        That both sides grade.
    sizes : sequence of int
        Of the classes that ours grades, for the cost against the size.
    out : pathlib.Path or None
        The file to write; None for none.

    Returns
    -------
    result : dict
    """
    everyone = make_class(max(students, *sizes))

    def first(size):
        return {student: everyone[student] for student in list(everyone)[:size]}

    with tempfile.TemporaryDirectory(prefix="bench-grading-") as scratch:
        scratch = Path(scratch)
        (scratch / "home").mkdir()
        env, jobs, submissions = environment(scratch / "home"), workers(), first(students)
        stock, ours = scratch / "stock", scratch / "ours"
        make_stock(stock, env)
        hand_in(stock, submissions)
        # Nothing is timed while libraries come from the disk for the first time.
        usage.run([sys.executable, "-c", "import torch, matplotlib, ipykernel, nbgrader.apps, rnnlib"], scratch, env)

        rows = {}
        for name, command in (("stock", "autograde"), ("stock_feedback", "generate_feedback")):
            used = usage.run([sys.executable, "-m", "nbgrader", command, ASSIGNMENT], stock, env)
            rows[name] = row(f"nbgrader {command} {ASSIGNMENT}", students, 1, used)
        rows["ours"] = grade_ours(ours, submissions, env, jobs)
        stock_scores, our_scores = scores(stock), scores(ours)
        differ = compare(submissions, stock_scores, our_scores, stock)
        runs = [
            rows["ours"] if size == students else grade_ours(scratch / f"ours-{size}", first(size), env, jobs)
            for size in sizes
        ]
    ratio = rows["stock"]["seconds"] / rows["ours"]["seconds"]
    both = rows["stock"]["seconds"] + rows["stock_feedback"]["seconds"]
    kinds = [kind for kind, _ in submissions.values()]
    result = {
        "date": date.today().isoformat(),
        "machine": machine(),
        "assignment": ASSIGNMENT,
        "seed": SEED,
        "class": {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        **rows,
        "ratio": ratio,
        "ratio_with_feedback": both / rows["ours"]["seconds"],
        "asked": ASKED,
        "checks": sum(map(len, our_scores.values())),
        "differ": differ,
        "sizes": {"runs": runs, **straight_line([r["students"] for r in runs], [r["seconds"] for r in runs])},
    }
    if out is not None:
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return result


def machine():
    """What the figures were measured on.

    Returns
    -------
    machine : dict of str to str or int
    """
    told = speed.machine()
    bubblewrap = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=True).stdout
    return {
        **{key: told[key] for key in ("processor", "cores", "Python", "numpy")},
        **{name: version(name) for name in ("nbgrader", "ipykernel", "torch")},
        "bubblewrap": bubblewrap.split()[-1],
        "Linux": platform.release(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="four submissions, to see that it works; writes nothing")
    arguments = parser.parse_args()
    found = main(4, (2, 3, 4), None) if arguments.quick else main()
    print(f"throughput over stock's: {found['ratio']:.1f}, asked at least {ASKED:g}")
    print(f"with feedback on both sides: {found['ratio_with_feedback']:.1f}")
    line = found["sizes"]
    print(f"{line['start']:.1f} s, and {line['each']:.2f} s a submission; R² = {line['r_squared']:.4f}")
    print(f"points differ in {len(found['differ'])} of {found['checks']} checks")
    for each in found["differ"]:
        print(f"  {each['student']} {each['cell']}: stock {each['stock']:g}, here {each['ours']:g}; {each['why']}")
