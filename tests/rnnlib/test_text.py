"""Characters of Python's own texts."""

import itertools

import numpy as np
import pytest

from rnnlib.tasks.text import CharText, python_manual, standard_library


def test_the_manual_is_there():
    text = python_manual()
    assert len(text) > 300_000
    assert "mutable sequence" in text


def test_the_library_is_there_in_the_order_asked_for():
    text = standard_library(["queue", "abc"])
    assert 0 < text.index("class PriorityQueue(Queue)") < text.index("class ABCMeta")
    with pytest.raises(FileNotFoundError, match="modules names 'no_such_module'"):
        standard_library(["no_such_module"])


def test_the_whole_library_is_large():
    assert len(standard_library()) > 3_000_000


def test_there_and_back():
    data = CharText("hello world")
    assert data.vocabulary == " dehlorw"
    assert data.decode(data.encode("world hello")) == "world hello"
    np.testing.assert_array_equal(data.tokens, data.encode("hello world"))


def test_batches_continue_each_other_and_targets_are_one_ahead():
    text = "abcdefghijklmnopqrstuvwxyz"
    data = CharText(text)
    batches = list(itertools.islice(data.batches(T=4, B=2), 4))
    for b, start in enumerate([0, 13]):
        read = "".join(data.decode(xs[:, b].argmax(axis=-1)) for xs, _ in batches)
        wanted = "".join(data.decode(targets[:, b]) for _, targets in batches)
        circle = text + text
        assert read == circle[start : start + 16]
        assert wanted == circle[start + 1 : start + 17]
    xs, targets = batches[0]
    assert xs.shape == (4, 2, 26) and targets.shape == (4, 2)
    np.testing.assert_array_equal(xs.sum(axis=-1), 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CharText("a"), "text has 1 characters; it should have at least 2"),
        (lambda: CharText("ab", vocabulary="aa"), "vocabulary has a character twice"),
        (lambda: CharText("abc", vocabulary="ab"), r"text has the characters \['c'\]"),
        (lambda: CharText("ab").encode("xa"), r"text has the characters \['x'\]"),
        (lambda: CharText("ab").decode([0, 2]), "tokens has 2; it should be from 0 to 1"),
        (lambda: CharText("abcd").batches(2, 2), "the text has 4 characters; it should have more than T·B = 4"),
        (lambda: CharText("abcd").batches(0, 1), "T is 0 and B is 1"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
