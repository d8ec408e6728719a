"""The book, built once from nothing for all tests of this folder, and a browser to look at it with."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import playwright
import pytest
from browser import leave_out, serve, visit
from filelock import FileLock

ROOT = Path(__file__).parents[2]
# What was built, and what another test may be writing meanwhile.
NOT_COPIED = shutil.ignore_patterns(".*", "_build", "__pycache__", "*.egg-info", "submitted", "autograded", "feedback")

# Must never be published. Planted into the copy that is built: in a solution's folder as a page and as a notebook's
# neighbour, in an environment and in another hidden folder.
SECRET = "unpublishable-4711"
PLANTED = (
    "solutions/99-planted/99-planted.md",
    "solutions/99-planted/notes.txt",
    ".venv/lib/planted/readme.md",
    ".hidden/planted.md",
    "_build/planted.md",
)


@dataclass(frozen=True)
class Book:
    """A built book."""

    html: Path  #: the folder with the pages
    log: str  #: what the build printed
    seconds: float  #: how long it took, with the figures
    secret: str = SECRET  #: stands in the files that were planted


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """The book built strictly from a copy of the repository, with an empty cache and fresh figures."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # workers share one build: the first makes it, the others wait for it
        folder = folder.parent
    source, result = folder / "book" / "course", folder / "book.json"
    with FileLock(folder / "book.lock"):
        if not result.exists():
            copy(source)
            start = perf_counter()
            result.write_text(json.dumps([*build(source), perf_counter() - start]))
    failed, log, seconds = json.loads(result.read_text())
    if failed:
        pytest.fail(f"the book was not built:\n{log[-6000:]}", pytrace=False)
    return Book(source / "_build" / "html", log, seconds)


def copy(source):
    """Copy the repository without what was built, and plant what must not be published."""
    shutil.copytree(ROOT, source, ignore=NOT_COPIED)
    for name in PLANTED:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Planted\n\n{SECRET}\n", encoding="utf-8")


def build(source, figures=True):
    """Draw the figures that pages show and build the book; whether a command failed, and what they printed."""
    text = "".join(path.read_text(encoding="utf-8") for path in (source / "book").rglob("*.md"))
    slugs = sorted(set(re.findall(r"figures/([\w-]+)\.svg", text))) if figures else []
    for slug in slugs:  # one left from an earlier drawing must not stand in for a script that fails
        (source / "book" / "figures" / f"{slug}.svg").unlink(missing_ok=True)
    commands = [[sys.executable, f"book/figures/{slug}.py"] for slug in slugs]
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    commands += [[str(jupyter_book), "build", ".", "-W", "-n", "--keep-going", "--path-output", "."]]
    # One thread for each product: beside other tests, several would wait for each other.
    settings = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    log = ""
    for command in commands:
        done = subprocess.run(
            command, cwd=source, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900
        )
        log += done.stdout
        if done.returncode:
            return True, log
    return False, log


@pytest.fixture(scope="session")
def address(book):
    """Where the built book is served."""
    with serve(book.html) as address:
        yield address


@pytest.fixture(scope="session")
def in_node(tmp_path_factory):
    """Call a function of an interactive figure's module: ``in_node("lstm-cell", "step", [settings, ...])``.

    The program is the machine's own node or the one that Playwright brings. It gives a result for each of the settings;
    without a function's name, what the module exports besides functions.
    """
    playwrights = Path(playwright.__file__).parent / "driver" / "node"
    node = shutil.which("node") or (str(playwrights) if playwrights.is_file() else None)
    if node is None:
        leave_out("node", "apt-get install nodejs")
    folder = tmp_path_factory.mktemp("node")
    for path in (ROOT / "book" / "_static" / "interactive").glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')

    def call(slug, function=None, settings=()):
        script = f"import * as module from './{slug}.js'; import {{ readFileSync }} from 'node:fs';"
        script += f"const call = module[{json.dumps(function)}]; const settings = JSON.parse(readFileSync(0, 'utf8'));"
        script += "console.log(JSON.stringify(call ? settings.map((each) => call(each)) : module));"
        done = subprocess.run(
            [node, "--input-type=module", "--eval", script],
            cwd=folder, input=json.dumps(settings), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call


@pytest.fixture
def look(chromium, address):
    """Open a page of the book in one of the modes of `browser.MODES`: ``with look("book/index.html", "dark")``."""
    return lambda page, mode="light": visit(chromium, f"{address}/{page}", mode)
