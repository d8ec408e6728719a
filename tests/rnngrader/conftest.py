"""Fixtures: courses in temporary folders."""

import logging
import os
import shutil
from unittest import mock

import nbformat
import pytest
from courses import ROOT, Course, small_source

NEED_BUBBLEWRAP = (
    "test_attacks", "test_autograde", "test_bridge", "test_cycle", "test_formgrader", "test_grade",
    "test_instructors_page", "test_meaning", "test_pool", "test_postgresql", "test_sample_class", "test_sandbox",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Leave out what grades where there is no bubblewrap; on CI it must be there."""
    if shutil.which("bwrap") is not None or os.environ.get("CI"):
        return
    for item in items:
        if item.path.parent == ROOT / "tests" / "rnngrader" and item.path.stem in NEED_BUBBLEWRAP:
            item.add_marker(pytest.mark.skip(reason="needs bubblewrap: apt-get install bubblewrap"))


@pytest.fixture(scope="session", autouse=True)
def log_handlers_stay():
    """nbgrader's application ends all log handlers; that of absl, which keras imports, then closes pytest's stderr."""
    with mock.patch.object(logging, "shutdown"):
        yield


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def small_course(tmp_path_factory, home):
    """A course with one small assignment, `small`, whose cells may run for 3 seconds."""
    root = tmp_path_factory.mktemp("small-course")
    config = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (root / "nbgrader_config.py").write_text(config + "\nc.Execute.timeout = 3\n", encoding="utf-8")
    (root / "solutions" / "small").mkdir(parents=True)
    nbformat.write(small_source(), root / "solutions" / "small" / "small.ipynb")
    (root / "solutions" / "small" / "data").mkdir()
    (root / "solutions" / "small" / "data" / "factor.txt").write_text("2\n")
    (root / "solutions" / "other").mkdir()
    nbformat.write(small_source(), root / "solutions" / "other" / "other.ipynb")
    course = Course(root, home)
    course.run("nbgrader", "generate_assignment", "small")
    return course


@pytest.fixture(scope="module")
def course(tmp_path_factory, home):
    """The course as it is in the repository, without any class."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    caches = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
    for folder in ("solutions", "exercises"):
        shutil.copytree(ROOT / folder, root / folder, ignore=caches)
    return Course(root, home)
