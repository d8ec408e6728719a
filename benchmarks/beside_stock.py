"""Every attack's points here and under stock nbgrader, side by side: `make attacks` writes results/attacks.json.

Here all rows of `benchmarks.attacks` are one class, with honest students at its start, in its middle and at its end.
Stock nbgrader, with no configuration but the course's name, grades each row in a course of its own, between one
student who was graded before and one who comes after. As nothing protects that course from the row, nor the machine,
all of it runs in a container from outside, with limits and without network.
"""

import argparse
import csv
import json
import math
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import nbformat

from benchmarks.attacks import KINDS, LIMITS, NAME, RIGHT, ROOT, Attack, source

RESULT = Path(__file__).with_name("results") / "attacks.json"
HONEST = Attack("right", None, RIGHT, 4)
BEFORE, MIDDLE, AFTER = "0-honest", "m-honest", "zz-honest"
#: For one row under stock nbgrader: seconds on the wall and of CPU, address space of a process, a file, and /tmp.
WALL, CPU, MEMORY, FILE, SCRATCH = 120, 180, 4 * 2**30, 2**30, 512 * 2**20
#: More than this of what grading leaves behind is worth a word.
MUCH = {"memory": 1.5e9, "notebook": 2e6, "left": 5e6, "files": 1000, "processes": 1}


def environment(home):
    """Variables for commands that touch nothing of the user's."""
    kept = {name: os.environ[name] for name in ("LANG", "PYTHONPATH", "TMPDIR") if name in os.environ}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**kept, **threads, "PATH": path, "HOME": str(home), "IPYTHONDIR": f"{home}/ipython"}


# Here


def ours(rows, folder):
    """What the course's own command makes of a class of these rows, with honest students between them.

    Parameters
    ----------
    rows : dict of str to Attack
    folder : path
        Empty; the course is made there.

    Returns
    -------
    found : dict of str to dict
        The line of grades.csv by student: the names of the rows, and `BEFORE`, `MIDDLE` and `AFTER`.
    first : dict
        The line of `BEFORE` as it was when nobody else was graded.
    """
    folder = Path(folder)
    limits = [f"c.Sandbox.{name} = {value}" for name, value in LIMITS.items()]
    config = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    lines = [config, *limits, "c.Execute.timeout = 2", ""]
    (folder / "nbgrader_config.py").write_text("\n".join(lines), encoding="utf-8")
    (folder / "solutions" / NAME).mkdir(parents=True)
    nbformat.write(source(), folder / "solutions" / NAME / f"{NAME}.ipynb")
    everyone = {**rows, BEFORE: HONEST, MIDDLE: HONEST, AFTER: HONEST}
    for student, row in everyone.items():
        row.hand_in(folder / "submitted" / student)
    home = folder / "home"
    home.mkdir()

    def command(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "rnngrader", *arguments], cwd=folder, env=environment(home), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"rnngrader {' '.join(arguments)}: {done.stdout[-2000:]}")

    def lines_of_grades():
        with open(folder / "grades.csv", newline="", encoding="utf-8") as file:
            return {line["student_id"]: line for line in csv.DictReader(file)}

    command("exercises")
    command("grade", NAME, "--students", BEFORE)
    first = lines_of_grades()[BEFORE]
    command("grade", NAME)
    return lines_of_grades(), first


# Stock nbgrader


def container(course, *command):
    """The command line by which something runs with nothing of this machine to write to but the course."""
    limits = [f"--as={MEMORY}", f"--cpu={CPU}", f"--fsize={FILE}", "--nproc=4096", "--nofile=1024", "--core=0"]
    bwrap = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    bwrap += ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--size", str(SCRATCH), "--tmpfs", "/tmp"]
    bwrap += ["--dir", "/tmp/home", "--bind", str(course), "/tmp/course", "--chdir", "/tmp/course"]
    variables = environment("/tmp/home")
    variables.pop("PYTHONPATH", None)  # the packages as they are installed: behind what a student hands in
    for name, value in {**variables, "TMPDIR": "/tmp"}.items():
        bwrap += ["--setenv", name, value]
    return ["prlimit", *limits, "--", *bwrap, "--", *command]


def template(folder):
    """A stock course in which `BEFORE` has been graded.

    Parameters
    ----------
    folder : path
        To be made.
    """
    folder = Path(folder)
    (folder / "source" / NAME).mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'stock'\n")
    nbformat.write(source(), folder / "source" / NAME / f"{NAME}.ipynb")
    HONEST.hand_in(folder / "submitted" / BEFORE)
    for command in ("generate_assignment", "autograde"):
        subprocess.run(container(folder, "nbgrader", command, NAME), check=True, capture_output=True, timeout=WALL)
    HONEST.hand_in(folder / "submitted" / AFTER)


#: After the command, what is still there: processes, bytes and files in /tmp.
INSIDE = """nbgrader autograde {name} > /tmp/course/log 2>&1
status=$?; sleep 1; set -- /proc/[0-9]*; processes=$(($# - 2))
kept=$(du -sk --exclude=course /tmp | cut -f1); files=$(find /tmp -path /tmp/course -prune -o -type f -print | wc -l)
echo "$status $processes $kept $files"
"""


def stock(row, course, template):
    """What stock nbgrader makes of one row.

    Parameters
    ----------
    row : Attack
    course : path
        To be made.
    template : path
        See `template`.

    Returns
    -------
    outcome : dict
        ``points``, of 4, None where there are none; ``before`` and ``after``, those of the other two students;
        ``ended``, whether the command ended in time; ``status``, its exit status, None where the row ended it;
        ``found``, whether the row found what it looked for; and what it took and left.
    """
    course = Path(course)
    shutil.copytree(template, course, symlinks=True)
    before = size(course)
    row.hand_in(course / "submitted" / "mallory")
    handed_in = size(course) - before
    start = time.monotonic()
    running = subprocess.Popen(
        container(course, "sh", "-c", INSIDE.format(name=NAME)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    peak, ended = 0, False
    while not ended and time.monotonic() - start < WALL:
        peak = max(peak, memory(running.pid))
        with suppress(subprocess.TimeoutExpired):
            running.wait(0.3)
            ended = True
    running.kill()
    told = running.communicate()[0].split()
    status, processes, kept, files = map(int, told) if ended and len(told) == 4 else (None, 0, 0, 0)
    graded = course / "autograded" / "mallory" / NAME / f"{NAME}.ipynb"
    notebook = graded.stat().st_size if graded.is_file() else 0
    return {
        **{name: points(course, student) for name, student in WHO.items()},
        "ended": ended,
        "status": status,
        "found": row.found in shown(graded) if row.found else None,
        "seconds": round(time.monotonic() - start, 1),
        "memory": peak,
        "notebook": notebook,
        "left": max(0, size(course) - before - handed_in - notebook) + 1024 * kept,
        "files": files,
        "processes": processes,
    }


WHO = {"points": "mallory", "before": BEFORE, "after": AFTER}


def memory(process):
    """Bytes that a process and its descendants have in memory of their own; what they share is counted once."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            parents[int(name)] = int(Path("/proc", name, "stat").read_text().rsplit(")", 1)[1].split()[1])
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    kilobytes = 0
    for each in found:
        with suppress(OSError):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
    return 1024 * kilobytes


def size(folder):
    """Bytes of all files under a folder."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink())


def shown(path):
    """All that an autograded notebook shows, as text."""
    if not path.is_file() or path.stat().st_size > 50e6:
        return ""
    with suppress(ValueError):
        return json.dumps([cell.get("outputs") for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]])
    return ""


#: nbgrader's own rule: what a person gave, else what the check gave, and extra credit.
SCORE = """
    select sum(coalesce(manual_score, auto_score, 0) + coalesce(extra_credit, 0)),
    count(coalesce(manual_score, auto_score))
    from grade join submitted_notebook on grade.notebook_id = submitted_notebook.id
    join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
    where submitted_assignment.student_id = ?
"""


def points(course, student):
    """A student's points in a course's gradebook; None where no check gave any."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{course}/gradebook.db")) as book:
        score, given = book.execute(SCORE, [student]).fetchone()
        if given:
            return score if math.isfinite(score) else repr(score)
    return None


def in_words(outcome):
    """An outcome of stock nbgrader as a phrase.

    Parameters
    ----------
    outcome : dict
        See `stock`.

    Returns
    -------
    words : str
    """
    words = []
    if not outcome["ended"]:
        words.append(f"no end within {WALL} s")
    elif outcome["status"] is None:
        words.append("the grader is killed")
    if outcome["points"] is not None or outcome["ended"]:
        words.append("no score" if outcome["points"] is None else f"{said(outcome['points'])} of 4")
    if outcome["found"]:
        words.append("reads it")
    if outcome["before"] is None:
        words.append("scores of the class lost")
    elif outcome["before"] != 4:
        words.append(f"{said(outcome['before'])} of 4 for another student")
    if outcome["after"] is None and outcome["ended"]:
        words.append("the next student is not graded")
    elif outcome["after"] not in (None, 4):
        words.append(f"{said(outcome['after'])} of 4 for the next student")
    if outcome["memory"] > MUCH["memory"]:
        words.append(f"takes {outcome['memory'] / 1e9:.1f} GB of memory")
    if outcome["notebook"] > MUCH["notebook"]:
        words.append(f"{outcome['notebook'] / 1e6:.0f} MB of output kept")
    if outcome["left"] > MUCH["left"]:
        words.append(f"leaves {outcome['left'] / 1e6:.0f} MB of files")
    elif outcome["files"] > MUCH["files"]:
        words.append(f"leaves {outcome['files']} files")
    if outcome["processes"] >= MUCH["processes"]:
        words.append(f"leaves {outcome['processes']} process{'es' * (outcome['processes'] > 1)}")
    return ", ".join(words)


def said(score):
    """Points as a page says them."""
    return score if isinstance(score, str) else f"{score:g}"


def machine():
    """What the measurement ran on and with."""
    packages = ("nbgrader", "nbclient", "ipykernel", "ipython", "numpy")
    bwrap = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    processor = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "Python": platform.python_version(),
        **{package: version(package) for package in packages},
        "bubblewrap": bwrap,
    }


def main(arguments=None):
    """Grade all rows on both sides and write the result.

    Parameters
    ----------
    arguments : list of str, optional
        The command's; those of the process when left out.
    """
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="ROW", help="these rows; the others stay as they were measured")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="rows at a time under stock nbgrader")
    options = parser.parse_args(arguments)
    kinds = {name: (kind, row) for kind, rows in KINDS.items() for name, row in rows.items()}
    chosen, known = options.only or list(kinds), {}
    if options.only:
        written = json.loads(RESULT.read_text(encoding="utf-8"))
        if written["machine"] != machine():
            raise SystemExit(f"the other rows were measured on {written['machine']}: leave out --only to measure all")
        known = {row["name"]: row for row in written["rows"]}
    with tempfile.TemporaryDirectory(prefix="attacks-") as scratch:
        scratch = Path(scratch)
        (scratch / "ours").mkdir()
        found, first = ours({name: kinds[name][1] for name in chosen}, scratch / "ours")
        template(scratch / "template")

        def measure(name):
            outcome = stock(kinds[name][1], scratch / name, scratch / "template")
            shutil.rmtree(scratch / name)
            print(f"{name:<28} {in_words(outcome)}", flush=True)
            return name, outcome

        with ThreadPoolExecutor(options.jobs) as pool:
            for name, outcome in pool.map(measure, chosen):
                line = found[name]
                here = {"points": float(line["score"]), "person": line["status"] == "a person must look"}
                known[name] = {"ours": here, "stock": outcome}
    rows = [
        {"name": name, "kind": kind, "words": row.words, "deserved": row.deserved, "ours": known[name]["ours"],
         "stock": known[name]["stock"] | {"says": in_words(known[name]["stock"])}}
        for name, (kind, row) in kinds.items()
    ]  # fmt: skip
    honest = {student: float(found[student]["score"]) for student in (BEFORE, MIDDLE, AFTER)}
    result = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), "honest": honest}
    result |= {"unchanged": found[BEFORE] == first, "rows": rows}
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
