"""nbgrader_config.py, which a running formgrader reads again for each request."""

import os

import pytest
from courses import ROOT
from traitlets.config import Config

NAMES = ("PATH", "RNNLIB_HIDDEN_SEED", "RNNGRADER_SEED_OF_CONFIG", "OPENBLAS_NUM_THREADS")


@pytest.fixture
def read(monkeypatch):
    """Reads the file as nbgrader does, with another word for the hidden checks; the environment is restored."""
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back in the end
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", "/usr/bin")
    path = ROOT / "nbgrader_config.py"
    text = path.read_text(encoding="utf-8")

    def read(word):
        assert text.count('HIDDEN_SEED = "first term"') == 1
        code = text.replace('HIDDEN_SEED = "first term"', f"HIDDEN_SEED = {word!r}")
        exec(compile(code, path, "exec"), {"get_config": Config, "__file__": str(path)})

    return read


def test_read_again_and_again_it_leaves_the_path_as_it_is(read):
    read("spring")
    once = os.environ["PATH"]
    assert once.endswith(f"{os.pathsep}/usr/bin")
    read("spring")
    assert os.environ["PATH"] == once


def test_a_changed_word_counts_at_once_and_one_from_outside_goes_before(read, monkeypatch):
    read("spring")
    assert os.environ["RNNLIB_HIDDEN_SEED"] == "spring"
    read("autumn")
    assert os.environ["RNNLIB_HIDDEN_SEED"] == "autumn"
    monkeypatch.setenv("RNNLIB_HIDDEN_SEED", "outside")
    read("winter")
    assert os.environ["RNNLIB_HIDDEN_SEED"] == "outside"
