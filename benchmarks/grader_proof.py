"""How good the checks are, counted: `make grader-proof` writes results/grader-proof.json, which the book shows.

Every mistake of the catalogue and every right style goes through its exercise's check, on the visible cases and on
those of several hidden seeds. Then the solutions of the notebooks are changed in one place at a time
(`benchmarks.mutants`), and every change that changes what a function gives back must cost points.
"""

import argparse
import importlib
import json
import os
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks import mutants
from rnnlib.checks import battery, exercises
from rnnlib.checks.cases import SINGLE, generator
from rnnlib.checks.compare import same

RESULT = Path(__file__).with_name("results") / "grader-proof.json"
SEEDS = ("spring", "autumn", "winter")
ROUNDING_SEEDS = 20


@contextmanager
def hidden_seed(word):
    """Draw hidden cases from this word in the body.

    Parameters
    ----------
    word : str
    """
    before = os.environ.get("RNNLIB_HIDDEN_SEED")
    os.environ["RNNLIB_HIDDEN_SEED"] = word
    try:
        yield
    finally:
        os.environ.pop("RNNLIB_HIDDEN_SEED")
        if before is not None:
            os.environ["RNNLIB_HIDDEN_SEED"] = before


def styles_of(exercise):
    """The right solutions of an exercise.

    Parameters
    ----------
    exercise : Exercise

    Returns
    -------
    styles : list of function
    """
    name = exercise.assignment.split("-")[1]
    return importlib.import_module(f"rnnlib.checks.styles.{name}").STYLES[exercise.name]


def reports(fn, exercise, seeds):
    """The reports of one visible check and of a hidden one for each seed.

    Parameters
    ----------
    fn : function
    exercise : Exercise
    seeds : sequence of str

    Returns
    -------
    reports : list of Report
    """
    found = [battery.judge(fn, exercise)]
    for seed in seeds:
        with hidden_seed(seed):
            found.append(battery.judge(fn, exercise, hidden=True))
    return found


def prove(exercise, seeds):
    """Count what one exercise's check catches, names and lets through.

    Parameters
    ----------
    exercise : Exercise
    seeds : sequence of str
        Of hidden checks, tried beside the visible one.

    Returns
    -------
    row : dict
    """
    caught = named = 0
    unnamed = []
    for mistake in exercise.mistakes:
        found = reports(mistake.variant, exercise, seeds)
        caught += all(report.points < report.full for report in found)
        rightly = all(set(report.mistakes) == {mistake.name} for report in found)
        named += rightly
        unnamed += [] if rightly else [mistake.name]
    styles = styles_of(exercise)
    accepted = [all(report.points == report.full for report in reports(style, exercise, seeds)) for style in styles]
    return {
        "exercise": exercise.name,
        "assignment": exercise.assignment,
        "variants": len(exercise.mistakes),
        "mistakes": len({mistake.name for mistake in exercise.mistakes}),
        "caught": caught,
        "named": named,
        "not_named": sorted(set(unnamed)),
        "same_function": twins(exercise),
        "styles": len(styles),
        "accepted": sum(accepted),
        "rounding": rounding(exercise, styles, len(seeds) and ROUNDING_SEEDS),
    }


def rounding(exercise, styles, seeds):
    """How far right solutions are from the reference, in units of the largest expected number or 1.

    Parameters
    ----------
    exercise : Exercise
    styles : list of function
    seeds : int
        How many sets of cases to try.

    Returns
    -------
    worst : dict of str to float
        By the dtype of what came back, or of the arguments where that is narrower.
    """
    worst = {}
    for seed in range(seeds):
        for case in exercise.cases(np.random.default_rng(seed)):
            expected = exercise.expected(case)
            for style in styles:
                for got, want in zip(answer(style, exercise, case), expected, strict=True):
                    if got.dtype.kind == "f":
                        off = float(np.abs(got - want).max(initial=0) / max(1, np.abs(want).max(initial=0)))
                        digits = "float32" if case.part == SINGLE else got.dtype.name
                        worst[digits] = max(worst.get(digits, 0.0), off)
    return worst


def twins(exercise):
    """Variants that give one answer in every case, and so can only share a name: how many, by name.

    Parameters
    ----------
    exercise : Exercise

    Returns
    -------
    counts : dict of str to int
    """
    cases = list(exercise.cases(generator(exercise.name, False)))
    seen, counts = {}, {}
    for mistake in exercise.mistakes:
        answers = [answer(mistake.variant, exercise, case) for case in cases]
        for other in seen.setdefault(mistake.name, []):
            pairs = zip(answers, other, strict=True)
            if all(a is not None and b is not None and same(a, b, exercise.tolerance) for a, b in pairs):
                counts[mistake.name] = counts.get(mistake.name, 1) + 1
                break
        else:
            seen[mistake.name].append(answers)
    return counts


@np.errstate(all="ignore")
def answer(fn, exercise, case):
    """What a function gives back in a case; None where it stops.

    Parameters
    ----------
    fn : function
    exercise : Exercise
    case : Case

    Returns
    -------
    answer : tuple of arrays, or None
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mean of nothing, in a wrong variant
        try:
            return exercise.arrays(fn(*case.copies()))
        except (ValueError, IndexError):
            return None


def main(arguments=None):
    """Run the proof and write the result.

    Parameters
    ----------
    arguments : list of str, optional
        The command's; those of the process when left out.
    """
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", help="an assignment, such as 03-lstm; nothing is written then")
    options = parser.parse_args(arguments)
    start, rows, killed = time.monotonic(), [], []
    for exercise in exercises():
        if options.only not in (None, exercise.assignment):
            continue
        row = prove(exercise, SEEDS)
        rows.append(row)
        print(
            f"{row['exercise']:<28} caught {row['caught']}/{row['variants']}, named {row['named']}/{row['variants']}, "
            f"styles {row['accepted']}/{row['styles']}",
            end="",
            flush=True,
        )
        outcome = mutants.run(exercise)
        killed.append(outcome)
        print(f", mutants {outcome['killed']}/{outcome['mutants']}, equivalent {outcome['equivalent']}")
        for survivor in outcome["survivors"]:
            print(f"    survives: {survivor}")
    if options.only is None:
        result = {"seeds": len(SEEDS), "exercises": rows, "mutants": killed}
        RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
