"""Grades a class through nbgrader's own classes: students run side by side and are recorded one by one."""

import json
import re
import signal
import tempfile
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from itertools import count
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.utils import capture_log, temp_attrs
from tqdm import tqdm

from rnngrader import database, digest, export
from rnngrader.course import open_course
from rnngrader.pipeline import Sanitize, is_recorded
from rnngrader.pool import Dask, Processes, Submission, completed, cores
from rnngrader.sandbox import Sandbox
from rnngrader.submission import put_links_aside


def grade(
    root, assignment, class_folder=None, students=None, again=False, unsafe=False, say=print, db_url=None, jobs=None,
    scheduler=None,
):  # fmt: skip
    """Autogrades an assignment, makes the feedback pages and writes grades.csv.

    A student whose submission, release and graders are as they were is not run again, and a feedback page that is up
    to date is not made again. Stopped in the middle, the next run goes on where this one was. Submissions run in other
    processes; the gradebook is read and written by this one alone.

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
        Whether to run without a sandbox what students wrote, one after the other in this process; each outcome then
        says so.
    say : callable
        Called with each line of progress, in the order in which submissions are done. On a terminal there is a bar too.
    db_url : str or None
        The gradebook; see `rnngrader.course.open_course`.
    jobs : int or None
        How many submissions run at a time on this machine; None for one on each CPU that this process may use.
    scheduler : str or None
        The address of a Dask scheduler, for its workers to run them.

    Returns
    -------
    failed : dict of str to str
        Students for whom grading itself failed, with the reason; a bad submission is no such failure.

    Raises
    ------
    RuntimeError
        When the assignment itself cannot be registered, there is no sandbox here or no Dask cluster there, or the
        gradebook cannot be used.
    ValueError
        When the gradebook's URL cannot be read, one of `students` has no submission and is not in the gradebook, or the
        arguments do not go together.
    KeyboardInterrupt
        When stopped by SIGINT or SIGTERM, with what was graded until then recorded.
    """
    app = open_course(root, class_folder, db_url)
    if unsafe:
        app.config.Sandbox.unsafe = True
    sandbox = Sandbox(parent=app)
    if sandbox.unsafe and (jobs is not None or scheduler is not None):
        raise ValueError("without a sandbox submissions run one after the other in this process: no jobs, no scheduler")
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs is {jobs}: expected at least 1")
    if jobs is not None and scheduler is not None:
        raise ValueError("jobs is for processes on this machine: with a scheduler, its workers are what there is")
    if scheduler is None:
        sandbox.require()
    database.require(app.coursedir)
    home = Path(class_folder or root)
    home.mkdir(parents=True, exist_ok=True)
    with _stopped_by_signals() as undisturbed:
        with undisturbed():
            register(app, assignment)
        if sandbox.unsafe:
            pool = nullcontext
        elif scheduler is not None:
            pool = partial(Dask, scheduler)
        else:
            pool = partial(Processes, cores() if jobs is None else jobs)
        return _grade(app, assignment, home, students, again, pool, undisturbed, say)


@contextmanager
def _stopped_by_signals():
    """Has SIGTERM stop this process as Ctrl-C does, and gives a context to the end of which the first of them waits."""
    held = asked = False

    def stop(*_):
        nonlocal asked
        if asked or not held:
            raise KeyboardInterrupt
        asked = True

    @contextmanager
    def undisturbed():
        nonlocal held, asked
        held = True
        try:
            yield
        finally:
            held = False
        if asked:
            asked = False
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # where Python lets nobody handle signals
        yield undisturbed
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield undisturbed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _grade(app, assignment, home, students, again, pool, undisturbed, say):
    """`grade` for an assignment that is registered; `pool` makes what runs the submissions, None for here."""
    coursedir, failed = app.coursedir, {}
    known = export.students(coursedir)
    chosen = known if students is None else sorted(set(students))
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        if unknown := set(chosen).difference(known, (student.id for student in gradebook.students)):
            raise ValueError(f"no submission and no entry in the gradebook for: {', '.join(sorted(unknown))}")
    layout = "{desc}: {n_fmt} of {total_fmt} |{bar}| {remaining} left{postfix}"
    bar = tqdm(total=len(chosen), desc=assignment, bar_format=layout, disable=None)
    numbers = count(1)

    def tell(student, words):
        bar.set_postfix_str(student, refresh=False)
        bar.update()
        say(f"[{next(numbers)}/{len(chosen)}] {student}: {words}")

    def fail(student, reason):
        failed[student] = reason
        tell(student, f"grading failed: {reason}")

    def record(student, ran):
        """Writes down one student; `ran` has what each task gave, and is None where the last time's result holds."""
        start = time.perf_counter()
        with nullcontext() if workers is None else undisturbed():
            reason, changed = None, ran is not None
            if changed:
                reason = _convert(app, Autograde, assignment, student, ran)
            if reason is None and (changed or not _is_page_current(coursedir, assignment, student)):
                changed = True
                reason = _convert(app, GenerateFeedback, assignment, student)
            if reason is not None:
                fail(student, reason)
                return
            with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
                found = export.outcome(coursedir, gradebook, assignment, student)
            seconds = sum(each["seconds"] for each in (ran or {}).values()) + time.perf_counter() - start
            took = f"{seconds:.1f} s" if changed else "unchanged"
            tell(student, f"{found.score:g} of {found.max_score:g}, {found.status} ({took})")

    def submissions():
        """Records whom nothing has to be run for, and gives the others."""
        for student in chosen:
            try:
                put_links_aside(coursedir.format_path(coursedir.submitted_directory, student, assignment))
            except OSError as error:
                fail(student, f"a submitted link could not be put aside: {error}")
                continue
            if lacking := export.without_notebook(coursedir, assignment, student):
                tell(student, ". ".join(filter(None, lacking)))
            elif not again and _is_graded(app, assignment, student):
                record(student, None)
            elif reason := _bad_time(coursedir, assignment, student):
                fail(student, reason)
            else:
                with undisturbed():
                    tasks = [] if workers is None else _tasks(app, assignment, student)
                if tasks:
                    yield Submission(student, tasks)
                else:
                    record(student, {})

    try:
        with bar, pool() as workers:
            for submission, ran in submissions() if workers is None else completed(workers, submissions()):
                if isinstance(ran, Exception):
                    ran = dict.fromkeys(submission.tasks, ran)
                else:
                    ran = dict(zip(submission.tasks, map(json.loads, ran), strict=True))
                record(submission.student, ran)
    finally:
        with undisturbed(), Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
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
        raise RuntimeError(f"{assignment} cannot be registered in the gradebook: {_why(result)}")
    if fresh != {path.name: path.read_bytes() for path in release.glob("*.ipynb")}:
        raise RuntimeError(f"{release} is not what the source notebook gives: run `rnngrader exercises` first")


def _tasks(app, assignment, student):
    """What there is to run of a student's submission."""
    with temp_attrs(app.coursedir, assignment_id=assignment, student_id=student):
        job = Sanitize(coursedir=app.coursedir, parent=app)
        capture_log(job)
    return job.tasks


def _convert(app, converter, assignment, student, ran=None):
    """Runs one of nbgrader's converters for one student; None, or the exception that stopped it."""
    with temp_attrs(app.coursedir, assignment_id=assignment, student_id=student):
        job = converter(coursedir=app.coursedir, parent=app)
        job.force, job.ran = True, ran
        result = capture_log(job)
    if "KeyboardInterrupt" in result.get("error", ""):
        raise KeyboardInterrupt
    return None if result["success"] else _why(result)


def _why(result):
    """What stopped a converter, from its log: nbgrader raises an exception that only says that something went wrong."""
    logged = re.findall(r"^ +(?:\w+\.)*([A-Za-z_]\w*: .+)$", result.get("log", ""), re.MULTILINE)
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
