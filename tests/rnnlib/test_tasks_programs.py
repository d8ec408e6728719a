"""Arithmetic and XML: every result is right, every tag is closed, and the branches come as often as said."""

import itertools
import re

import numpy as np
import pytest

from rnnlib import GRU, Dense, Network
from rnnlib.optim import Adam
from rnnlib.tasks.programs import ARITHMETIC, XML, answers, arithmetic_strings, xml_strings
from rnnlib.tasks.text import CharText
from rnnlib.training import fit


def solve(string):
    """The numbers, the sign between them, and the result, of a problem whose letters are left out."""
    problem, _, result = string.partition("=")
    first, sign, second = re.fullmatch(r"(-?\d+)([+-])(\d+)", re.sub("[a-z]", "", problem)).groups()
    assert result.endswith(".")
    return int(first), sign, int(second), int(result[:-1])


def test_the_papers_example_is_read_as_the_paper_reads_it():
    assert solve("3e36d9-h1h39f94eeh43keg3c=-13991064.") == (3369, "-", 13994433, -13991064)


def test_every_result_is_right():
    drawn = arithmetic_strings(4000, rng=np.random.default_rng(0))
    solved = [solve(string) for string in drawn]
    assert all(result == (first + second if sign == "+" else first - second) for first, sign, second, result in solved)
    for place in (0, 2):
        lengths = [len(str(abs(numbers[place]))) for numbers in solved]
        np.testing.assert_allclose(np.bincount(lengths)[1:] / 4000, 1 / 8, atol=0.03)
    assert abs(np.mean([sign == "+" for _, sign, _, _ in solved]) - 0.5) < 0.03
    assert abs(np.mean([string.startswith("-") for string in drawn]) - 0.5) < 0.03
    assert set("".join(drawn)) == set(ARITHMETIC) and len(ARITHMETIC) == 40


def test_letters_come_as_often_as_said_and_never_in_the_result():
    for noise in (0, 0.2, 0.5):
        drawn = arithmetic_strings(2000, rng=np.random.default_rng(1), noise=noise)
        problems = "".join(string.partition("=")[0] for string in drawn)
        letters = len(re.findall("[a-z]", problems))
        assert letters / (len(problems) - letters) == pytest.approx(noise / (1 - noise), abs=0.03)
        assert not any(re.search("=.*[a-z]", string) for string in drawn)


def test_the_places_of_the_results_are_found():
    drawn = arithmetic_strings(50, rng=np.random.default_rng(2))
    text = "".join(drawn)
    found = "".join(character for character, one in zip(text[1:], answers(text), strict=False) if one)
    assert found == "".join(string.partition("=")[2] for string in drawn)
    assert answers("8.1+1=2.").tolist() == [False, False, False, False, False, True, True, False]
    assert answers("1+1").tolist() == [False] * 3


def test_every_tag_is_closed_under_its_name_and_the_last_first():
    for string in xml_strings(500, rng=np.random.default_rng(3)):
        tags, opened = re.findall("<(/?)([a-z]{2,10})>", string), []
        assert "".join(f"<{slash}{name}>" for slash, name in tags) == string != ""
        for slash, name in tags:
            if slash:
                assert opened.pop() == name
            else:
                opened.append(name)
        assert not opened


def test_tags_open_and_close_as_often_as_said():
    drawn = xml_strings(4000, rng=np.random.default_rng(4), most=100)
    names = re.findall("<([a-z]+)>", "".join(drawn))
    np.testing.assert_allclose(np.bincount([len(name) for name in names])[2:] / len(names), 1 / 9, atol=0.02)
    # The first tag opened, a fair coin opens a second or closes it; then it is at an end or opens another.
    single = np.mean([string.count("<") == 2 for string in drawn])
    assert abs(single - 0.25) < 0.03
    assert max(string.count("<") for string in xml_strings(300, rng=np.random.default_rng(5), most=4)) <= 8
    assert {string.count("<") for string in xml_strings(300, rng=np.random.default_rng(5), most=1)} == {2}


def test_the_seed_decides():
    for draw in (arithmetic_strings, xml_strings):
        drawn = draw(20, rng=np.random.default_rng(6))
        assert drawn == draw(20, rng=np.random.default_rng(6)) != draw(20, rng=np.random.default_rng(7))


@pytest.mark.parametrize(("draw", "symbols"), [(arithmetic_strings, ARITHMETIC), (xml_strings, XML)])
def test_a_network_reads_the_stream(draw, symbols):
    rng = np.random.default_rng(8)
    data = CharText("".join(draw(200, rng=rng)), symbols)
    network = Network([GRU(len(symbols), 16, rng=rng), Dense(16, len(symbols), rng=rng)])
    losses = fit(
        network, itertools.islice(data.batches(10, 8), 100), Adam(network.params, 0.02), steps=100, progress=False
    )
    assert losses[-20:].mean() < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rng: arithmetic_strings(0, rng=rng), ValueError, "n is 0; it should be an integer of at least 1"),
        (lambda rng: arithmetic_strings(1, rng=rng, noise=1), ValueError, "noise is 1; it should be from 0 to below 1"),
        (lambda rng: arithmetic_strings(1, rng=rng, digits=0), ValueError, "digits is 0; it should be an integer"),
        (lambda rng: xml_strings(1, rng=rng, most=0), ValueError, "most is 0; it should be an integer"),
        (lambda rng: xml_strings(1, rng=4), TypeError, "rng is 4; it should be a Generator"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
