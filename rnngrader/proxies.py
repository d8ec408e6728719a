"""The student's names, as the tests see them: functions that are called in the student's own process.

What comes back was made by a process that the student controls: each part of an answer is looked at before it is used,
and whatever is not as it should be counts as an answer that cannot be looked at.
"""

import builtins
import contextlib
import keyword

import numpy as np

from rnngrader.bridge import Refused, decode, exception_named
from rnnlib.checks import calls
from rnnlib.checks.calls import Done, Elsewhere, OutOfTime, Remote

KINDS = ("unwritten", "endless", "raised")


class Gone(Exception):
    """The student's process did not answer; `reason` is "time", "memory", "ended", "flood" or "nonsense"."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


#: What a call that brought no answer came to.
ENDED = {
    "memory": "It took more memory than there is for it, and was ended.",
    "ended": "Python itself ended in this call.",
    "flood": "It put out more than anyone can read, and was ended.",
    "nonsense": "What came back from it cannot be understood.",
}


class Ended(OutOfTime):
    """Raised where a function of the student's that a test calls did not come back; no Exception, as OutOfTime."""


class Notebook:
    """The student's names, lent to a cell of the tests.

    Parameters
    ----------
    side : rnngrader.inside.Tests
        Whose `ask` reaches the student.
    """

    def __init__(self, side):
        self.side, self.names = side, side.shell.user_ns
        self.students = set()  #: names that are the student's, though the tests have bound them too
        self.called, self.judged = None, None  #: while neighbours are replaced: those called, and for which exercise
        self._lent, self._own = [], {}

    def lend(self, names):
        """Put the student's under the names that a cell reads and the tests have not."""
        for name in sorted(names):
            if name not in self.students and (name in self.names or hasattr(builtins, name)):
                continue
            found = self.describe([name])
            if found is None and name not in self.students:
                continue
            if name in self.names:
                self._own[name] = self.names.pop(name)
            if found is not None:
                self.names[name] = found[0]
                self._lent.append(name)

    def take_back(self):
        """Undo `lend`."""
        for name in self._lent:
            self.names.pop(name, None)
        self.names.update(self._own)
        self._lent, self._own = [], {}

    def describe(self, address):
        """What the student has under a name, or under a name that a function knows, in a tuple; None for nothing."""
        try:
            told = self.ask({"op": "describe", "address": address}, seconds=calls.TIME_LIMIT)
        except (Gone, Refused):
            return None
        if told.get("exists") is not True:
            return None
        if told.get("callable") is not True:
            value = told.get("value")
            return (of_its_type(value) if isinstance(value, Elsewhere) else value,)
        return (Function(self, address, told),)

    def ask(self, question, functions=None, seconds=None):
        """The answer to a question, a dict; a Refused or a Gone where there is none."""
        answers = list(self.side.ask(question, [] if functions is None else functions, seconds))
        return looked_at(answers[0] if answers else None)


def looked_at(answer):
    """An answer, which should be a dict; a Refused where it is none or says that there is none."""
    if not isinstance(answer, dict):
        raise Refused("an answer of no form")
    if "refused" in answer:
        raise Refused(str(answer["refused"])[:300])
    return answer


def of_its_type(value):
    """A thing whose type has the name that it has in the student's process."""
    name = value.kind.split()[-1].split(".")[-1]
    return type(name if name.isidentifier() and not keyword.iskeyword(name) else "object", (), {})()


class Names:
    """The global names of a student's function."""

    def __init__(self, function, module):
        self._function, self._module = function, module

    def get(self, name, default=None):
        if name == "__name__":
            return self._module
        if name is None:
            return default
        found = self._function.notebook.describe([*self._function.address, name])
        return found[0] if found is not None and found[0] is not None else default


class Function(Remote):
    """A student's function, by its name at the time of a call."""

    def __init__(self, notebook, address, told):
        self.notebook, self.address = notebook, address
        self.__name__ = text(told, "name") or address[-1]
        self.lent = told.get("lent") is True
        self.names = Names(self, text(told, "module"))

    def __call__(self, *args, **kwargs):
        functions = []
        question = {"op": "call", "address": self.address, "args": list(args), "kwargs": kwargs}
        try:
            told = self.notebook.ask(question, functions)
        except Gone as gone:
            words = "It did not return in time." if gone.reason == "time" else ENDED[gone.reason]
            raise Ended(f"{self.address[-1]}: {words}") from None
        if isinstance(told.get("error"), list) and [*map(type, told["error"])] == [str, str]:
            lines = [line for line in sequence(told, "traceback") if isinstance(line, str)]
            error = exception_named(*told["error"])
            kind = type(type(error).__name__, (type(error),), {"_render_traceback_": lambda self: lines})
            raise kind(*error.args)
        carry_back([*args, kwargs], [*sequence(told, "args"), told.get("kwargs")])
        return told.get("returned")

    def perform(self, exercise, calls_asked):
        functions, done = [], []
        judged = self.notebook.judged or exercise
        question = {
            "op": "perform", "address": self.address, "exercise": exercise.name, "judged": judged.name,
            "reference": self.notebook.called is not None, "calls": calls_asked,
        }  # fmt: skip
        answers = self.notebook.side.ask(question, functions, calls.TIME_LIMIT, most=len(calls_asked))
        while len(done) < len(calls_asked):
            args = calls_asked[len(done)]
            try:
                done.append(self._done(looked_at(next(answers)), args, functions, judged))
            except StopIteration:
                if not done or done[-1].kind not in ("endless", "unwritten"):
                    done.append(ended("nonsense", args))
                break
            except Gone as gone:
                done.append(ended(gone.reason, args))
                break
            except Refused as error:
                problem = f"What it gives back cannot be looked at: {error}."
                done.append(Done(args, problem=problem, kind="raised"))
        with contextlib.suppress(Gone):
            for _ in answers:  # more than was asked
                pass
        return done

    def _done(self, entry, args, functions, judged):
        if not isinstance(entry.get("values"), np.ndarray):
            raise Refused("an answer of no form")
        values = decode(entry["values"].tobytes(), functions)
        if not isinstance(values, list) or len(values) != 2:
            raise Refused("an answer of no form")
        returned, after = values
        if not isinstance(after, list) or len(after) != len(args):
            after = list(args.values())
        called = self.notebook.called
        if called is not None:
            called += [n for n in sequence(entry, "called") if n in judged.neighbours and n not in called]
        problem, kind, count, number = (entry.get(key) for key in ("problem", "kind", "lines_printed", "number"))
        problem = problem[:4000] if isinstance(problem, str) else None
        return Done(
            args=dict(zip(args, after, strict=True)),
            returned=returned,
            problem=problem,
            kind="" if problem is None else kind if kind in KINDS else "raised",
            in_neighbour=entry.get("in_neighbour") is True,
            warned=[words[:2000] for words in sequence(entry, "warned")[:10] if isinstance(words, str)],
            printed=text(entry, "printed"),
            lines_printed=min(max(count, 0), 10**9) if type(count) is int else 0,
            token=number if type(number) is int else 0,
        )

    @contextlib.contextmanager
    def reference_neighbours(self, exercise):
        notebook = self.notebook
        notebook.called, notebook.judged = called, _ = [], exercise
        try:
            yield called
        finally:
            notebook.called = notebook.judged = None

    def now(self, outcome):
        try:
            return self.notebook.ask({"op": "now", "number": outcome.token}, seconds=calls.TIME_LIMIT).get("value")
        except (Refused, Gone):
            return None

    def __getattr__(self, name):
        raise AttributeError(
            f"{self.address[-1]} is in the student's process: a test can call it, and not ask for its {name}"
        )


def ended(reason, args):
    """What a call came to that brought no answer."""
    words = ENDED.get(reason)
    if words is None:
        words = f"It did not return within {calls.TIME_LIMIT:g} s, and could not be interrupted. "
        words += "Look for a loop whose condition never becomes false, or that runs over what it adds to."
    return Done(args, problem=words, kind="endless")


def text(entry, key, most=200):
    """A text in an answer; empty where there is none."""
    value = entry.get(key)
    return value[:most] if isinstance(value, str) else ""


def sequence(entry, key):
    """A list in an answer; empty where there is none."""
    value = entry.get(key)
    return value if isinstance(value, list) else []


def carry_back(given, after):
    """Make in the tests' own arguments the changes that a call has made in its copies.

    Parameters
    ----------
    given, after : lists of arguments, before and after
    """
    for was, now in zip(given, after, strict=False):
        if isinstance(was, np.ndarray):
            if (
                isinstance(now, np.ndarray)
                and now.shape == was.shape
                and now.dtype == was.dtype
                and was.flags.writeable
            ):
                was[...] = now
        elif isinstance(was, list) and isinstance(now, list):
            carry_back(was, now)
            was[:] = [w if isinstance(w, np.ndarray) else n for w, n in zip(was, now, strict=False)] + now[len(was) :]
            del was[len(now) :]
        elif isinstance(was, dict) and isinstance(now, dict):
            carry_back([was[key] for key in was if key in now], [now[key] for key in was if key in now])
            kept = {key: was[key] if isinstance(was.get(key), np.ndarray) else entry for key, entry in now.items()}
            was.clear()
            was.update(kept)
