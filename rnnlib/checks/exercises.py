"""What an exercise is, and the list of them. Each module of `rnnlib.checks.assignments` defines one assignment's."""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from rnnlib.checks.calls import global_names
from rnnlib.checks.cases import Case, to_dtype


@dataclass(frozen=True)
class Output:
    """One thing that a function gives back: an array, a number, a named tuple of arrays, or a dict of arrays."""

    name: str  #: as the notebook calls it: ``hs``
    #: A letter an axis, ``"TBH"``; empty for a number; ``...`` for any leading axes, as in ``"...K"``. G stands for
    #: the blocks of H columns that ``blocks`` names.
    axes: str = ""
    integer: bool = False  #: tokens rather than floating-point numbers
    blocks: tuple[str, ...] = ()  #: the blocks side by side on an axis G: ``("i", "f", "g", "o")``
    backward: bool = False  #: its time steps are computed from the last to the first
    #: Of a named tuple or a dict, what is in it; with axes ``"T"`` a list of such tuples, one a time step.
    fields: "tuple[Output, ...]" = ()
    kind: type | None = field(default=None, repr=False)  #: the named tuple's class, or dict
    aside: bool = False  #: serves later functions: named mistakes are recognised by the other outputs

    def leaves(self):
        """The arrays in it, each as an output: ``cache.i`` of a named tuple, ``caches[t].i`` of a list of them.

        Returns
        -------
        outputs : list of Output
        """
        if not self.fields:
            return [self]
        form = '{}["{}"]' if self.kind is dict else "{}[t].{}" if self.axes else "{}.{}"
        return [
            replace(f, name=form.format(self.name, f.name), axes=self.axes + f.axes, aside=self.aside)
            for f in self.fields
        ]

    def entries(self, value):
        """What a value has for each field; a KeyError or AttributeError where it has not.

        Parameters
        ----------
        value : named tuple or dict

        Returns
        -------
        entries : list
        """
        return [value[f.name] if self.kind is dict else getattr(value, f.name) for f in self.fields]

    def arrays(self, value):
        """The arrays of a value that has this output's form.

        Parameters
        ----------
        value : as the function gives it back

        Returns
        -------
        arrays : list, in the order of `leaves`
        """
        if not self.fields:
            return [value]
        if self.axes:
            return [np.stack(steps) for steps in zip(*map(self.entries, value), strict=True)]
        return self.entries(value)


@dataclass(frozen=True)
class Mistake:
    """A wrong variant of a function that students write, and the sentences that explain it."""

    name: str  #: stable, such as ``rnn.initial-state-ignored``: translations and statistics refer to it
    words: str
    variant: Callable


@dataclass(frozen=True)
class Hints:
    """What a student who asks is told, a step at a time. The formula is the last step; the code is not a hint."""

    where: str
    why: str
    formula: str


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
    neighbours: tuple[str, ...] = ()  #: exercises, of this or an earlier assignment, that this function may call
    mistakes: tuple[Mistake, ...] = field(default=(), repr=False)
    hints: Hints | None = field(default=None, repr=False)
    #: Of a gradient, the exercise whose gradient it is; each case then has `Case.forward` and `Case.upstream`.
    gradient_of: str | None = None
    tolerance: float | None = None  #: in place of `rnnlib.checks.compare.TOLERANCE`, for what is right in part only

    @functools.cached_property
    def leaves(self):
        """The arrays that come back, those inside a named tuple one by one (list of Output)."""
        return [leaf for output in self.outputs for leaf in output.leaves()]

    def arrays(self, value):
        """The arrays of a value that has the form of the outputs.

        Parameters
        ----------
        value : as the function gives it back

        Returns
        -------
        arrays : tuple of arrays, one a leaf
        """
        values = value if len(self.outputs) > 1 else (value,)
        return tuple(np.asarray(a) for o, v in zip(self.outputs, values, strict=True) for a in o.arrays(v))

    def expected(self, case):
        """The right answer to a case, computed in float64.

        Parameters
        ----------
        case : Case

        Returns
        -------
        arrays : tuple of arrays, one a leaf
        """
        return self.arrays(self.reference(*(to_dtype(np.float64, a) for a in case.copies())))


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


def named(name):
    """The exercise of a name.

    Parameters
    ----------
    name : str

    Returns
    -------
    exercise : Exercise

    Raises
    ------
    Misuse
        When there is none; both a TypeError and a ValueError.
    """
    for exercise in exercises():
        if exercise.name == name:
            return exercise
    raise Misuse(f"there is no exercise named {name!r}; the exercises are {', '.join(e.name for e in exercises())}")


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
        if not getattr(fn, "lent", False) and global_names(fn).get("__name__", "").split(".")[0] == "rnnlib":
            raise Misuse(
                f"this is the library's own {candidate}; a later cell imported it over yours: run the cell that "
                "defines yours again"
            )
        return known[candidate]
    raise Misuse(f"there is no exercise named {name!r}; check knows {', '.join(known)}")
