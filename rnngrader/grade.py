"""Grades a class through nbgrader's own classes: one student after the other, none stopping the next."""

import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.utils import capture_log, temp_attrs

from rnngrader import database, digest, export
from rnngrader.course import open_course
from rnngrader.pipeline import is_recorded
from rnngrader.sandbox import Sandbox


def grade(root, assignment, class_folder=None, students=None, again=False, unsafe=False, say=print, db_url=None):
    """Autogrades an assignment, makes the feedback pages and writes grades.csv.

    A student whose submission, release and graders are as they were is not run again, and a feedback page that is up
    to date is not made again. Stopped in the middle, the next run goes on where this one was.

    Parameters
    ----------
    root : path
        The folder of nbgrader_config.py.
    assignment : str
    class_folder : path or None
        The folder of submitted/ and gradebook.db; None for `root`.
    students : list of str or None
        Who is graded; None for everyone with a folder in submitted/.
    again : bool
        Whether to grade those too whose submission has not changed.
    unsafe : bool
        Whether to run without a sandbox what students wrote; each outcome then says so.
    say : callable
        Called with each line of progress.
    db_url : str or None
        The gradebook; see `rnngrader.course.open_course`.

    Returns
    -------
    failed : dict of str to str
        Students for whom grading itself failed, with the reason; a bad submission is no such failure.

    Raises
    ------
    RuntimeError
        When the assignment itself cannot be registered, or there is no sandbox here, or the gradebook cannot be used.
    ValueError
        When the gradebook's URL cannot be read, or one of `students` has no submission and is not in the gradebook.
    """
    app = open_course(root, class_folder, db_url)
    if unsafe:
        app.config.Sandbox.unsafe = True
    Sandbox(parent=app).require()
    coursedir = app.coursedir
    database.require(coursedir)
    home = Path(class_folder or root)
    home.mkdir(parents=True, exist_ok=True)
    register(app, assignment)
    known = export.students(coursedir)
    chosen = known if students is None else sorted(students)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        if unknown := set(chosen).difference(known, (student.id for student in gradebook.students)):
            raise ValueError(f"no submission and no entry in the gradebook for: {', '.join(sorted(unknown))}")
    failed = {}
    try:
        for number, student in enumerate(chosen, 1):
            start = time.perf_counter()
            line = f"[{number}/{len(chosen)}] {student}"
            if lacking := export.without_notebook(coursedir, assignment, student):
                say(f"{line}: {'. '.join(filter(None, lacking))}")
                continue
            reason, ran = _grade_one(app, assignment, student, again)
            if reason:
                failed[student] = reason
                say(f"{line}: grading failed: {reason}")
                continue
            with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
                found = export.outcome(coursedir, gradebook, assignment, student)
            took = f"{time.perf_counter() - start:.1f} s" if ran else "unchanged"
            say(f"{line}: {found.score:g} of {found.max_score:g}, {found.status} ({took})")
    finally:
        with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
            names = sorted(each.name for each in gradebook.assignments)
            found = export.outcomes(coursedir, gradebook, names)
        for each in found:
            if each.assignment == assignment and each.student in failed:
                each.status, each.reason = "grading failed", failed[each.student]
        export.write_csv(home / "grades.csv", found)
    return failed


def register(app, assignment):
    """Tells the gradebook the assignment's cells and hidden checks, as generate_assignment does.

    Parameters
    ----------
    app : nbgrader.apps.NbGrader
    assignment : str

    Raises
    ------
    RuntimeError
        When nbgrader refuses, or when the release is not the one that the source gives.
    """
    release = Path(app.coursedir.format_path(app.coursedir.release_directory, ".", assignment))
    with (
        tempfile.TemporaryDirectory() as scratch,
        temp_attrs(app.coursedir, assignment_id=assignment, release_directory=scratch),
    ):
        result = capture_log(GenerateAssignment(coursedir=app.coursedir, parent=app))
        fresh = {path.name: path.read_bytes() for path in Path(scratch, assignment).glob("*.ipynb")}
    if not result["success"]:
        raise RuntimeError(f"{assignment} cannot be registered in the gradebook: {result.get('log', result['error'])}")
    if fresh != {path.name: path.read_bytes() for path in release.glob("*.ipynb")}:
        raise RuntimeError(f"{release} is not what the source notebook gives: run `rnngrader exercises` first")


def _grade_one(app, assignment, student, again):
    """Autogrades and makes the page where needed; the reason of a failure or None, and whether anything ran."""
    coursedir, ran = app.coursedir, False
    if again or not _is_graded(app, assignment, student):
        ran = True
        if reason := _bad_time(coursedir, assignment, student):
            return reason, ran
        if reason := _convert(app, Autograde, assignment, student):
            return reason, ran
    if not _is_page_current(coursedir, assignment, student):
        ran = True
        if reason := _convert(app, GenerateFeedback, assignment, student):
            return reason, ran
    return None, ran


def _convert(app, converter, assignment, student):
    """Runs one of nbgrader's converters for one student; None, or the exception that stopped it."""
    with temp_attrs(app.coursedir, assignment_id=assignment, student_id=student):
        job = converter(coursedir=app.coursedir, parent=app)
        job.force = True
        result = capture_log(job)
    if "KeyboardInterrupt" in result.get("error", ""):
        raise KeyboardInterrupt
    if result["success"]:
        return None
    # nbgrader logs the traceback of what went wrong, then raises an exception that only says that something did.
    logged = re.findall(r"^ +([A-Za-z_][\w.]*: .+)$", result.get("log", ""), re.MULTILINE)
    return logged[-1] if logged else result["error"].splitlines()[-1]


def _bad_time(coursedir, assignment, student):
    """What is wrong with the file that says when the submission was handed in; None where nothing is."""
    try:
        coursedir.get_existing_timestamp(coursedir.format_path(coursedir.submitted_directory, student, assignment))
    except Exception:  # nbgrader names none
        return "timestamp.txt holds no time, such as 2030-05-03 12:00:00 UTC"
    return None


def _is_graded(app, assignment, student):
    coursedir = app.coursedir
    folder = Path(coursedir.format_path(coursedir.autograded_directory, student, assignment))
    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))}
    told = [notebook.metadata.get("rnngrader", {}) for notebook in notebooks.values()]
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook, suppress(MissingEntry):
        late = gradebook.find_submission(assignment, student).total_seconds_late  # by today's due date
        now = digest.submission(coursedir, assignment, student), Sandbox(parent=app).unsafe, late
        before = [(each.get("digest"), each.get("unsafe", False), each.get("seconds_late")) for each in told]
        recorded = (is_recorded(nb, name, gradebook, assignment, student) for name, nb in notebooks.items())
        return bool(told) and all(each == now for each in before) and all(recorded)
    return False


def _is_page_current(coursedir, assignment, student):
    folder = Path(coursedir.format_path(coursedir.feedback_directory, student, assignment))
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook, suppress(MissingEntry):
        state = digest.graded(coursedir, gradebook.find_submission(assignment, student))
        pages = sorted(folder.glob("*.html"))
        return bool(pages) and all(f'content="{state}"' in page.read_text(encoding="utf-8") for page in pages)
    return False
