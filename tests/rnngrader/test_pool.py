"""A class graded side by side: on all cores and on a Dask cluster, with workers killed and the command stopped."""

import csv
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from courses import ROOT
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook

from rnngrader import digest, pool, work
from rnngrader.cli import main
from rnngrader.grade import grade
from rnngrader.pool import Lost, Processes, Submission, completed
from rnngrader.work import Release, Task

#: student -> the answer to `double`, and the points of both functions
ANSWERS = {
    "anna": ("def double(n):\n    return n + n", 8),
    "bert": ("def double(n):\n    return n", 5),
    "cleo": ("import os\ndef double(n):\n    os._exit(0)", 4),
    "dora": (None, 0),  # a file that was cut off
    "emil": ("def double(n):\n    return 2 * n", 8),
    "fred": ("def double(n)\n    return 2 * n", 4),
}
BROKEN = '{"cells": [{"cell_type": "co'


@pytest.fixture(scope="module")
def course(small_course):
    return small_course


def hand_in(course, folder):
    """The class in a folder of its own; each submission takes half a second at least."""
    for student, (answer, _) in ANSWERS.items():
        notebook = BROKEN
        if answer is not None:
            notebook = course.answered("small", double=answer)
            notebook.cells.insert(2, new_code_cell("import time\ntime.sleep(0.5)"))
        course.hand_in(student, "small", notebook, folder=folder)


class Command:
    """`rnngrader grade small`, running; its output as it comes, and the processes that belong to it."""

    def __init__(self, course, folder, tmp_path, *options, output=subprocess.PIPE):
        # A short path: multiprocessing makes a socket there, whose path may have a hundred bytes.
        self.files = Path(tempfile.mkdtemp(prefix="rnn-"))
        self.environment = {**course.environment, "TMPDIR": str(self.files), "RNN_TEST": str(tmp_path)}
        self.command = [sys.executable, "-m", "rnngrader", "grade", "small", "--class", folder, *options]
        self.process = subprocess.Popen(
            self.command, cwd=course.root, env=self.environment, stdout=output, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.said = ""

    def read_until(self, words):
        while words not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line

    def end(self, status=0):
        self.said += self.process.communicate(timeout=120)[0] or ""
        assert self.process.returncode == status, self.said
        assert_nothing_is_left(self.environment["RNN_TEST"], self.files)
        return self.said


def marked(word):
    """The processes that were started with RNN_TEST=`word`, with their parents."""
    found, mark = {}, f"RNN_TEST={word}".encode()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile, or is not ours
    return found


def workers(word):
    """The processes of a command in which a submission can be running: those that started a container."""
    found = marked(word)
    containers = [pid for pid in found if b"bwrap" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]]
    return sorted({found[pid] for pid in containers} - set(containers))


def assert_nothing_is_left(word, files):
    deadline = time.monotonic() + 20
    while marked(word) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert marked(word) == {}
    assert [path for path in files.iterdir() if not path.name.startswith("pymp-")] == []  # multiprocessing's own


def outcome(course, folder):
    """All that grading leaves: the CSV, the gradebook's rows, the pages without what is drawn or measured anew."""
    home = course.root / folder
    rows = {}
    with Gradebook(f"sqlite:///{home / 'gradebook.db'}", "rnn") as gradebook:
        for submission in gradebook.assignment_submissions("small"):
            (notebook,) = submission.notebooks
            grades = sorted((g.name, g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades)
            rows[submission.student_id] = grades, sorted((c.name, c.auto_comment) for c in notebook.comments)
    pages = {
        path.parents[1].name: re.sub(r'content="[0-9a-f]{64}"', "", path.read_text(encoding="utf-8"))
        for path in home.glob("feedback/*/small/small.html")
    }
    return (home / "grades.csv").read_bytes(), rows, pages


def lines(said):
    """How often each student is named in a line of progress."""
    return Counter(re.findall(r"^\[\d+/6\] (\w+): ", said, re.MULTILINE))


@pytest.fixture(scope="module")
def one_by_one(course, tmp_path_factory):
    """The class graded in one process, which others are compared with."""
    hand_in(course, "one")
    said = Command(course, "one", tmp_path_factory.mktemp("one"), "--jobs", "1").end()
    assert lines(said) == dict.fromkeys(ANSWERS, 1)
    return outcome(course, "one")


def test_everyone_gets_what_they_deserve(one_by_one):
    rows = {row["student_id"]: row for row in csv.DictReader(one_by_one[0].decode().splitlines())}
    assert {student: float(row["score"]) for student, row in rows.items()} == {s: p for s, (_, p) in ANSWERS.items()}
    assert rows["dora"]["status"] == "a person must look" and "cut off" in rows["dora"]["reason"]
    assert list(one_by_one[2]) and sorted(one_by_one[2]) == sorted(one_by_one[1]) == sorted(ANSWERS)


def test_two_at_a_time_and_a_bar_on_a_terminal_change_nothing(course, one_by_one, tmp_path):
    hand_in(course, "two")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = Command(course, "two", tmp_path, "--jobs", "2", output=theirs)
    os.close(theirs)
    said = b""
    while True:
        try:
            said += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    command.end()
    said = said.decode().replace("\r\n", "\n").replace("\r", "\n")
    assert outcome(course, "two") == one_by_one
    assert lines(said) == dict.fromkeys(ANSWERS, 1)
    assert re.search(r"small: 5 of 6 \|.*\| \d\d:\d\d left, \w+", said)
    assert re.search(r"\[6/6\] \w+: \d of 11, written answer to be graded \(\d+\.\d s\)\n", said)


def test_a_killed_worker_costs_nobody_anything(course, one_by_one, tmp_path):
    hand_in(course, "killed")
    command = Command(course, "killed", tmp_path, "--jobs", "2")
    command.read_until("[2/6]")
    pair = workers(str(tmp_path))
    assert len(pair) == 2 and command.process.pid not in pair
    os.kill(pair[0], signal.SIGKILL)
    assert lines(command.end()) == dict.fromkeys(ANSWERS, 1)
    assert outcome(course, "killed") == one_by_one


def test_stopped_in_each_way_it_goes_on_where_it_was(course, one_by_one, tmp_path):
    hand_in(course, "stopped")
    stops = {"[2/6]": (os.killpg, signal.SIGINT, 130), "[3/6]": (os.kill, signal.SIGTERM, 130),
             "[5/6]": (os.kill, signal.SIGKILL, -signal.SIGKILL)}  # fmt: skip
    graded = set()
    for number, (stop, how, status) in stops.items():
        command = Command(course, "stopped", tmp_path, "--jobs", "2")
        command.read_until(number)
        assert set(re.findall(r"\] (\w+): .*\(unchanged\)", command.said)) == graded
        stop(command.process.pid, how)
        said = command.end(status)
        graded = set(lines(said))
        if status == 130:
            assert "what is graded stays graded" in said and "Traceback" not in said
            rows = csv.DictReader((course.root / "stopped" / "grades.csv").read_text().splitlines())
            assert {row["student_id"] for row in rows if row["status"] != "not graded"} == graded
    said = Command(course, "stopped", tmp_path, "--jobs", "2").end()
    assert lines(said) == dict.fromkeys(ANSWERS, 1)
    assert outcome(course, "stopped") == one_by_one


@contextmanager
def cluster(tmp_path, environment, **settings):
    """A Dask scheduler and two workers, each a process; gives the scheduler's address and the workers."""
    (tmp_path / "workers").mkdir()
    environment = {
        **environment, "TMPDIR": str(tmp_path / "workers"), "RNN_TEST": f"{tmp_path}-cluster",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "rnngrader")]),
        **{f"DASK_DISTRIBUTED__{name}": value for name, value in settings.items()},
    }  # fmt: skip
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    worker = ["worker", *common, "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path / "workers")]
    started = []
    log = open(tmp_path / "log", "w")

    def start(*arguments):
        command = [sys.executable, "-m", "dask", *arguments]
        started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log))
        return started[-1]

    try:
        start("scheduler", *common, "--host", "127.0.0.1", "--port", "0")
        pair = [start(*worker), start(*worker)]
        while not file.exists():
            assert started[0].poll() is None, Path(log.name).read_text()
            time.sleep(0.05)
        yield json.loads(file.read_text())["address"], pair
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=30)
        log.close()


def test_on_a_dask_cluster_a_killed_worker_costs_nobody_anything(course, one_by_one, tmp_path):
    hand_in(course, "cluster")
    with cluster(tmp_path, course.environment) as (address, (first, second)):
        command = Command(course, "cluster", tmp_path, "--executor", "dask", "--scheduler", address)
        command.read_until("[2/6]")
        assert sorted(workers(f"{tmp_path}-cluster")) == sorted([first.pid, second.pid])
        first.kill()
        first.wait()
        assert lines(command.end()) == dict.fromkeys(ANSWERS, 1)
        assert outcome(course, "cluster") == one_by_one
        with_container = time.monotonic() + 20  # what was kept for the next submission is given up at the end
        while workers(f"{tmp_path}-cluster") and time.monotonic() < with_container:
            time.sleep(0.05)
        assert workers(f"{tmp_path}-cluster") == [] and second.poll() is None
    assert_nothing_is_left(f"{tmp_path}-cluster", command.files)


@pytest.fixture
def own_environment(monkeypatch):
    """What nbgrader_config.py sets in this process is gone after the test."""
    for name in ("PATH", "RNNLIB_HIDDEN_SEED", "RNNGRADER_SEED_OF_CONFIG", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))


@pytest.mark.filterwarnings("ignore:Object of type .* not in session")  # nbgrader's own, as in rnngrader.cli
def test_what_a_worker_gives_is_recorded_as_it_is_if_it_is_for_what_was_handed_in(
    course, monkeypatch, own_environment, tmp_path
):
    home = tmp_path / "class"

    def work_on(_, submissions):
        """What workers could give: made up for anna and bert, and nothing for emil."""
        for submission in submissions:
            (task,) = submission.tasks
            cells = json.loads(task.cells)
            for number, cell in enumerate(c for c in cells if c["metadata"].get("nbgrader", {}).get("grade")):
                result = {"output_type": "execute_result", "data": {"text/plain": f"{number / 4}"}, "metadata": {}}
                cell["outputs"] = [{**result, "execution_count": 1}]
            ran = {"cells": cells, "notes": ["made up"], "person": [], "stopped": False, "cpu_seconds": 0, "seconds": 0}
            if submission.student == "bert":  # who hands in again meanwhile
                course.hand_in("bert", "small", course.answered("small", double=ANSWERS["bert"][0]), folder=home)
            yield submission, Lost("its worker ended") if submission.student == "emil" else [json.dumps(ran)]

    for student in ("anna", "bert", "emil"):
        course.hand_in(student, "small", course.answered("small"), folder=home)
    monkeypatch.setattr("rnngrader.grade.completed", work_on)
    failed = grade(course.root, "small", home, jobs=1, say=lambda line: None)
    work.close_all()
    assert failed == {"emil": "Lost: its worker ended"}
    with open(home / "grades.csv", newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert [rows[student]["score"] for student in rows] == ["1.5", "5", "0"]
    assert rows["anna"]["reason"] == "made up." and rows["bert"]["reason"] == ""
    assert (rows["emil"]["status"], rows["emil"]["reason"]) == ("grading failed", "Lost: its worker ended")


class Ending:
    """A task that ends its worker, as a machine that runs out of memory does."""

    @property
    def release(self):
        os._exit(3)


class Slow:
    """A task that ends with an error after so long that one that ends its worker beside it ends it too."""

    @property
    def release(self):
        time.sleep(0.3)
        return foreign("slow").release


def foreign(name):
    """A task that no worker here takes, since it is for another version of the code."""
    return Task(Release("small", (), "{}", (), f"{digest.code()} and more"), name, "[]", 1.0)


def submissions(ending, other):
    return [Submission(s, [Ending() if s in ending else other]) for s in ("a", "b", "c", "d", "e", "f", "g")]


def test_who_ends_its_worker_each_time_fails_alone(tmp_path):
    with Processes(2) as processes:
        ran = {s.student: (type(r), s.tries) for s, r in completed(processes, submissions({"b", "e"}, Slow()))}
    assert {student for student, (kind, _) in ran.items() if kind is Lost} == {"b", "e"}
    assert {kind for kind, _ in ran.values()} == {Lost, RuntimeError}
    assert ran["b"] == ran["e"] == (Lost, 3) and len(ran) == 7
    assert all(tries <= 2 for kind, tries in ran.values() if kind is RuntimeError)


def test_nothing_is_taken_before_there_is_room():
    taken = []

    def source():
        for submission in submissions({}, foreign("small")):
            taken.append(submission.student)
            yield submission

    with Processes(1) as processes:
        for number, (_, ran) in enumerate(completed(processes, source()), 1):
            assert len(taken) <= number + 1 and "another version" in str(ran)
    assert len(taken) == 7


@pytest.mark.parametrize(
    "options, said",
    [
        (["--jobs", "0"], "jobs is 0: expected at least 1"),
        (["--jobs", "two"], "invalid int value: 'two'"),
        (["--executor", "dask"], "--executor dask and --scheduler ADDRESS go together"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--executor dask and --scheduler ADDRESS go together"),
        (["--executor", "dask", "--scheduler", "tcp://127.0.0.1:1", "--jobs", "2"], "jobs is for processes on this"),
        (["--executor", "threads"], "invalid choice: 'threads'"),
        (["--unsafe", "--jobs", "2"], "without a sandbox submissions run one after the other"),
    ],
)
def test_options_that_make_no_sense_are_refused(course, monkeypatch, own_environment, capsys, options, said):
    monkeypatch.chdir(course.root)
    try:
        status = main(["grade", "small", "--class", "none", *options])
    except SystemExit as exit:
        status = exit.code
    assert status == 2 and said in capsys.readouterr().err
    assert not (course.root / "none").exists()


def test_where_no_scheduler_answers_the_command_says_so(monkeypatch):
    monkeypatch.setattr(pool, "CONNECT", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(RuntimeError, match=f"no Dask scheduler answers at {address}"):
        pool.Dask(address)


def test_without_distributed_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RuntimeError, match=r"pip install 'rnnlib\[cluster\]'"):
        pool.Dask("tcp://127.0.0.1:1")
