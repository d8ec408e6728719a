"""The sandbox itself: that it is there, that it is asked for, and what happens when a process or all of it is lost."""

import csv
import os
import shutil
import subprocess
import sys
import time

import nbformat
import pytest
from courses import ROOT, Course, mark, small_source
from nbformat.v4 import new_code_cell, new_notebook

from rnngrader.bridge import Closed
from rnngrader.pipeline import points_of
from rnngrader.sandbox import Container, NoSandbox, Sandbox
from rnngrader.split import Execution, Outputs, Pair

TEST = {"grade": True, "locked": True, "points": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release") / "own"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "numbers.txt").write_text("1 2 3")
    nbformat.write(new_notebook(cells=[new_code_cell("double = 1")]), folder / "own.ipynb")
    return folder


@pytest.fixture(scope="module")
def pair(folder):
    pair = Pair(Sandbox(call_seconds=1.0, memory_bytes=300 * 2**20), folder, {})
    yield pair
    pair.close()


def run(pair, *cells, release=None, timeout=5):
    """Runs cells: texts are the student's, pairs of a name and a text are tests; the run, and what each cell shows."""
    cells = [new_code_cell(c) if isinstance(c, str) else mark(new_code_cell(c[1], id=c[0]), **TEST) for c in cells]
    execution = Execution(pair, release or new_notebook(), timeout)
    execution.run(cells, lambda cell: cell.id if "nbgrader" in cell.metadata else "a cell")
    return execution, [[text_of(output) for output in cell.outputs] for cell in cells], cells


def text_of(output):
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output.text if output.output_type == "stream" else output.data["text/plain"]


def test_cells_see_their_files_and_their_results_are_numbered_through(pair):
    _, shown, cells = run(
        pair,
        "open('data/numbers.txt').read()",
        ("t", "1 + 1"),
        "import sys\nprint('a'); print('b', file=sys.stderr)\n3",
    )
    assert shown == [["'1 2 3'"], ["2"], ["a\n", "b\n", "3"]]
    assert [cell.execution_count for cell in cells] == [1, 2, 3]
    assert [output.get("execution_count") for output in cells[2].outputs] == [None, None, 3]


def test_displays_are_cleared_and_updated_as_in_a_notebook(pair):
    code = "from IPython.display import display, clear_output\nprint('gone')\nclear_output()\n"
    code += "shown = display('first', display_id=True)\nshown.update('second')"
    assert run(pair, code)[1] == [["'second'"]]


def test_of_an_output_is_kept_what_a_page_can_show(pair):
    code = """from IPython.display import HTML, Javascript, display
display(HTML("<b>bold</b>"))
display(Javascript("alert(1)"))
display({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "a widget"}, raw=True)
display({"text/vnd.mermaid": "graph TD;", "application/json": {"a": 1}}, raw=True)"""
    (cell,) = run(pair, code)[2]
    data = [dict(output.data) for output in cell.outputs]
    words = ["<IPython.core.display.HTML object>", "<IPython.core.display.Javascript object>", "a widget"]
    assert [each.pop("text/plain") for each in data] == words
    assert data == [{"text/html": "<b>bold</b>"}, {}, {}]


def test_a_students_name_is_a_proxy_in_a_test_and_a_value_its_copy(pair):
    student = (
        "import numpy as np\nnumbers = np.arange(3)\ndef add(a, b=0):\n    a += 1\n    return a + b\nthing = object()"
    )
    test = (
        "import numpy as np\nmine = np.zeros(2)\nresult = add(mine, b=2)\n"
        "(result.tolist(), mine.tolist(), numbers.tolist(), type(thing).__name__, add.__name__)"
    )
    assert run(pair, student, ("t", test))[1][1] == ["([3.0, 3.0], [1.0, 1.0], [0, 1, 2], 'object', 'add')"]


def test_a_function_of_a_test_is_called_where_it_is(pair):
    student = "def twice(f, x): return f(f(x))\ndef wrong(f): return f('text', object())\n"
    student += "def later(f):\n    global kept\n    kept = f"
    test = "calls = []\ndef f(x):\n    calls.append(x)\n    return x + 1\n(twice(f, 3), calls)"
    _, shown, _ = run(
        pair, student, ("t", test), ("u", "wrong(f)"), ("v", "later(f)"), "kept(1)", ("w", "twice(f, 5)"),
    )  # fmt: skip
    assert shown[1] == ["(5, [3, 4])"] and shown[5] == ["7"]
    assert shown[2] == ["TypeError: f() takes 1 positional argument but 2 were given"]
    assert shown[3] == [] and shown[4][0].startswith("RuntimeError")  # not in a call: nobody would answer


def test_what_a_function_raises_is_raised_in_the_test_with_the_students_line(pair):
    _, shown, cells = run(
        pair,
        "def f(n):\n    return {}[n]",
        ("t", "f('key')"),
        ("u", "try: f(1)\nexcept KeyError: print('caught')"),
        ("v", "g(1)"),
    )
    assert shown[1:] == [["KeyError: 'key'"], ["caught\n"], ["NameError: name 'g' is not defined"]]
    assert "return" in "".join(cells[1].outputs[0].traceback) and "rnngrader" not in "".join(
        cells[1].outputs[0].traceback
    )
    assert points_of(cells[1]) == (0.0, None)  # the student's fault, and nobody needs to look


def test_the_release_prepares_the_tests_and_no_student_can_change_it(pair):
    answer = mark(new_code_cell("def double(n): ...\nlent = 0", id="double"), solution=True)
    release = new_notebook(
        cells=[new_code_cell("import math\nlimit = 3\nlent = 7\ndef judge(x): return x + limit"), answer]
    )
    student = "limit = 100\ndef judge(x): return 100\nimport math\nmath.pi = 4\nlent = 8\ndef double(n): return 2 * n"
    assert run(pair, student, ("t", "(judge(double(1)), limit, round(math.pi, 2), lent)"), release=release)[1][1] == [
        "(5, 3, 3.14, 8)"
    ]


def test_an_answer_that_is_graded_by_hand_runs_with_the_student(pair):
    by_hand = mark(new_code_cell("import os\nprint(os.environ.get('SECRET'))", id="by-hand"), grade=True, solution=True)
    test = mark(new_code_cell("import os\nprint(os.environ.get('SECRET'))", id="t"), **TEST)
    own = Pair(Sandbox(), pair.files, {"SECRET": "word"})
    try:
        Execution(own, new_notebook(), 10).run([by_hand, test], lambda cell: cell.id)
    finally:
        own.close()
    assert [text_of(cell.outputs[0]) for cell in (by_hand, test)] == ["None\n", "word\n"]


def test_after_its_end_a_process_is_started_again_with_its_cells(pair):
    execution, shown, _ = run(
        pair, "import os\nstate = [1]\nprint('once')", "def die(): os._exit(1)\ndef live(): return state",
        ("t", "die()"), "state.append(2)", ("u", "live()"), "os._exit(1)", ("v", "live()"),
    )  # fmt: skip
    assert [s[0] for s in shown[:2] if s] == ["once\n"] and shown[4] == ["[1, 2]"] and shown[6] == ["[1, 2]"]
    assert shown[2] == ["Ended: die: Python itself ended in this call."]
    assert len(execution.notes) == 2 and "t: the code under test ended Python itself" in execution.notes[0]
    assert "a cell ended Python itself" in execution.notes[1] and execution.person == []


def test_a_cell_that_hung_is_not_run_again(pair):
    start = time.monotonic()
    execution, shown, _ = run(
        pair, "a = 1\nwhile True: pass", "import os\ndef die(): os._exit(1)\ndef live(): return 5", ("t", "die()"),
        ("u", "live()"), timeout=1,
    )  # fmt: skip
    assert shown[0] == ["KeyboardInterrupt: ", "CellTimeoutError: No reply from kernel before timeout"]
    assert shown[3] == ["5"] and time.monotonic() - start < 10
    assert execution.notes[0] == "a cell: stopped, it had not finished after 1 seconds"


def test_a_test_that_calls_without_end_is_stopped_and_the_next_one_runs(pair):
    execution, shown, cells = run(
        pair, "def f():\n    while True: pass\ndef g(): return 2", ("t", "f()"), ("u", "g()"), timeout=1
    )
    assert shown[1:] == [["Ended: f: It did not return in time."], ["2"]]
    assert execution.notes == ["t: stopped, it had not finished after 1 seconds"] and points_of(cells[1]) == (0.0, None)


def test_when_the_time_for_all_is_over_the_rest_is_for_a_person(folder):
    pair = Pair(Sandbox(wall_seconds=1.5), folder, {})
    try:
        execution, shown, cells = run(pair, "import time\ntime.sleep(1)", "time.sleep(9)", ("t", "1.0"))
    finally:
        pair.close()
    assert execution.stopped and "time for one submission was over before t" in execution.person[0]
    assert shown[2] == [] and points_of(cells[2])[1] is not None


def test_memory_is_that_of_all_processes(pair):
    code = "import os, time\nif os.fork() == 0: pass\na = bytes([1]) * 180_000_000\ntime.sleep(20)"
    execution, _, _ = run(pair, code, timeout=15)
    assert "took more memory" in execution.notes[0]
    assert run(pair, "a = bytes([1]) * 180_000_000\nlen(a)")[1] == [["180000000"]]


def test_where_namespaces_cannot_be_had_each_submission_has_its_own_container(pair):
    pair.student.settings["own_namespaces"] = False
    pair.student.close()
    try:
        _, shown, _ = run(pair, "open('/tmp/left', 'w').close()\nopen('data/numbers.txt').read()")
        assert shown == [["'1 2 3'"]] and pair.student._bwrap is None
        assert run(pair, "import os\nos.path.exists('/tmp/left')")[1] == [["False"]]
    finally:
        pair.student.settings["own_namespaces"] = True
        pair.student.close()


def test_a_container_that_was_killed_is_started_again(pair):
    run(pair, "1")
    pair.student._bwrap.kill()
    pair.student._bwrap.wait()
    assert run(pair, "2")[1] == [["2"]]


def test_ending_a_container_ends_all_in_it(folder):
    container = Container(Sandbox(), folder, {"preload": []})
    process = container.fork()
    process.channel.send(b"x", {"code": "1", "count": 1})
    process.channel.receive(time.monotonic() + 20)
    container.close()
    with pytest.raises(Closed):
        while True:
            process.channel.receive(time.monotonic() + 20)
    process.end()


def alive(pair):
    return [container._bwrap is not None for container in (pair.student, pair.tests)]


def test_containers_end_when_no_submission_comes_and_start_again_with_the_next(folder):
    pair = Pair(Sandbox(idle_seconds=0.5), folder, {})
    try:
        assert run(pair, "1", ("t", "1.0"))[1] == [["1"], ["1.0"]]
        assert alive(pair) == [True, True]
        # One that takes longer than that is left alone.
        assert run(pair, "a = 2", "import time\ntime.sleep(1.5)\na", ("t", "2.0"))[1] == [[], ["2"], ["2.0"]]
        until = time.monotonic() + 10
        while any(alive(pair)) and time.monotonic() < until:
            time.sleep(0.05)
        assert alive(pair) == [False, False]
        assert run(pair, "3", ("t", "3.0"))[1] == [["3"], ["3.0"]]
        assert run(pair, "open('data/numbers.txt').read()")[1] == [["'1 2 3'"]]
    finally:
        pair.close()


def test_containers_can_end_after_each_submission(folder):
    pair = Pair(Sandbox(idle_seconds=0), folder, {})
    try:
        assert run(pair, "1")[1] == [["1"]] and alive(pair) == [False, False]
        assert run(pair, "2")[1] == [["2"]] and alive(pair) == [False, False]
    finally:
        pair.close()


def test_waiting_containers_do_not_keep_the_grader_from_ending(folder):
    program = f"""if True:
        from nbformat.v4 import new_code_cell, new_notebook
        from rnngrader.sandbox import Sandbox
        from rnngrader.split import Execution
        from rnngrader.work import borrowed, release_of
        with borrowed(release_of({str(folder)!r}, Sandbox())) as pair:
            Execution(pair, new_notebook(), 5).run([new_code_cell("1")], str)
        print(pair.student._bwrap.pid, pair.tests._bwrap.pid)"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0
    for number in done.stdout.split():
        assert not os.path.exists(f"/proc/{number}")


@pytest.mark.parametrize(
    "said",
    [
        b"", b"x", b"[]", b"3", b"[" * 10_000, b'{"output_type": 3}', b'{"output_type": "stream", "text": 3}', b"\xff",
        b'{"output_type": "display_data", "data": {"text/plain": 3, "x": "y", "text/html": "<b>"}, "transient": []}',
        b'{"output_type": "execute_result", "data": []}',
        b'{"output_type": "error", "traceback": [1, "a"], "ename": null}',
        b'{"output_type": "stream", "name": 7, "text": "\\ud800"}',
        b'{"output_type": "update_display_data", "transient": {"display_id": null}}',
    ],
)  # fmt: skip
def test_whatever_a_process_says_becomes_valid_outputs(said):
    cell = new_code_cell("1", id="c")
    outputs = Outputs(cell, 10**6)
    assert outputs.add(said, 1)
    outputs.close()
    nbformat.validate(new_notebook(cells=[cell]))
    nbformat.writes(new_notebook(cells=[cell])).encode()


# The command


@pytest.fixture(scope="module")
def course(tmp_path_factory, home):
    root = tmp_path_factory.mktemp("no-sandbox-course")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / "solutions" / "small").mkdir(parents=True)
    source = small_source()
    source.cells = [cell for cell in source.cells if cell.id not in ("twice", "twice-check", "twice-hidden")]
    nbformat.write(source, root / "solutions" / "small" / "small.ipynb")
    course = Course(root, home)
    course.rnngrader("exercises")
    course.hand_in("ada", "small", course.answered("small"))
    return course


@pytest.fixture
def without_bubblewrap(course, tmp_path, monkeypatch):
    """The course with a PATH on which everything but bwrap is found."""
    for folder in os.environ["PATH"].split(os.pathsep):
        for path in os.scandir(folder) if os.path.isdir(folder) else ():
            if path.name != "bwrap" and not (tmp_path / path.name).is_symlink():
                (tmp_path / path.name).symlink_to(path.path)
    monkeypatch.setitem(course.environment, "PATH", str(tmp_path))
    return course


def row(course):
    with open(course.root / "grades.csv", newline="", encoding="utf-8") as file:
        return next(csv.DictReader(file))


def test_without_bubblewrap_nothing_is_graded_unless_asked_and_the_outcome_says_so(without_bubblewrap, monkeypatch):
    course = without_bubblewrap
    said = course.rnngrader("grade", "small", status=2)
    assert "apt-get install bubblewrap" in said and "--unsafe" in said
    assert not (course.root / "autograded").exists()
    course.run("nbgrader", "autograde", "small", status=1)
    course.rnngrader("grade", "small", "--unsafe")
    assert (row(course)["score"], row(course)["double"]) == ("4", "4")
    assert "graded without a sandbox" in row(course)["reason"]
    page = (course.root / "feedback" / "ada" / "small" / "small.html").read_text(encoding="utf-8")
    assert "graded without a sandbox" in page
    assert "(unchanged)" in course.rnngrader("grade", "small", "--unsafe")


def test_what_was_graded_without_a_sandbox_is_graded_again_in_one(course):
    said = course.rnngrader("grade", "small")
    assert "(unchanged)" not in said and row(course)["reason"] == ""


def test_a_sandbox_that_does_not_start_says_why(folder):
    with pytest.raises(NoSandbox, match=r"does not start: ."):
        Container(Sandbox(bubblewrap="false"), folder, {"preload": []}).start()
    with pytest.raises(NoSandbox, match="apt-get install bubblewrap"):
        Container(Sandbox(bubblewrap="no-such-program"), folder, {"preload": []}).start()
