"""Help that a student asks for: a hint at a time, or the course's own function in place of one that is missing."""

import contextlib
import functools

from rnnlib.checks.exercises import Misuse, named

_may_answer = []  # while an exercise is judged: the names of those whose lent functions may take part
_given = {}  # how many hints were given, by exercise


def lend(name):
    """The course's own function for an exercise, to go on with what follows.

    It earns no points: a check says so where it gets this function, or one that calls it.

    Parameters
    ----------
    name : str
        Of the exercise: ``"lstm_step"``.

    Returns
    -------
    function : function
        Called as the exercise asks.

    Raises
    ------
    Misuse
        When no exercise has this name; both a TypeError and a ValueError.

    Examples
    --------
    >>> from rnnlib import lend
    >>> rnn_step = lend("rnn_step")
    """
    exercise = named(name)

    @functools.wraps(exercise.reference)
    def lent(*args, **kwargs):
        if _may_answer and exercise.name not in _may_answer[-1]:
            raise Lent(f"this is the course's own {exercise.name}, lent so that you can go on; it earns no points here")
        return exercise.reference(*args, **kwargs)

    lent.__name__ = lent.__qualname__ = exercise.name
    lent.lent = True
    return lent


@contextlib.contextmanager
def now_judged(exercise):
    """While the body runs, lent functions answer only where the exercise may call them, and never for itself.

    Parameters
    ----------
    exercise : Exercise
    """
    allowed, todo = set(), {*exercise.neighbours, exercise.gradient_of} - {None}
    while todo:
        allowed |= todo
        todo = {name for other in map(named, todo) for name in (*other.neighbours, other.gradient_of) if name} - allowed
    _may_answer.append(allowed - {exercise.name})
    try:
        yield
    finally:
        _may_answer.pop()


class Lent(RuntimeError):
    """A function that is judged calls the course's own for the same exercise."""


def hint(function, step=None):
    """Print a hint: first where to look, asked again why, asked a third time the formula.

    Parameters
    ----------
    function : function or str
        The exercise's function, or its name.
    step : int, optional
        1, 2 or 3; the one after the last that was given, when left out.

    Raises
    ------
    Misuse
        When no exercise has this name, or `step` is none of the three; both a TypeError and a ValueError.
    """
    exercise = named(function if isinstance(function, str) else getattr(function, "__name__", type(function).__name__))
    steps = (exercise.hints.where, exercise.hints.why, exercise.hints.formula)
    if step is None:
        step = min(_given.get(exercise.name, 0) + 1, len(steps))
    if step not in (1, 2, 3):
        raise Misuse(f"step is {step!r}; it should be 1 (where to look), 2 (why) or 3 (the formula)")
    _given[exercise.name] = step
    kind = ("where to look", "why", "the formula")[step - 1]
    more = "" if step == len(steps) else f"\n  hint({exercise.name}) once more says {('why', 'the formula')[step - 1]}."
    text = steps[step - 1].replace("\n", "\n  ")
    print(f"{exercise.name}, hint {step} of {len(steps)}, {kind}:\n  {text}{more}")
