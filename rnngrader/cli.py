"""The `rnngrader` command."""

import argparse
import importlib.util
import os
import sys
import time
import warnings
from pathlib import Path

NO_NBGRADER = (
    "rnngrader needs nbgrader: pip install 'rnnlib[grading]', or pip install -r requirements.txt in the course's folder"
)


def main(arguments=None):
    """Runs the command line and returns its exit status.

    Parameters
    ----------
    arguments : list of str or None
        None for those of the process.

    Returns
    -------
    status : int
        0; 1 when grading itself failed for someone; 2 when the command was wrong or nbgrader is not there.
    """
    parser = argparse.ArgumentParser(prog="rnngrader", description="Releases and grades the course's assignments.")
    commands = parser.add_subparsers(dest="command", required=True)

    exercises = commands.add_parser("exercises", help="make exercises/ from solutions/")
    exercises.set_defaults(run=_exercises)

    grade = commands.add_parser("grade", help="grade an assignment; ends in grades.csv and feedback pages")
    grade.set_defaults(run=_grade)
    grade.add_argument("assignment", help="such as 01-rnn")
    grade.add_argument("--students", nargs="+", metavar="ID", help="only these")
    grade.add_argument("--class", dest="folder", metavar="DIR", help="the class's folder; default: the course's root")
    grade.add_argument("--again", action="store_true", help="also what has not changed")

    report = commands.add_parser("report", help="what a class did in an assignment, as a page and as CSV")
    report.set_defaults(run=_report)
    report.add_argument("assignment", help="such as 01-rnn; grade it first")
    report.add_argument("--class", dest="folder", metavar="DIR", help="the class's folder; default: the course's root")
    report.add_argument(
        "--anonymous", action="store_true", help="for showing in class: without any student's id, name or reason"
    )

    sample = commands.add_parser("sample-class", help="make the sample class, grade it, and write the class report")
    sample.set_defaults(run=_sample_class)
    sample.add_argument("--again", action="store_true", help="also what has not changed")

    options = parser.parse_args(arguments)
    if importlib.util.find_spec("nbgrader") is None:  # rnnlib alone brings the command, but not what it needs
        print(NO_NBGRADER, file=sys.stderr)
        return 2
    from sqlalchemy.exc import SAWarning

    from rnngrader.course import find_root

    warnings.filterwarnings("ignore", "Object of type .* not in session", SAWarning)  # nbgrader's own, harmless
    try:
        return options.run(find_root(), options)
    except (FileNotFoundError, ValueError, RuntimeError) as error:
        print(f"rnngrader: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("rnngrader: stopped; what is graded stays graded, and the next run goes on from here", file=sys.stderr)
        return 130


def _exercises(root, options):
    from rnngrader.exercises import generate

    changed = generate(root)
    for path in changed:
        print(f"wrote {path.relative_to(root)}")
    if not changed:
        print("exercises/ is up to date")
    return 0


def _grade(root, options):
    return _grade_class(root, options.assignment, options.folder, options.students, options.again)


def _sample_class(root, options):
    from rnngrader import sample_class

    folder = root / "_build" / "sample-class"
    sample_class.make(root, folder)
    status = _grade_class(root, sample_class.ASSIGNMENT, folder, None, options.again)
    _write_report(root, sample_class.ASSIGNMENT, folder, anonymous=False)
    return status


def _report(root, options):
    return _write_report(root, options.assignment, options.folder, options.anonymous)


def _write_report(root, assignment, folder, anonymous):
    from rnngrader.class_report import write
    from rnngrader.course import open_course

    page, table = write(open_course(root, folder), assignment, folder or root, anonymous)
    print(f"report:   {os.path.relpath(page)}")
    print(f"the same: {os.path.relpath(table)}")
    return 0


def _grade_class(root, assignment, folder, students, again):
    from rnngrader.grade import grade

    start = time.perf_counter()
    failed = grade(root, assignment, folder, students, again, say=lambda line: print(line, flush=True))
    home = Path(os.path.relpath(folder or root))
    print(f"graded in {time.perf_counter() - start:.0f} s")
    print(f"grades:   {home / 'grades.csv'}")
    print(f"feedback: {home / 'feedback'}/<student>/{assignment}/{assignment}.html")
    return 1 if failed else 0
