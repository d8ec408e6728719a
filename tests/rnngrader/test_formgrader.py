"""The formgrader as an instructor has it: JupyterLab as `make lab` starts it, and its pages in a real browser."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from urllib.parse import urlsplit

import nbformat
import pytest
from courses import descendants
from nbgrader.api import Gradebook

from rnngrader.sample_class import MISSING_INITIAL_STATE, WRONG_SIGN

TOKEN = "word"
WRITTEN = "question-without-memory"
#: Which the page of a submission loads for its formulas; it works without.
MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"

ATTACK = """\
from IPython.display import HTML, display
try:
    open({marker!r}, "w").write("was here")
except OSError as error:
    print("kept out:", error)
display({{"text/plain": "1.0"}}, raw=True)
display(HTML("<script>document.title = 'taken'</script>"))


def softmax(logits):
    display({{"text/plain": "1.0"}}, raw=True)
    return logits
"""
ENDS_PYTHON = "import os\n\n\ndef readout(hs, W_y, b_y):\n    os._exit(0)\n"
TAKES = "<script>document.title = 'taken'</script>"
ANSWER = f"It depends on `x` alone.\n\n<img src='x' onerror=\"document.title = 'taken'\">{TAKES}"


@pytest.fixture(scope="module")
def classroom(course):
    """The course with three submissions: one with two mistakes, one that is no notebook, one that attacks."""
    wrong = course.answered("01-rnn", rnn_step=WRONG_SIGN, rnn_forward=MISSING_INITIAL_STATE)
    course.hand_in("ada", "01-rnn", wrong)
    course.hand_in("bob", "01-rnn", '{"cells": [')
    attack = ATTACK.format(marker=str(course.root / "marker"))
    answers = {"softmax": attack, "readout": ENDS_PYTHON, WRITTEN: ANSWER}
    course.hand_in("eve", "01-rnn", course.answered("01-rnn", **answers))
    return course


@pytest.fixture(scope="module")
def lab(classroom, tmp_path_factory):
    """The address of a JupyterLab server that runs in the course; when it has ended, nothing of it is left."""
    log = tmp_path_factory.mktemp("lab") / "log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.port=0"]
    command += [f"--IdentityProvider.token={TOKEN}", *(["--allow-root"] if os.getuid() == 0 else [])]
    # Nothing is asked of other machines.
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with open(log, "w") as file:
        server = subprocess.Popen(
            command, cwd=classroom.root, env=classroom.environment, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    started = set()
    try:
        yield address_of(server, classroom, log)
        started = descendants(server.pid)
        server.terminate()
        server.wait(20)
        until = time.monotonic() + 5
        while left := {number for number in started if os.path.exists(f"/proc/{number}")}:
            assert time.monotonic() < until, f"the server has left processes: {left}"
            time.sleep(0.05)
    finally:
        for number in {server.pid, *started, *descendants(server.pid)}:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        server.wait()


def address_of(server, course, log):
    """Where a server listens, which it writes down when it does."""
    path = f"{course.environment['JUPYTER_RUNTIME_DIR']}/jpserver-{server.pid}.json"
    until = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < until:
        with suppress(FileNotFoundError, json.JSONDecodeError):
            with open(path, encoding="utf-8") as file:
                return json.load(file)["url"].rstrip("/")
        time.sleep(0.05)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def page(lab, chromium):
    """A page of a browser that is logged in, and that reaches nothing but the server."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(30_000)
    foreign = []

    def only_the_server(route):
        if urlsplit(route.request.url).netloc == urlsplit(lab).netloc:
            return route.continue_()
        foreign.append(route.request.url)
        return route.abort()

    context.route(re.compile("^https?:"), only_the_server)
    page = context.new_page()
    page.goto(f"{lab}/formgrader?token={TOKEN}")
    yield page
    context.close()
    assert [url for url in foreign if not url.startswith(MATHJAX)] == []


def row(page, lab, student):
    """A student's row in the list of submissions, which is opened anew."""
    page.goto(f"{lab}/formgrader/manage_submissions/01-rnn")
    found = page.locator("#main-table tr", has=page.locator(f"td.student-id:text-is('{student}')"))
    found.wait_for()
    return found


def press(page, found, button):
    """Presses a row's button, and reads the dialog that follows: its title and its text."""
    found.locator(f"td.{button} a").click()
    dialog = page.locator(".modal.in")
    dialog.wait_for(timeout=120_000)
    said = dialog.locator(".modal-title").inner_text(), dialog.locator(".modal-body").inner_text()
    dialog.locator(".modal-footer button").click()
    dialog.wait_for(state="detached")
    return said


def cells(found, *classes):
    return tuple(found.locator(f"td.{name}").inner_text() for name in classes)


def open_submission(page, lab, course, student):
    """Opens a submission under Manual Grading, by the links that lead there."""
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "rnn") as gradebook:
        number = gradebook.find_submission_notebook("01-rnn", "01-rnn", student).id
    page.goto(f"{lab}/formgrader/manage_assignments")
    page.get_by_role("link", name="Manual Grading").click()
    for _ in range(2):  # the assignment, then its notebook
        page.locator("#main-table").get_by_role("link", name="01-rnn", exact=True).click()
        page.wait_for_load_state()
    page.locator(f"#main-table a[href*='{number}']").first.click()
    page.locator("main").wait_for()
    # Its scores have come.
    page.wait_for_function("document.querySelector('.score').placeholder !== ''")


def save(page, part, selector, text):
    """Types into a field and leaves it; the server's answer says that it is saved."""
    field = page.locator(f"#{selector}")
    with page.expect_response(lambda r: f"/api/{part}/" in r.url and r.request.method == "PUT") as answer:
        field.fill(text)
        field.blur()
    assert answer.value.ok


def words(text):
    return " ".join(text.replace("`", "").split())


def test_jupyterlab_leads_to_the_formgrader(page, lab):
    page.goto(f"{lab}/lab")
    page.locator(".lm-MenuBar-item", has_text="Nbgrader").click()
    page.locator(".lm-Menu-item", has=page.locator(".lm-Menu-itemLabel:text-is('Formgrader')")).click()
    inside = page.frame_locator("iframe[src*='formgrader']")
    inside.locator("#main-table").get_by_role("link", name="01-rnn", exact=True).wait_for()


def test_the_release_is_registered_by_its_button(page, lab, classroom):
    release = classroom.root / "exercises" / "01-rnn" / "01-rnn.ipynb"
    before = release.read_bytes()
    page.goto(f"{lab}/formgrader/manage_assignments")
    found = page.locator("#main-table tr", has=page.get_by_role("link", name="01-rnn", exact=True))
    assert press(page, found, "assign")[0] == "Success"
    assert release.read_bytes() == before


def test_a_submission_from_the_button_to_the_feedback_and_again(page, lab, classroom):
    found = row(page, lab, "ada")
    assert cells(found, "status") == ("needs autograding",)
    assert press(page, found, "autograde")[0] == "Success"
    assert cells(row(page, lab, "ada"), "status", "score") == ("needs manual grading", "10 / 20")

    open_submission(page, lab, classroom, "ada")
    notebook = nbformat.read(classroom.root / "autograded/ada/01-rnn/01-rnn.ipynb", as_version=4)
    reports = [
        o.data["text/plain"] for c in notebook.cells for o in c.get("outputs", []) if "text/html" in o.get("data", {})
    ]
    shown = page.locator(".rnnlib-check")
    assert [words(text) for text in shown.all_inner_texts()] == [words(text) for text in reports]
    assert len(reports) == 12 and "The recurrent term is subtracted." in reports[4]
    # Legible: dark on white, each line with its bar, and no wider than the page.
    look = """e => { const s = getComputedStyle(e), line = getComputedStyle(e.children[1]);
        return [s.color, line.borderLeftWidth, e.scrollWidth <= e.clientWidth, parseFloat(s.fontSize) >= 14] }"""
    assert shown.evaluate_all(f"all => all.map({look})") == [["rgb(51, 51, 51)", "4px", True, True]] * 12

    assert page.locator(f"#{WRITTEN}").get_attribute("class").split()[-1] == "needs_manual_grade"
    save(page, "grade", WRITTEN, "2.5")
    save(page, "comment", f"{WRITTEN}-comment", "Which **two** beginnings?")
    page.reload()
    page.wait_for_function(f"document.getElementById('{WRITTEN}').value === '2.5'")
    page.wait_for_function(f"document.getElementById('{WRITTEN}-comment').value === 'Which **two** beginnings?'")
    assert cells(row(page, lab, "ada"), "status", "score") == ("graded", "12.5 / 20")

    assert press(page, row(page, lab, "ada"), "generate-feedback")[0] == "Success"
    page.goto((classroom.root / "feedback/ada/01-rnn/01-rnn.html").as_uri())
    text = page.locator("main").inner_text()
    assert "12.5 of 20 points" in text and "so far" not in text and "Which two beginnings?" in text
    hidden = page.locator("details", has_text="Hidden check")
    assert hidden.count() == 6
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert [words(t) for t in page.locator(".rnnlib-check").all_inner_texts()] == [words(text) for text in reports]
    source = page.content()
    for secret in ("HIDDEN", "hidden=True", sys.prefix, str(classroom.root), "rnnlib/checks"):
        assert secret not in source
    assert not any("expected" in t for t in hidden.locator(".rnnlib-check").all_inner_texts())

    # On a small phone nothing is too wide, and each check's points are within its heading.
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 700})
    inside = """all => all.every(e => e.querySelector('.score').getBoundingClientRect().bottom
        <= e.getBoundingClientRect().bottom)"""
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.locator("summary:has(.score)").evaluate_all(inside)
    page.set_viewport_size(size)

    assert press(page, row(page, lab, "ada"), "autograde")[0] == "Success"
    assert cells(row(page, lab, "ada"), "status", "score") == ("needs manual grading", "12.5 / 20")
    open_submission(page, lab, classroom, "ada")
    page.wait_for_function(f"document.getElementById('{WRITTEN}').value === '2.5'")
    page.wait_for_function(f"document.getElementById('{WRITTEN}-comment').value === 'Which **two** beginnings?'")


def test_who_needs_a_person_is_listed_and_the_page_says_why(page, lab, classroom):
    title, said = press(page, row(page, lab, "bob"), "autograde")
    assert title == "Success" and "A person must look at bob: The submitted notebook could not be read" in said
    assert cells(row(page, lab, "bob"), "status", "score") == ("needs manual grading", "0 / 20")
    open_submission(page, lab, classroom, "bob")
    shown = page.locator("main").inner_text()
    assert shown.strip().startswith("A person must look at this submission")
    assert "it was cut off" in shown


def test_an_attack_by_the_button_meets_the_sandbox_and_its_page_is_harmless(page, lab, classroom):
    title, said = press(page, row(page, lab, "eve"), "autograde")
    assert title == "Success" and "readout-check: the code under test ended Python itself" in said
    assert cells(row(page, lab, "eve"), "score") == ("13 / 20",)
    assert not (classroom.root / "marker").exists()
    open_submission(page, lab, classroom, "eve")
    shown = page.locator("main").inner_text()
    assert "kept out: [Errno" in shown and "readout, check: 0 of 1 point" in shown
    assert shown.strip().startswith("What was noticed in this notebook")
    assert shown.count(TAKES) >= 3  # in the code, and as text where it is displayed and in the answer
    assert page.title() == "01-rnn"


def test_without_bubblewrap_the_dialog_says_how_to_get_it(page, lab, classroom):
    config = classroom.root / "nbgrader_config.py"
    before = config.read_text(encoding="utf-8")
    # The server reads the configuration again for each press.
    config.write_text(f"{before}\nc.Sandbox.bubblewrap = 'no-such-program'\n", encoding="utf-8")
    try:
        title, said = press(page, row(page, lab, "eve"), "autograde")
    finally:
        config.write_text(f"{before}\nc.Sandbox.bubblewrap = 'bwrap'\n", encoding="utf-8")
    assert title == "Error" and "the program that makes it is missing: apt-get install bubblewrap" in said
