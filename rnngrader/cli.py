"""The `rnngrader` command."""

import argparse
import importlib.util
import os
import shutil
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

    grade = commands.add_parser(
        "grade",
        help="grade an assignment; ends in grades.csv and feedback pages",
        description="Grades an assignment: submissions run side by side, and this process alone writes the gradebook. "
        "Ctrl-C stops it at any time; the next run goes on from there. Status 1 means that grading itself failed for "
        "someone, with the reason in grades.csv.",
    )
    grade.set_defaults(run=_grade)
    grade.add_argument("assignment", help="such as 01-rnn")
    grade.add_argument("--students", nargs="+", metavar="ID", help="only these")
    grade.add_argument("--class", dest="folder", metavar="DIR", help="the class's folder; default: the course's root")
    _takes_gradebook(grade)
    grade.add_argument("--again", action="store_true", help="also what has not changed")
    grade.add_argument(
        "--unsafe", action="store_true", help="without a sandbox: what students wrote runs with your rights"
    )

    grade.add_argument(
        "--jobs", type=int, metavar="N", help="submissions at a time on this machine; default: one for each CPU"
    )
    grade.add_argument(
        "--executor",
        choices=("process", "dask"),
        default="process",
        help="what runs them: processes on this machine, or the workers of a Dask cluster, whose machines need Linux, "
        "bubblewrap and this version of rnnlib[cluster], and nothing else of the course; default: process",
    )
    grade.add_argument(
        "--scheduler", metavar="ADDRESS", help="of Dask, such as tcp://host:8786; needed for --executor dask"
    )

    report = commands.add_parser("report", help="what a class did in an assignment, as a page and as CSV")
    report.set_defaults(run=_report)
    report.add_argument("assignment", help="such as 01-rnn; grade it first")
    report.add_argument("--class", dest="folder", metavar="DIR", help="the class's folder; default: the course's root")
    _takes_gradebook(report)
    report.add_argument(
        "--anonymous", action="store_true", help="for showing in class: without any student's id, name or reason"
    )

    export = commands.add_parser(
        "export",
        help="grades for Moodle or Canvas, or as CSV",
        description="Writes the grades of assignments in a form that a learning platform imports. Status 1 means that "
        "a grade is in no row of the file; each is listed.",
    )
    export.set_defaults(run=_export)
    export.add_argument("assignments", nargs="+", metavar="assignment", help="such as 01-rnn")
    export.add_argument("--format", choices=("moodle", "canvas", "csv"), required=True)
    export.add_argument("--out", required=True, metavar="FILE")
    export.add_argument(
        "--roster",
        metavar="FILE",
        help="the gradebook or list of participants that the platform exported as CSV; Canvas needs it",
    )
    export.add_argument(
        "--id-column",
        metavar="NAME",
        help="the column that has the ids of submitted/; default: 'ID number' of Moodle, 'SIS Login ID' of Canvas",
    )
    export.add_argument(
        "--title",
        action="append",
        default=[],
        metavar="ASSIGNMENT=TITLE",
        help="the assignment's title on the platform, where it is another; may be given several times",
    )
    export.add_argument("--class", dest="folder", metavar="DIR", help="the class's folder; default: the course's root")

    _takes_gradebook(export)

    sample = commands.add_parser("sample-class", help="make the sample class, grade it, and write the class report")
    sample.set_defaults(run=_sample_class)
    sample.add_argument("--again", action="store_true", help="also what has not changed")

    options = parser.parse_args(arguments)
    if importlib.util.find_spec("nbgrader") is None:  # rnnlib alone brings the command, but not what it needs
        print(NO_NBGRADER, file=sys.stderr)
        return 2
    from sqlalchemy.exc import SAWarning, SQLAlchemyError

    from rnngrader.course import find_root
    from rnngrader.database import reason

    warnings.filterwarnings("ignore", "Object of type .* not in session", SAWarning)  # nbgrader's own, harmless
    try:
        return options.run(find_root(), options)
    except (FileNotFoundError, ValueError, RuntimeError) as error:
        print(f"rnngrader: {error}", file=sys.stderr)
        return 2
    except SQLAlchemyError as error:
        print(f"rnngrader: the gradebook failed: {reason(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("rnngrader: stopped; what is graded stays graded, and the next run goes on from here", file=sys.stderr)
        return 130


def _takes_gradebook(command):
    command.add_argument(
        "--db",
        metavar="URL",
        help="the gradebook, such as postgresql+psycopg://USER@HOST/DATABASE; default: the one that nbgrader_config.py "
        "sets, else gradebook.db in the class's folder",
    )


def _exercises(root, options):
    from rnngrader.exercises import generate

    changed = generate(root)
    for path in changed:
        print(f"wrote {path.relative_to(root)}")
    if not changed:
        print("exercises/ is up to date")
    return 0


def _grade(root, options):
    if (options.executor == "dask") != (options.scheduler is not None):
        raise ValueError("--executor dask and --scheduler ADDRESS go together: one was given without the other")
    return _grade_class(
        root, options.assignment, options.folder, options.students, options.again, options.unsafe, options.db,
        options.jobs, options.scheduler,
    )  # fmt: skip


def _sample_class(root, options):
    from rnngrader import sample_class

    folder = root / "_build" / "sample-class"
    sample_class.make(root, folder)
    unsafe = shutil.which("bwrap") is None
    if unsafe:
        print("bubblewrap is not installed: these submissions are the course's own, and are graded without a sandbox")
    own = f"sqlite:///{folder / 'gradebook.db'}"  # never the gradebook of a real class
    status = _grade_class(root, sample_class.ASSIGNMENT, folder, None, options.again, unsafe, own)
    _write_report(root, sample_class.ASSIGNMENT, folder, own, anonymous=False)
    return status


def _report(root, options):
    return _write_report(root, options.assignment, options.folder, options.db, options.anonymous)


def _write_report(root, assignment, folder, db_url, anonymous):
    from rnngrader.class_report import write

    page, table = write(_open_graded(root, folder, db_url), assignment, folder or root, anonymous)
    print(f"report:   {os.path.relpath(page)}")
    print(f"the same: {os.path.relpath(table)}")
    return 0


def _export(root, options):
    from nbgrader.api import Gradebook, MissingEntry

    from rnngrader import export, lms

    titles = dict(pair.partition("=")[::2] for pair in options.title)
    if not all(titles.values()):
        raise ValueError(f"--title is ASSIGNMENT=TITLE, not {' '.join(options.title)}")
    coursedir = _open_graded(root, options.folder, options.db).coursedir
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            found = export.outcomes(coursedir, gradebook, list(dict.fromkeys(options.assignments)))
        except MissingEntry as error:
            raise ValueError(f"{error}: grade it first") from None
    if options.format == "csv":
        if options.roster or options.id_column or titles:
            raise ValueError("--roster, --id-column and --title are for Moodle and Canvas")
        export.write_csv(options.out, found)
        print(f"grades:   {options.out}")
        return 0
    placed = lms.place(options.format, found, options.roster, options.id_column, titles)
    lms.write_table(options.out, placed.table)
    for note in placed.notes:
        print(f"note:     {note}")
    print(f"grades:   {options.out}")
    for line in placed.unplaced:
        print(f"rnngrader: not in the file: {line}", file=sys.stderr)
    return 1 if placed.unplaced else 0


def _open_graded(root, folder, db_url):
    """The course, with a class that has been graded: looking into another one would make it an empty gradebook."""
    from rnngrader.course import open_course
    from rnngrader.database import require

    app = open_course(root, folder, db_url)
    require(app.coursedir, filled=True)
    return app


def _grade_class(root, assignment, folder, students, again, unsafe, db_url, jobs=None, scheduler=None):
    from tqdm import tqdm

    from rnngrader.grade import grade

    def say(line):
        tqdm.write(line, file=sys.stdout)  # above the bar, where there is one
        sys.stdout.flush()

    start = time.perf_counter()
    failed = grade(root, assignment, folder, students, again, unsafe, say, db_url, jobs, scheduler)
    home = Path(os.path.relpath(folder or root))
    print(f"graded in {time.perf_counter() - start:.0f} s")
    print(f"grades:   {home / 'grades.csv'}")
    print(f"feedback: {home / 'feedback'}/<student>/{assignment}/{assignment}.html")
    return 1 if failed else 0
