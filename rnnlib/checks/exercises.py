"""What an exercise is, and the list of them. Each module of `rnnlib.checks.assignments` defines one assignment's."""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from rnnlib.checks.calls import unwrapped
from rnnlib.checks.cases import Case, to_dtype


@dataclass(frozen=True)
class Output:
    """One thing that a function gives back."""

    name: str  #: as the notebook calls it: ``hs``
    axes: str  #: a letter an axis, ``"TBH"``; empty for a number; ``...`` for any leading axes, as in ``"...K"``
    integer: bool = False  #: tokens rather than floating-point numbers


@dataclass(frozen=True)
class Mistake:
    """A wrong variant of a function that students write, and the sentences that explain it."""

    name: str  #: stable, such as ``rnn.initial-state-ignored``: translations and statistics refer to it
    words: str
    variant: Callable


@dataclass(frozen=True)
class Exercise:
    """A function that a student writes: what it should be, how it is tested, what it is worth."""

    name: str
    assignment: str
    outputs: tuple[Output, ...]
    reference: Callable
    cases: Callable[[np.random.Generator], Iterator[Case]]
    points: float  #: of the visible check
    hidden_points: float
    neighbours: tuple[str, ...] = ()  #: exercises of the assignment that this function may call
    mistakes: tuple[Mistake, ...] = field(default=(), repr=False)

    def expected(self, case):
        """The right answer to a case, computed in float64.

        Parameters
        ----------
        case : Case

        Returns
        -------
        arrays : tuple of arrays, one an output
        """
        value = self.reference(*(to_dtype(np.float64, a) for a in case.copies()))
        return tuple(np.asarray(v) for v in (value if len(self.outputs) > 1 else (value,)))


class Misuse(TypeError, ValueError):
    """What was given to `check` is nothing that it can judge. A notebook shows the sentence without a traceback."""

    def _render_traceback_(self):
        return [f"{self}."]


@functools.cache
def exercises():
    """All exercises, in the order of the assignments and of their notebooks.

    Returns
    -------
    exercises : tuple of Exercise
    """
    from rnnlib.checks import assignments

    modules = [
        importlib.import_module(f"{assignments.__name__}.{m.name}") for m in pkgutil.iter_modules(assignments.__path__)
    ]
    found = [exercise for module in modules for exercise in module.EXERCISES]
    return tuple(sorted(found, key=lambda exercise: exercise.assignment))


def find(fn, caller):
    """The exercise that a function answers: the one of its name, or of a name under which its caller knows it.

    The second way is for a lambda, a decorated function or an object with ``__call__``.

    Parameters
    ----------
    fn : function
    caller : dict
        Global names of the module or notebook that asks.

    Returns
    -------
    exercise : Exercise

    Raises
    ------
    Misuse
        When `fn` cannot be called, is the library's own, or no exercise has its name; both a TypeError and a
        ValueError.
    """
    if not callable(fn):
        raise Misuse(
            f"check takes the function itself, as in check(rnn_step); this is of type {type(fn).__name__}. If the name "
            "was a function before, a later cell gave it another value: run the cell that defines the function again"
        )
    name = getattr(fn, "__name__", type(fn).__name__)
    known = {exercise.name: exercise for exercise in exercises()}
    for candidate in (name, *(key for key, value in caller.items() if value is fn)):
        if candidate not in known:
            continue
        if getattr(unwrapped(fn), "__globals__", {}).get("__name__", "").split(".")[0] == "rnnlib":
            raise Misuse(
                f"this is the library's own {candidate}; a later cell imported it over yours: run the cell that "
                "defines yours again"
            )
        return known[candidate]
    raise Misuse(f"there is no exercise named {name!r}; check knows {', '.join(known)}")
