"""A gradebook on a PostgreSQL server: one class graded there and in SQLite, and what is said when it cannot be used."""

import csv
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from courses import ROOT, Course, small_source
from nbgrader.api import Gradebook
from sqlalchemy import create_engine, text

from rnngrader import cli, database, grade

PASSWORD = "gr4de:b00k"
HALF_A_POINT = """
from nbgrader.plugins import BasePlugin


class HalfAPoint(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5


c.AssignLatePenalties.plugin_class = HalfAPoint
"""


def find_programs():
    """The folder of Debian's newest PostgreSQL server; a test that needs it is left out where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    if not found:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs PostgreSQL's server: apt-get install postgresql")
    return found[-1].parent


@pytest.fixture(scope="module")
def server():
    """A server on a socket in a folder of its own: `url(database, password)`, `create(database)`, `stop()`, `start()`.

    It refuses to run as root, which then starts it as the user whom Debian's package makes, or nobody.
    """
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # pytest's own folder may be closed to others, and long
    as_user = []
    if os.getuid() == 0:
        user = "postgres" if subprocess.run(["id", "postgres"], capture_output=True).returncode == 0 else "nobody"
        shutil.chown(folder, user)
        as_user = ["setpriv", f"--reuid={user}", "--clear-groups"]
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    subprocess.run(
        [*as_user, programs / "initdb", "-D", folder / "data", "-U", "grader", "--auth=scram-sha-256", "-N",
         f"--pwfile={folder / 'password'}", "--locale=C.UTF-8"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    running = []

    def url(name, password=PASSWORD):
        return f"postgresql+psycopg://grader:{password}@/{name}?host={folder}"

    def start():
        log = open(folder / "log", "ab")
        running.append(
            subprocess.Popen(
                [*as_user, programs / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=",
                 "-c", "fsync=off"],
                stdout=log, stderr=log, cwd=folder,
            )
        )  # fmt: skip
        log.close()
        for _ in range(100):
            ready = subprocess.run([programs / "pg_isready", "-h", folder, "-U", "grader"], capture_output=True)
            if ready.returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError((folder / "log").read_text())

    def stop():
        while running:
            server = running.pop()
            server.send_signal(2)  # what takes connections from all who have one, and ends
            server.wait(30)

    def create(name):
        engine = create_engine(url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return url(name)

    try:
        start()
        yield SimpleNamespace(url=url, create=create, start=start, stop=stop)
    finally:
        stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def course(tmp_path_factory, home):
    """A small course in which being late costs half a point, and a class of four in two folders."""
    root = tmp_path_factory.mktemp("server-course")
    config = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (root / "nbgrader_config.py").write_text(config + HALF_A_POINT, encoding="utf-8")
    (root / "solutions" / "small").mkdir(parents=True)
    nbformat.write(small_source(), root / "solutions" / "small" / "small.ipynb")
    course = Course(root, home)
    course.run("rnngrader", "exercises")
    for folder in ("on-server", "in-file"):
        course.hand_in("ann", "small", course.answered("small"), folder)
        course.hand_in("ben", "small", course.answered("small", double="def double(n):\n    return n"), folder)
        course.hand_in("cem", "small", course.answered("small"), folder)
        course.hand_in("dan", "small", "no notebook", folder)
        (root / folder / "submitted" / "cem" / "small" / "timestamp.txt").write_text("2026-03-02 08:00:00 UTC")
    return course


def mark(url):
    """What an instructor does in the formgrader: points and comments."""
    with Gradebook(url, "rnn") as book:
        for student, points in (("ann", 3.0), ("ben", 1.5)):
            grade = book.find_grade("question-why", "small", "small", student)
            grade.manual_score, grade.needs_manual_grade = points, False
            book.find_comment("question-why", "small", "small", student).manual_comment = f"Zwölf – {student}"
        grade = book.find_grade("double-hidden", "small", "small", "ben")
        grade.manual_score = 1.25  # instead of what the check gave
        book.db.commit()


@pytest.fixture(scope="module")
def graded(course, server):
    """Where the class's two gradebooks are, after grading, marking by hand, and grading again."""
    urls = {
        "on-server": server.create("rnn"),
        "in-file": f"sqlite:///{course.root / 'in-file' / 'gradebook.db'}",
    }
    said = {}
    for folder, url in urls.items():
        with Gradebook(url, "rnn") as book:  # on the server it makes the tables, as nbgrader itself does
            book.update_or_create_assignment("small", duedate="2026-03-01 08:00:00 UTC")
        command = ["rnngrader", "grade", "small", "--class", folder]
        command += ["--db", url] if folder == "on-server" else []
        said[folder] = [course.run(*command)]
        mark(url)
        said[folder].append(course.run(*command))
    return SimpleNamespace(urls=urls, said=said)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def scores(url):
    with Gradebook(url, "rnn") as book:
        return {
            (each.student_id, grade.name): (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for each in book.assignment_submissions("small")
            for notebook in each.notebooks
            for grade in notebook.grades
        }


def test_every_score_and_mark_is_on_the_server(graded):
    found = scores(graded.urls["on-server"])
    full = {"double-check": 2, "double-hidden": 2, "twice-check": 2, "twice-hidden": 2}
    auto = {"ann": full, "ben": full | {"double-check": 0.5, "double-hidden": 0.5}, "cem": full}
    auto["dan"] = dict.fromkeys(full, 0)
    assert {key: score for key, (score, _, _) in found.items() if key[1] in full} == {
        (student, name): score for student, each in auto.items() for name, score in each.items()
    }
    assert {key: score for key, (_, score, _) in found.items() if score is not None} == {
        ("ann", "question-why"): 3,
        ("ben", "question-why"): 1.5,
        ("ben", "double-hidden"): 1.25,
    }
    assert sorted(key for key, (_, _, waits) in found.items() if waits) == [
        ("cem", "question-why"), *(("dan", name) for name in sorted([*full, "question-why"]))
    ]  # fmt: skip


def test_comments_dates_and_penalties_are_on_the_server(graded):
    with Gradebook(graded.urls["on-server"], "rnn") as book:
        comments = {s: book.find_comment("question-why", "small", "small", s).comment for s in ("ann", "ben", "cem")}
        assert comments == {"ann": "Zwölf – ann", "ben": "Zwölf – ben", "cem": None}
        late = book.find_submission("small", "cem")
        assert (late.total_seconds_late, late.late_submission_penalty, late.score) == (86400, 0.5, 8)


def test_grades_csv_is_that_of_sqlite(graded, course):
    files = [course.root / folder / "grades.csv" for folder in graded.urls]
    assert files[0].read_bytes() == files[1].read_bytes()
    found = rows(files[0])
    assert {student: (row["score"], row["late_penalty"], row["status"]) for student, row in found.items()} == {
        "ann": ("11", "0", "graded"),
        "ben": ("7.25", "0", "graded"),
        "cem": ("7.5", "0.5", "written answer to be graded"),
        "dan": ("0", "0", "a person must look"),
    }
    assert list(found["ann"])[-3:] == ["double", "twice", "question-why"]
    assert not (course.root / "on-server" / "gradebook.db").exists()


def test_points_stand_in_the_notebooks_order(graded, here):
    """A server gives rows in any order: here those of the first function, which were written last."""
    engine = create_engine(graded.urls["on-server"])
    names = "SELECT id FROM base_cell WHERE name LIKE 'double%'"
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE grade SET auto_score = auto_score WHERE cell_id IN ({names})"))
    engine.dispose()
    with Gradebook(graded.urls["on-server"], "rnn") as book:
        (notebook,) = book.find_submission("small", "ann").notebooks
        assert notebook.grades[-1].name.startswith("double")
    command = ["export", "small", "--format", "csv", "--out", "ordered.csv", "--class", "on-server", "--db"]
    assert cli.main([*command, graded.urls["on-server"]]) == 0
    assert Path("ordered.csv").read_bytes() == Path("in-file/grades.csv").read_bytes()


def test_what_is_graded_is_not_run_again(graded, course):
    for first, last in graded.said.values():
        assert "unchanged" not in first
        assert last.count("unchanged") == 2 and "[1/4] ann: 11 of 11, graded" in last  # ann and ben get a new page
    when = autograded(course)
    said = course.run("rnngrader", "grade", "small", "--class", "on-server", "--db", graded.urls["on-server"])
    assert said.count("unchanged") == 4 and autograded(course) == when


def autograded(course):
    return {path: path.stat().st_mtime_ns for path in course.root.glob("on-server/autograded/*/small/small.ipynb")}


def test_what_is_graded_in_another_gradebook_is_not_taken_for_graded(graded, course, server):
    """A submission is graded when the gradebook in use has its points, whatever lies in autograded/."""
    other, before = server.create("other"), autograded(course)
    grade = ["rnngrader", "grade", "small", "--class", "on-server", "--students", "ben"]
    said = course.run(*grade, "--db", other)
    assert "[1/1] ben: 5 of 11, written answer to be graded" in said and "unchanged" not in said
    with Gradebook(other, "rnn") as book:
        book.find_grade("twice-check", "small", "small", "ben").auto_score = 0.0  # as of an older submission
        book.db.commit()
    assert "[1/1] ben: 5 of 11" in course.run(*grade, "--db", other)
    changed = {path.parents[1].name for path, when in autograded(course).items() if when != before[path]}
    assert changed == {"ben"}


def test_the_formgraders_queries_give_the_same(graded):
    """Sums, counts and orders, as the formgrader asks for them."""
    answers = []
    for url in graded.urls.values():
        with Gradebook(url, "rnn") as book:
            dicts = [
                book.student_dicts(),
                book.submission_dicts("small"),
                book.notebook_submission_dicts("small", "small"),
                [book.average_assignment_score("small"), book.average_notebook_code_score("small", "small")],
                [book.average_assignment_written_score("small"), book.average_notebook_score("small", "small")],
            ]
            answers.append(
                [sorted(str(without_ids(each)) for each in some) if isinstance(some, list) else some for some in dicts]
            )
    assert answers[0] == answers[1]
    assert len(answers[0][0]) == 4


def without_ids(value):
    return {k: v for k, v in value.items() if k != "id"} if isinstance(value, dict) else value


@pytest.fixture(scope="module")
def by_config(course, server, graded):
    """What every command says in a course whose nbgrader_config.py sets the URL, password and all."""
    url = server.create("by_config")
    config = course.root / "nbgrader_config.py"
    before = config.read_text(encoding="utf-8")
    config.write_text(f"{before}\nc.CourseDirectory.db_url = {url!r}\n", encoding="utf-8")
    course.hand_in("eva", "small", course.answered("small"))
    course.hand_in("fay", "small", course.answered("small"))
    try:
        said = {
            name: course.run(*command.split())
            for name, command in {
                "first": "rnngrader grade small --students eva",  # makes the tables, knows the assignment
                "autograde": "nbgrader autograde small --student fay --debug",
                "again": "rnngrader grade small",
                "feedback": "nbgrader generate_feedback small --force",
                "upgrade": "nbgrader db upgrade",
                "students": "nbgrader db student list",
                "export": "nbgrader export --to exported.csv",
                "report": "rnngrader report small",
                "moodle": "rnngrader export small --format csv --out moodle.csv",
                "class": "rnngrader grade small --class in-class",
            }.items()
        }
    finally:
        config.write_text(before, encoding="utf-8")
    return SimpleNamespace(url=url, said=said)


def test_every_command_works_with_the_url_of_the_configuration(by_config, course):
    said = by_config.said
    assert "[1/1] eva: 8 of 11" in said["first"]
    assert "[1/2] eva: 8 of 11, written answer to be graded (unchanged)" in said["again"]
    assert "[2/2] fay: 8 of 11" in said["again"]
    assert "There are 2 students in the database" in said["students"]
    grades = rows(course.root / "grades.csv")
    assert {student: row["score"] for student, row in grades.items()} == {"eva": "8", "fay": "8"}
    assert rows(course.root / "exported.csv") == rows(course.root / "moodle.csv") == grades
    assert "fay" in (course.root / "report" / "small.html").read_text(encoding="utf-8")
    assert {student for student, _ in scores(by_config.url)} == {"eva", "fay"}
    engine = create_engine(by_config.url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "e43177bfe90b"
    engine.dispose()


def test_the_url_of_the_configuration_stands_for_a_class_in_a_folder_too(by_config, course):
    assert "eva" in rows(course.root / "in-class" / "grades.csv")  # who is known to that gradebook
    assert not [*course.root.glob("gradebook.db*"), *course.root.glob("in-class/gradebook.db*")]


def test_the_password_is_in_no_file_and_no_message(by_config, graded, course):
    everything = "".join([*by_config.said.values(), *(said for both in graded.said.values() for said in both)])
    assert "Upgrading postgresql+psycopg://grader:***@/by_config" in by_config.said["upgrade"]
    assert PASSWORD not in everything
    files = [path for path in course.root.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".html"]) >= 7
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        (("/rnn?", "/nowhere?"), 2, 'database "nowhere" does not exist'),
        ((PASSWORD, "wr0ng"), 2, 'password authentication failed for user "grader"'),
        ((f":{PASSWORD}", ":se/cr3t@1:x"), 2, "cannot be read: wanted is postgresql+psycopg://USER@HOST/DATABASE"),
        (("host=", "password=wr0ng&host=/nowhere"), 2, "No such file or directory"),
        (("+psycopg", "+psycopg2cffi"), 2, "its driver is not installed (No module named 'psycopg2cffi')"),
        (("postgresql+psycopg", "postgres"), 2, "SQLAlchemy knows no database 'postgres'"),
        (("/rnn?", "/empty?"), 2, "nothing is in it; grade the class first"),
        (("/rnn?", "/shop?"), 2, "its database holds something else (tables customer …); `createdb NAME`"),
        (("/rnn?", "/old?"), 2, "another version of nbgrader made it"),
        (("k@", "%6b@"), 0, "the same"),
    ],
)
def test_what_is_wrong_is_one_sentence(change, status, sentence, graded, here, databases, capsys):
    url = graded.urls["on-server"].replace(*change)
    assert url != graded.urls["on-server"]
    assert cli.main(["report", "small", "--class", "on-server", "--db", url]) == status
    said = capsys.readouterr()
    assert sentence in said.err + said.out
    assert not any(word in said.err for word in (PASSWORD, "wr0ng", "cr3t"))
    if status:
        assert len(said.err.splitlines()) == 1 and said.err.startswith("rnngrader: the gradebook") and not said.out


@pytest.fixture
def here(course, monkeypatch):
    """The course, for commands in this process, whose environment nbgrader_config.py changes for a while."""
    monkeypatch.chdir(course.root)
    for name in ("PATH", "RNNLIB_HIDDEN_SEED", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, course.environment.get(name, "1"))


@pytest.fixture(scope="module")
def databases(server):
    """One database with nothing in it, one of something else, one of another nbgrader."""
    server.create("empty")
    statements = {
        "shop": ["CREATE TABLE customer (id INT)"],
        "old": [
            "CREATE TABLE alembic_version (version_num VARCHAR(32))",
            "INSERT INTO alembic_version VALUES ('167914646830')",
            "CREATE TABLE grade (id INT)",
            "CREATE TABLE submitted_assignment (id INT)",
        ],
    }
    for name, lines in statements.items():
        engine = create_engine(server.create(name))
        with engine.begin() as connection:
            for line in lines:
                connection.execute(text(line))
        engine.dispose()


def test_a_server_that_goes_away_in_the_middle_is_one_sentence(graded, here, server, monkeypatch, capsys):
    register = grade.register

    def register_and_stop(app, assignment):
        register(app, assignment)
        server.stop()

    monkeypatch.setattr(grade, "register", register_and_stop)
    command = ["grade", "small", "--class", "on-server", "--db", graded.urls["on-server"]]
    try:
        assert cli.main(command) == 2
        said = capsys.readouterr().err
        assert said.startswith("rnngrader: the gradebook failed: connection") and len(said.splitlines()) == 1
        assert cli.main(command) == 2
        said = capsys.readouterr().err
        assert "Is the server running locally" in said and len(said.splitlines()) == 1 and PASSWORD not in said
    finally:
        server.start()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://u:p@ss@h:1/d failed", "postgresql+psycopg://u:***@h:1/d failed"),
        ("postgresql://u@h/d?user=u&password=pass&x=1", "postgresql://u@h/d?user=u&password=***&x=1"),
        ("mysql://:p@h/d", "mysql://:***@h/d"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("sqlite:////a/b.db of ann@example.org", "sqlite:////a/b.db of ann@example.org"),
        ("http://localhost:8888/ for ann@example.org", "http://localhost:8888/ for ann@example.org"),
    ],
)
def test_a_password_is_masked(text, shown):
    assert database.masked(text) == shown
