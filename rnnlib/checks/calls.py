"""One call of a student's function: in bounds of time, its output and warnings kept, its faults put into words."""

import contextlib
import functools
import inspect
import io
import linecache
import os
import signal
import sysconfig
import threading
import time
import traceback
import warnings
from dataclasses import dataclass, field, replace

import numpy as np

from rnnlib.checks.cases import unchanged
from rnnlib.checks.compare import axes_in_brackets, shape_in_letters

#: Seconds that one call may take; the cases are tiny, and a right solution needs milliseconds.
TIME_LIMIT = 5.0

#: Code here is not the student's: it is left out when a line of theirs is shown.
LIBRARIES = tuple(
    os.path.join(os.path.realpath(folder), "")
    for folder in {
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
        *(sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")),
    }
)

#: Depend on the version of a library more than on the student.
EXCUSED = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning)


@dataclass
class Outcome:
    """What one call came to."""

    case: object
    expected: tuple[np.ndarray, ...]
    answer: tuple[np.ndarray, ...] | None = None  #: copies of what came back; None when it can't be compared
    returned: object = None  #: the very object, to see whether a later call changes it
    problem: str | None = None  #: why there is no answer
    kind: str = ""  #: of problem: "unwritten", "endless", "raised", "form"
    in_neighbour: bool = False  #: the problem is another exercise's function, which this one calls
    changed: list[str] = field(default_factory=list)  #: arguments that are not as they were
    warned: list[str] = field(default_factory=list)
    printed: str = ""  #: the beginning
    lines_printed: int = 0
    remarks: list[str] = field(default_factory=list)
    token: object = None  #: by which a Remote finds again what it gave back


@dataclass
class Done:
    """What happened in a call, told by the process that the function lives in."""

    args: dict[str, object]  #: the arguments, as they are after the call
    returned: object = None
    problem: str | None = None  #: as in `Outcome`, and so are the rest
    kind: str = ""
    in_neighbour: bool = False
    warned: list[str] = field(default_factory=list)
    printed: str = ""
    lines_printed: int = 0
    token: object = None


class Remote:
    """A function that lives in another process, where a student cannot reach the check that judges it.

    `rnngrader` derives from it; everything else that a check asks of a function is asked by calling it.
    """

    lent = False  #: whether it is one of the course's own, from `lend`
    names = None  #: its global names: `.get` gives a Remote for each function

    def perform(self, exercise, calls):
        """Call it several times; see `perform`.

        Parameters
        ----------
        exercise : Exercise
        calls : list of dict
            The arguments of each, by name.

        Returns
        -------
        done : iterable of Done
            One a call, in order; shorter where a call did not return, as `call_each` says.
        """
        raise NotImplementedError

    def reference_neighbours(self, exercise):
        """As `rnnlib.checks.battery.reference_neighbours`."""
        raise NotImplementedError

    def now(self, outcome):
        """What an earlier call gave back, as it is now."""
        raise NotImplementedError


class Elsewhere:
    """A thing in another process that cannot come over: only what it is, in words, and some of its attributes."""

    def __init__(self, kind, generator=False, attributes=()):
        self.kind, self.generator = kind, generator
        self.attributes = dict(attributes)

    def __getattr__(self, name):
        try:
            return self.__dict__["attributes"][name]
        except KeyError:
            raise AttributeError(name) from None


class OutOfTime(BaseException):
    """Raised in a student's code at the limit; no Exception, so that ``except Exception`` lets it through."""


class Printed(io.TextIOBase):
    """Takes the place of standard output and error: keeps the beginning, counts the rest."""

    def __init__(self):
        self.beginning, self.lines = "", 0

    def writable(self):
        """Text can be written here."""
        return True

    def write(self, text):
        """Keep the first 200 characters.

        Parameters
        ----------
        text : str

        Returns
        -------
        count : int
        """
        self.lines += text.count("\n")
        self.beginning += text[: 200 - len(self.beginning)]
        return len(text)


def call(fn, exercise, case):
    """Call a function on fresh copies of a case's arguments.

    Parameters
    ----------
    fn : function or Remote
        The student's.
    exercise : Exercise
    case : Case

    Returns
    -------
    outcome : Outcome

    Raises
    ------
    KeyboardInterrupt
        When someone interrupts it; every other exception becomes a problem in words.
    """
    return call_each(fn, exercise, [case])[0]


def call_each(fn, exercise, cases):
    """Call a function on one case after the other, up to the first call that finds it unwritten or without end.

    Parameters
    ----------
    fn : function or Remote
        The student's.
    exercise : Exercise
    cases : list of Case

    Returns
    -------
    outcomes : list of Outcome
        One a call.

    Raises
    ------
    KeyboardInterrupt
        When someone interrupts it; every other exception becomes a problem in words.
    """
    copies = [dict(zip(case.args, case.copies(), strict=True)) for case in cases]
    done = fn.perform(exercise, copies) if isinstance(fn, Remote) else perform_each(fn, exercise, copies)
    return [_outcome(case, exercise, each) for case, each in zip(cases, done, strict=False)]


def _outcome(case, exercise, done):
    """What a call came to, its answer copied before the next call."""
    outcome = Outcome(case, exercise.expected(case), returned=done.returned, problem=done.problem, kind=done.kind)
    outcome.in_neighbour, outcome.warned = done.in_neighbour, done.warned
    outcome.printed, outcome.lines_printed, outcome.token = done.printed, done.lines_printed, done.token
    pairs = zip(case.args.items(), done.args.values(), strict=True)
    outcome.changed = [name for (name, was), now in pairs if not unchanged(was, now)]
    if outcome.problem is None:
        read_answer(outcome, exercise)
    return outcome


def perform_each(fn, exercise, calls):
    """`perform` one call after the other, up to the first that finds the function unwritten or without end.

    Parameters
    ----------
    fn : function
    exercise : Exercise
    calls : list of dict

    Yields
    ------
    done : Done
        Before the next call, which may change what this one gave back.
    """
    for args in calls:
        done = perform(fn, exercise, args)
        yield done
        if done.kind in ("endless", "unwritten"):
            return


def perform(fn, exercise, args):
    """Call a function, in bounds of time, and keep all that is to be told of it.

    Parameters
    ----------
    fn : function
        The student's, in this process.
    exercise : Exercise
    args : dict
        By name, in order; the function may change them.

    Returns
    -------
    done : Done

    Raises
    ------
    KeyboardInterrupt
        When someone interrupts it; every other exception becomes a problem in words.
    """
    done, out = Done(args), Printed()
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("default")  # each once a line, however long a loop
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                with time_limit(TIME_LIMIT):
                    done.returned = fn(*args.values())
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                describe_exception(done, error, exercise)
    done.printed, done.lines_printed = out.beginning, out.lines
    done.warned = [describe_warning(w) for w in caught if not issubclass(w.category, EXCUSED)]
    return done


@contextlib.contextmanager
def time_limit(seconds):
    """Raise `OutOfTime` in the body after that time; without limit off the main thread, or without SIGALRM (Windows).

    Parameters
    ----------
    seconds : float
        Then again every second, for a body that swallows the first.

    Raises
    ------
    OutOfTime
        In the body, or after it when it swallowed every one.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum, frame):
        raise OutOfTime

    start = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - start), 1e-3), interval)
    if time.monotonic() - start > seconds:
        raise OutOfTime


def read_answer(outcome, exercise):
    """Put what came back into `outcome.answer`, or why it can't be into `outcome.problem`.

    Parameters
    ----------
    outcome : Outcome
        Changed in place.
    exercise : Exercise
    """
    values, outputs = outcome.returned, exercise.outputs
    if len(outputs) == 1:
        values = (values,)
    elif not isinstance(values, tuple | list) or len(values) != len(outputs):
        names = ", ".join(o.name for o in outputs)
        outcome.kind = "form"
        outcome.problem = f"It gives back {kind_of(values)}; it should give back a tuple of {len(outputs)}: `{names}`."
        return
    arrays, expected = [], list(outcome.expected)
    for output, value in zip(outputs, values, strict=True):
        leaves = output.leaves()
        wanted, expected = expected[: len(leaves)], expected[len(leaves) :]
        try:
            problem = None
            for leaf, entry, want in taken_apart(output, value, leaves, wanted):
                problem = problem or what_is_wrong_with(leaf, entry, want)
        except NotOfItsForm as error:
            problem = str(error)
        if problem:
            outcome.kind, outcome.problem = "form", problem
            outcome.answer = of_any_shape(outcome.returned, exercise)
            if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
                letters = None if output.fields else shape_in_letters(output, wanted[0].shape, value.shape)
                outcome.remarks = [f"That looks like {letters}."] if letters else []
            return
        if not output.axes and not output.fields and not isinstance(value, int | float):
            if not output.integer or np.asarray(value).dtype.kind in "iu":
                what = "an integer" if output.integer else "a float"
                outcome.remarks.append(f"`{output.name}` comes as {kind_of(value)}, which counts as {what}.")
        arrays.extend(np.array(a) for a in output.arrays(value))
    outcome.answer = tuple(arrays)


def of_any_shape(values, exercise):
    """What came back as arrays of numbers, whatever their shapes: a catalogued mistake may have the same.

    Parameters
    ----------
    values : as the function gave it back
    exercise : Exercise

    Returns
    -------
    arrays : tuple of arrays, or None
        None where something is no array or number.
    """
    try:
        arrays = exercise.arrays(values)
    except Exception:  # another library's object may raise anything on its way to an array
        return None
    return tuple(map(np.array, arrays)) if all(a.dtype.kind in "fiu" for a in arrays) else None


class NotOfItsForm(ValueError):
    """A value is not the named tuple, the dict or the list that it should be; the message says so."""


def taken_apart(output, value, leaves, wanted):
    """What stands in a value, each with the output that it should be and the array that is expected.

    Parameters
    ----------
    output : Output
    value : object
        What came back for it.
    leaves : list of Output
        Its own.
    wanted : list of arrays
        What is expected for each leaf.

    Yields
    ------
    leaf : Output
    entry : object
    want : array

    Raises
    ------
    NotOfItsForm
        Where the value is something else.
    """
    if not output.fields:
        yield output, value, wanted[0]
        return
    what = output.kind.__name__
    steps = [value]
    if output.axes:
        T = len(wanted[0])
        if not isinstance(value, list | tuple) or hasattr(value, "_fields") or len(value) != T:
            length = f" of {len(value)}" if isinstance(value, list) else ""
            raise NotOfItsForm(
                f"It gives back {kind_of(value)}{length} for `{output.name}`, which should be a list with the {what} "
                f"of each of the {T} time steps."
            )
        steps = value
    for t, step in enumerate(steps):
        name = f"{output.name}[{t}]" if output.axes else output.name
        try:
            entries = output.entries(step)
        except (KeyError, AttributeError, TypeError, IndexError):
            names = ", ".join(f.name for f in output.fields)
            form = f"a dict with the keys {names}" if output.kind is dict else f"{what}({names})"
            raise NotOfItsForm(f"It gives back {kind_of(step)} for `{name}`, which should be {form}.") from None
        for leaf, entry, want in zip(leaves, entries, wanted, strict=True):
            if output.axes:
                yield replace(leaf, name=leaf.name.replace("[t]", f"[{t}]"), axes=leaf.axes[1:]), entry, want[t]
            else:
                yield leaf, entry, want


def what_is_wrong_with(output, value, want):
    """One sentence on a value that has not the type or shape of an output.

    Parameters
    ----------
    output : Output
        An array or a number.
    value : object
    want : array
        The expected value.

    Returns
    -------
    words : str or None
        None when it can be compared.
    """
    name, came = output.name, kind_of(value)
    if value is None:
        return f"It gives back None: the function ends without `return {name}`."
    if not output.axes:
        is_one = isinstance(value, int | float | np.number) or (isinstance(value, np.ndarray) and value.ndim == 0)
        if is_one and np.asarray(value).dtype.kind in "fiub":
            return None
        if isinstance(value, int):
            came = f"an integer of about {int(value.bit_length() * 0.30103) + 1} digits"
        elif is_one:
            came = f"something of dtype {np.asarray(value).dtype}"
        return f"It gives back {came}; `{name}` should be one number, {'an integer' if output.integer else 'a float'}."
    wanted = f"`{name}` should be an array of shape {axes_in_brackets(output)}"
    if output.axes.startswith("..."):
        wanted = f"`{name}` should be an array of the shape of its argument"
    if is_generator(value):
        return f"It gives back a generator, since there is a `yield` in it. Use `return`: {wanted}."
    if isinstance(value, list) and value and all(isinstance(v, np.ndarray) for v in value):
        return f"It gives back a list of {len(value)} arrays; `np.stack` makes one array of them, and {wanted}."
    if not isinstance(value, np.ndarray):
        return f"It gives back {came}; {wanted}."
    if value.dtype.kind not in "fiub":
        entries = "integers" if output.integer else "floats"
        return f"It gives back an array of dtype {value.dtype}; {wanted}, of {entries}."
    if value.shape != want.shape:
        here = "" if output.axes.startswith("...") else ", here"
        return f"It gives back an array of shape {value.shape}; {wanted}{here} {want.shape}."
    return None


def kind_of(value):
    """What a value is, in words: ``a list``, ``an array of shape (2, 3)``, ``None``.

    Parameters
    ----------
    value : object

    Returns
    -------
    words : str
    """
    if value is None:
        return "None"
    if isinstance(value, Elsewhere):
        return value.kind
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    module, name = type(value).__module__, type(value).__name__
    full = name if module in ("builtins", "__main__") else f"{module.split('.')[0]}.{name}"
    return f"{'an' if full[0] in 'aeio' else 'a'} {full}"


def is_generator(value):
    """Whether a function with ``yield`` gave this back.

    Parameters
    ----------
    value : object

    Returns
    -------
    is_one : bool
    """
    return value.generator if isinstance(value, Elsewhere) else inspect.isgenerator(value)


def describe_exception(outcome, error, exercise):
    """Put an exception into words, with the student's own line and none of a library's.

    Parameters
    ----------
    outcome : Done
        Its `kind`, `problem` and `in_neighbour` are set.
    error : BaseException
        What the call raised.
    exercise : Exercise
    """
    frames = [
        (frame.f_code, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if is_students(frame.f_code.co_filename)
    ]
    in_neighbour = [code.co_name for code, _ in frames if code.co_name in exercise.neighbours]
    missing = isinstance(error, NameError) and error.name in exercise.neighbours
    outcome.in_neighbour = bool(in_neighbour) or missing
    outcome.kind = "raised"
    args = outcome.args
    at, source = "", " "
    if frames:
        code, line = frames[-1]
        at = f" at line {line} of `{code.co_name}`"
        text = linecache.getline(code.co_filename, line).strip()
        source = f"\n    {text}\n" if text else " "
    if isinstance(error, NotImplementedError):
        outcome.kind = "unwritten"
        outcome.problem = "It is not written yet. Write it in its cell, run that cell, then run this one again."
        if in_neighbour:
            outcome.problem = f"It calls `{in_neighbour[0]}`, which is not written yet."
    elif isinstance(error, OutOfTime):
        outcome.kind = "endless"
        outcome.problem = f"It did not return within {TIME_LIMIT:g} s"
        outcome.problem += f", and was stopped{at}:{source}" if at else ". "
        outcome.problem += "Look for a loop whose condition never becomes false, or that runs over what it adds to."
    elif isinstance(error, RecursionError):
        outcome.problem = f"It calls itself without end,{at}:{source}Look for the condition that should end it."
    elif isinstance(error, SystemExit):
        outcome.problem = f"It leaves Python,{at}:{source}A function hands its result back with `return`."
    else:
        message = "".join(traceback.format_exception_only(error)).strip().replace("\n", " ")
        shapes = ", ".join(f"`{name}` {a.shape}" for name, a in args.items() if isinstance(a, np.ndarray))
        told = f"Shapes of the arguments: {shapes}"
        if not shapes:
            told = "The arguments: " + ", ".join(f"`{name}` = {a}" for name, a in args.items())
        if at:
            outcome.problem = f"It stops with an exception{at}:{source}{message}\n{told}."
        else:
            outcome.problem = f"It cannot be called with its {len(args)} arguments ({', '.join(args)}). {message}"


def describe_warning(caught):
    """Put a warning into words, with the line it comes from where that is the student's.

    Parameters
    ----------
    caught : warnings.WarningMessage

    Returns
    -------
    words : str
        Lines that begin with four spaces are code.
    """
    source = ""
    if is_students(caught.filename):
        source = linecache.getline(caught.filename, caught.lineno).strip()
    return f"{caught.category.__name__}: {caught.message}" + (f"\n    {source}" if source else ".")


def unwrapped(fn):
    """The function that runs where a partial, a decorated function or an object with ``__call__`` is called.

    Parameters
    ----------
    fn : function

    Returns
    -------
    fn : function
        Without ``__globals__`` where it is not written in Python.
    """
    if isinstance(fn, functools.partial):
        return unwrapped(fn.func)
    if hasattr(fn, "__wrapped__"):
        return unwrapped(fn.__wrapped__)
    return fn if hasattr(fn, "__globals__") else type(fn).__call__


def global_names(fn):
    """The global names of a function, by which it knows the others.

    Parameters
    ----------
    fn : function or Remote

    Returns
    -------
    names : dict, or of a Remote a thing with `.get`
    """
    return fn.names if isinstance(fn, Remote) else getattr(unwrapped(fn), "__globals__", {})


@functools.cache
def is_students(filename):
    """Whether code of that file was written by the student.

    Parameters
    ----------
    filename : str
        Of a code object.

    Returns
    -------
    theirs : bool
        False for what stands in a library's folder or was made by one (``<string>``).
    """
    made = filename.startswith("<") and not filename.startswith(("<ipython-input", "<stdin"))
    return not made and not os.path.realpath(filename).startswith(LIBRARIES)
