"""The report: the same words in a terminal and in a notebook, nothing of the student's taken for HTML."""

import html
import json
import re
import sys
import types

import numpy as np
import pytest

from rnnlib.checks import battery, check, exercises
from rnnlib.checks.report import MIME, as_data, as_html, as_text

EXERCISES = {exercise.name: exercise for exercise in exercises()}


def wrong_sign(x, h_prev, W_x, W_h, b):
    return np.tanh(x @ W_x - h_prev @ W_h + b)


def crashes(x, h_prev, W_x, W_h, b):
    print("<b>bold</b> & more")
    return x < h_prev


def right(x, h_prev, W_x, W_h, b):
    return np.tanh(x @ W_x + h_prev @ W_h + b)


def words(text):
    return text.replace("`", "").split()


@pytest.mark.parametrize("fn", [wrong_sign, crashes, right])
@pytest.mark.parametrize("hidden", [False, True])
def test_html_and_text_have_the_same_words(fn, hidden):
    report = battery.judge(fn, EXERCISES["rnn_step"], hidden)
    page = as_html(report)
    spaced = re.sub(r"</?(div|pre)[^>]*>", " ", page)
    shown = html.unescape(re.sub(r"<[^>]*>", "", spaced))
    assert words(shown) == words(as_text(report))


def test_what_a_student_wrote_is_shown_and_not_interpreted():
    page = as_html(battery.judge(crashes, EXERCISES["rnn_step"]))
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in page and "<b>" not in page
    assert "return x &lt; h_prev" in page

    def raises(*args):
        raise ValueError("<i>slanted</i>")

    page = as_html(battery.judge(raises, EXERCISES["rnn_step"]))
    assert "ValueError: &lt;i&gt;slanted&lt;/i&gt;" in page and "<i>" not in page


def test_a_verdict_has_a_mark_and_a_word_and_takes_the_pages_own_colours():
    page = as_html(battery.judge(wrong_sign, EXERCISES["rnn_step"]))
    assert "✓ passed: <strong>structure</strong>" in page and "✗ failed: <strong>values</strong>" in page
    styles = re.findall(r'style="([^"]*)"', page)
    assert styles and not any(re.search(r"(^|[; ])(color|background)", style) for style in styles)


def test_a_notebook_gets_html_with_the_text_beside_it(monkeypatch, capsys):
    shown = []
    ipython = types.SimpleNamespace(
        get_ipython=lambda: types.SimpleNamespace(kernel=object()),
        display=types.SimpleNamespace(display=lambda data, raw: shown.append((data, raw))),
    )
    monkeypatch.setitem(sys.modules, "IPython", ipython)

    def rnn_step(x, h_prev, W_x, W_h, b):
        return np.tanh(x @ W_x + h_prev @ W_h + b)

    assert check(rnn_step) == 1.0
    report = battery.judge(rnn_step, EXERCISES["rnn_step"])
    data = {"text/html": as_html(report), "text/plain": as_text(report), MIME: as_data(report)}
    assert shown == [(data, True)]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("hidden", [False, True])
def test_programs_read_the_verdicts_and_the_names_and_no_number_of_a_case(hidden):
    report = battery.judge(wrong_sign, EXERCISES["rnn_step"], hidden)
    data = json.loads(json.dumps(as_data(report)))  # nothing in it that JSON cannot carry
    assert data["mistakes"] == ["rnn.recurrent-sign"]
    assert (data["exercise"], data["hidden"], data["points"]) == ("rnn_step", hidden, 0.0)
    assert data["full"] == (2.0 if hidden else 1.0)
    lines = {line["part"]: line for line in data["lines"]}
    assert lines["structure"] == {"part": "structure", "verdict": "passed", "mistake": None}
    assert lines["values"] == {"part": "values", "verdict": "failed", "mistake": "rnn.recurrent-sign"}
    del data["points"], data["full"]
    assert not re.search(r"\d", json.dumps(data))  # expected and actual values stay in the words
