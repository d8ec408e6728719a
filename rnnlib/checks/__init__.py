"""What a student's cell calls: `check` runs one battery on a function, says what it found, and returns the points."""

import sys

from rnnlib.checks.battery import judge
from rnnlib.checks.caches import GRUCache, LSTMCache, MUT1Cache
from rnnlib.checks.exercises import exercises, find
from rnnlib.checks.help import hint, lend
from rnnlib.checks.report import show

__all__ = ["GRUCache", "LSTMCache", "MUT1Cache", "check", "exercises", "hint", "lend"]


def check(fn, hidden=False):
    """Judge a function of an exercise: print a line for each part, and return the points.

    Parameters
    ----------
    fn : function
        The function itself; its name finds the exercise.
    hidden : bool
        Draw the cases from the environment variable ``RNNLIB_HIDDEN_SEED`` (any text; a fixed one when it is unset),
        and show no expected number.

    Returns
    -------
    points : float
        From 0.0 to the points of this check; a plain float, which nbgrader takes as partial credit.

    Raises
    ------
    Misuse
        When `fn` is no function or the library's own, or no exercise has its name; both a TypeError and a ValueError.
    """
    report = judge(fn, find(fn, caller=sys._getframe(1).f_globals), hidden)
    show(report)
    return report.points
