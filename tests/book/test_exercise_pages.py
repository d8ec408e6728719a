"""The released notebooks as pages: not run, with the file to download, and with Binder where a setting names a copy."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("exercises/*/*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_released_notebook_is_a_page_with_its_file_to_download(book, notebook):
    page = (book.html / notebook).with_suffix(".html")
    text = page.read_text(encoding="utf-8")
    (link,) = re.findall(r'class="reference download internal"[^>]*href="([^"]+)"', text)
    assert (page.parent / link).read_bytes() == (ROOT / notebook).read_bytes()
    assert "mybinder.org" not in text  # no copy is named
    # It was not run: no output, and no traceback of what is still to be written.
    cells = json.loads((ROOT / notebook).read_text(encoding="utf-8"))["cells"]
    assert text.count("cell_input") >= sum(cell["cell_type"] == "code" for cell in cells)
    assert "cell_output" not in text and "Traceback" not in text


def test_one_setting_turns_on_the_links_that_launch_a_page(tmp_path):
    """A book of one exercise, with the address of a public copy in the configuration."""
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    assert config.count('repository_url: ""') == 1
    address = "https://github.com/example/recurrent"
    (tmp_path / "_config.yml").write_text(config.replace('repository_url: ""', f"repository_url: {address}"))
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: exercises/01-rnn/01-rnn\n")
    for name in ("exercises/01-rnn", "book/_extensions", "book/_static"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
    done = subprocess.run(
        [jupyter_book, "build", ".", "--path-output", "."],
        cwd=tmp_path,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "_build/html/exercises/01-rnn/01-rnn.html").read_text(encoding="utf-8")
    path = "lab/tree/exercises/01-rnn/01-rnn.ipynb"
    assert f"https://mybinder.org/v2/gh/example/recurrent/main?urlpath={path}" in text
    assert "by the rocket above" in text
