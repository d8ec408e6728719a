"""The equations of the page on the speed ladder, and what the page says with and without a GPU's figures."""

import re

import pytest
from equations import BOOK, displayed, evaluate

from benchmarks import ladder, ladder_cpu, ladder_gpu

PAGE = displayed("conclusion/the-speed-ladder")
TEXT = (BOOK / "conclusion" / "the-speed-ladder.md").read_text(encoding="utf-8")
NOT_COMPUTED = {}


def test_every_labelled_equation_is_tested():
    assert set(PAGE) == {"eq-ladder-operations", "eq-ladder-waves"} | set(NOT_COMPUTED)


@pytest.mark.parametrize("D", [5, 7])
def test_eq_ladder_operations(D):
    """Beside the function, which tests/benchmarks/test_ladder.py compares with what a rung does."""
    sizes = {"T": 3, "B": 2, "H": 5}
    assert evaluate(PAGE["eq-ladder-operations"], {**sizes, "D": D})["q"] == ladder.operations(1, **sizes, D=D)


@pytest.mark.parametrize(("M", "N"), [(4, 20), (1, 6), (3, 1)])
def test_eq_ladder_waves(M, N):
    found = evaluate(PAGE["eq-ladder-waves"], {"M": M, "N": N})
    waves = ladder_cpu.waves(M, N)
    assert found["w"] == len(waves)
    assert found["s"] == pytest.approx(sum(map(len, waves)) / len(waves))


def test_the_page_shows_every_rung_from_its_file():
    shown = re.findall(r"^```\{literalinclude\} (\S+)\n:language: python\n:pyobject: (\w+)$", TEXT, flags=re.M)
    assert {file for file, _ in shown} == {"../../benchmarks/ladder_cpu.py"}
    names = [name for _, name in shown]
    assert set(names) >= {rung.__name__ for rung in ladder_cpu.RUNGS.values()} | {"overlapped"}
    assert all(callable(getattr(ladder_cpu, name)) for name in names)


PUBLISHED = {name: int(rate) for name, rate in re.findall(r'^    "(.+)": (\d+),$', TEXT, flags=re.M)}


def test_the_published_figures_are_beside_the_rungs_of_their_name():
    assert list(PUBLISHED) == [*ladder_cpu.RUNGS, ladder_cpu.OVERLAPPED]
    assert list(PUBLISHED.values()) == [349, 724, 994, 1942, 2199, 2290, 3898]
    assert "**as commonly cited, not checked**" in TEXT


def cell(part):
    """The code of the cell with this in it, without its options."""
    (code,) = (c for c in re.findall(r"^```\{code-cell\} python3\n(.*?)^```$", TEXT, flags=re.M | re.S) if part in c)
    return re.sub(r"\A(?:---\n.*?\n---\n|:tags:.*\n)", "", code, flags=re.S)


def said(gpu, missing=""):
    """What the page says of the GPU."""
    names = {"gpu": gpu, "missing": missing, "Markdown": str, "PUBLISHED": PUBLISHED}
    exec(cell("still to be measured").replace("Markdown(text)", "said = Markdown(text)"), names)
    return names["said"]


def test_without_a_gpus_figures_the_page_says_that_they_are_to_be_measured(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        ladder.read(tmp_path / "ladder_gpu.json", ladder_gpu.MEASURED, "make bench-gpu")
    text = said(None, str(caught.value))
    assert "still to be measured" in text and "ladder_gpu.json is missing" in text and "`make bench-gpu`" in text


def test_with_a_gpus_figures_the_page_shows_them():
    times = 1e-3 * ladder_cpu.np.array([[40.0, 20.0, 15.0, 12.0, 4.5, 4.0]] * 3)
    rungs = ladder.table([*ladder_gpu.RUNGS, *ladder_gpu.PREPARED], times, ladder.operations(**ladder.SETTING), 50_000)
    gpu = {"machine": {"GPU": "Some GPU"}, "date": "2026-01-02T03:04+00:00", "peak": 50_000.0, "rungs": rungs}
    text = said(gpu)
    assert "Measured on Some GPU, 2026-01-02; the peak is 50,000 GFLOP/s." in text
    assert "| cuDNN | 4.00 | 26,857 | 54% | 1.12 |" in text.splitlines()
    assert "Every step pays, 10 times in all." in text and "by a factor of\n2.7," in text
    assert "still to be measured" not in text
