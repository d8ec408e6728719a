"""What `make` does again, and what it must not take for done."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def would_do(*arguments):
    """The commands that make would run."""
    done = subprocess.run(["make", "-n", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_change_in_rnnlib_runs_the_chapters_again():
    out = would_do("book", "-W", "rnnlib/cells/elman.py")
    assert "rm -rf _build/.jupyter_cache _build/.doctrees" in out
    assert "jupyter-book build . -W -n" in out


def test_a_failed_build_does_not_hide_its_warnings_from_the_next():
    (line,) = (line for line in would_do("book", "-W", "book/index.md").splitlines() if "jupyter-book build" in line)
    assert line.endswith("|| { rm -rf _build/.doctrees; exit 1; }")


def test_every_target_is_in_the_help():
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    for target in phony.split()[1:]:
        assert f"make {target} " in help_text
