"""The proof of the checks, in a quick form: what was counted holds, and a sample of mutants is killed."""

import ast
import json

import pytest

from benchmarks import grader_proof, mutants
from rnnlib.checks import exercises
from rnnlib.checks.compare import TOLERANCE
from rnnlib.checks.exercises import Mistake

WRITTEN = json.loads(grader_proof.RESULT.read_text(encoding="utf-8"))
ROWS = {row["exercise"]: row for row in WRITTEN["exercises"]}
KILLED = {row["exercise"]: row for row in WRITTEN["mutants"]}


def test_the_written_proof_is_of_these_exercises():
    assert list(ROWS) == list(KILLED) == [exercise.name for exercise in exercises()]
    for exercise in exercises():
        row = ROWS[exercise.name]
        assert row["assignment"] == exercise.assignment
        assert row["variants"] == len(exercise.mistakes)
        assert row["mistakes"] == len({mistake.name for mistake in exercise.mistakes})
        assert row["styles"] == len(grader_proof.styles_of(exercise))
        assert row["same_function"] == grader_proof.twins(exercise)
        assert KILLED[exercise.name]["mutants"] == len(list(mutants.mutate(tree_of(exercise))))


def tree_of(exercise):
    return ast.parse(mutants.sources(exercise.assignment)[exercise.name])


def test_the_written_proof_has_what_is_asked():
    """Every mistake costs points, 98 in 100 are named as themselves, no right style loses any, no mutant survives."""
    rows = ROWS.values()
    assert all(row["caught"] == row["variants"] for row in rows)
    assert sum(row["named"] for row in rows) >= 0.98 * sum(row["variants"] for row in rows)
    assert all(row["accepted"] == row["styles"] for row in rows)
    for exercise, row in zip(exercises(), rows, strict=True):
        for dtype, worst in row["rounding"].items():  # the tolerance leaves room for other machines
            assert worst < (exercise.tolerance or TOLERANCE[dtype]) / 10
    assert [row["survivors"] for row in KILLED.values() if row["survivors"]] == []


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)
def test_a_sample_of_mutants_is_killed(exercise):
    """A fault in one place of a solution costs points, unless it was found to be no fault."""
    outcome = mutants.run(exercise, sample=12)
    assert outcome["survivors"] == []
    assert set(outcome["equivalents"]) <= set(KILLED[exercise.name]["equivalents"])


def test_the_proof_notices_a_mistake_that_gets_through_and_a_style_that_does_not(monkeypatch):
    exercise = exercises()[0]
    harmless = Mistake("rnn.no-mistake", "This is right.", exercise.reference)
    monkeypatch.setattr(grader_proof, "styles_of", lambda _: [exercise.reference, lambda *args: None])
    row = grader_proof.prove(type(exercise)(**vars_of(exercise) | {"mistakes": (harmless,)}), [])
    assert (row["variants"], row["caught"], row["named"], row["not_named"]) == (1, 0, 0, ["rnn.no-mistake"])
    assert (row["styles"], row["accepted"]) == (2, 1)


def vars_of(exercise):
    return {name: getattr(exercise, name) for name in exercise.__dataclass_fields__}


def test_mutants_change_one_place_each():
    tree = ast.parse("def f(a, b):\n    return a.T - 2 * b")
    found = [words.removeprefix("return a.T - 2 * b -> return ") for words, _ in mutants.mutate(tree)]
    changed = "a.T + 2 * b|a.T|2 * b|a - 2 * b|b.T - 2 * b|a.T - (2 + b)|a.T - 2 / b|a.T - 2|a.T - b|a.T - 3 * b"
    assert sorted(found) == sorted(f"{changed}|a.T - 1 * b|a.T - 2 * a".split("|"))


def test_a_mutant_that_is_let_through_is_told_from_an_equivalent(monkeypatch):
    """With the battery asleep every mutant survives, and only those that change no value count as equivalent."""
    exercise = next(e for e in exercises() if e.name == "readout")
    full = type("Full", (), {"points": 1.0, "full": 1.0})
    monkeypatch.setattr(mutants.battery, "judge", lambda *args: full)
    outcome = mutants.run(exercise)
    assert outcome["killed"] == 0 and len(outcome["survivors"]) == outcome["mutants"] == 12
