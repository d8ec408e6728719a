"""The battery: what is asked of a function, part by part, and what each part is worth."""

import contextlib
import warnings
from dataclasses import dataclass, field

import numpy as np

from rnnlib.checks import calls
from rnnlib.checks.cases import EXTREME, ORDINARY, SINGLE, SMALL, Case, each_array, generator
from rnnlib.checks.compare import axes_in_brackets, first_difference, same
from rnnlib.checks.gradients import against_differences, against_torch
from rnnlib.checks.help import now_judged
from rnnlib.checks.lines import Line

#: Fractions of a function's points. Right values in ordinary cases earn what these leave, and without them there are
#: no points at all. The parts of behaviour together make a tenth.
SHARES = {SMALL: 0.1, EXTREME: 0.2, "arguments": 0.025, "repetition": 0.025, "dtype": 0.025, "warnings": 0.025}

#: Said where an exponential overflows and the values are right all the same, as in 1 / (1 + exp(-a)).
OVERFLOW = (
    "The exponential of a large number is infinite: 1 / (1 + exp(-a)) comes out right in spite of that, "
    "exp(a) / (1 + exp(a)) does not. Take exponentials of numbers that are 0 or less. With e = exp(-|a|) a sigmoid is "
    "1 / (1 + e) where a is 0 or more, and e / (1 + e) where a is less."
)


@dataclass
class Report:
    """What a check found."""

    exercise: object
    hidden: bool
    lines: list[Line] = field(default_factory=list)
    points: float = 0.0
    blocked: bool = False  #: by an exception or an endless loop in a neighbour
    endless: bool = False

    @property
    def full(self):
        """The points of a right solution."""
        return self.exercise.hidden_points if self.hidden else self.exercise.points

    @property
    def mistakes(self):
        """Names of the mistakes that were recognised."""
        return [line.mistake for line in self.lines if line.mistake]


@np.errstate(all="ignore")  # whatever the notebook has set; `calls.call` has its own settings for the student's code
def judge(fn, exercise, hidden=False):
    """Run the battery; where that falls short, once more with the course's functions for the neighbours.

    A function that calls a wrong neighbour, as `rnn_forward` may call `rnn_step`, is so judged on its own merits: the
    fault is charged where it is.

    Parameters
    ----------
    fn : function
    exercise : Exercise
    hidden : bool

    Returns
    -------
    report : Report
    """
    if getattr(fn, "lent", False):
        words = f"This is the course's own `{exercise.name}`, lent so that you can go on. Write yours for the points."
        return Report(exercise, hidden, [Line("structure", "note", words)])
    with warnings.catch_warnings(), now_judged(exercise):
        warnings.simplefilter("ignore")
        own = calls.global_names(fn).get(exercise.gradient_of)
        report = run(fn, exercise, hidden, own)
        if report.points == report.full or (report.endless and not (report.blocked or exercise.neighbours)):
            return report
        with reference_neighbours(fn, exercise) as called:
            alone = run(fn, exercise, hidden, own, called)
    if alone is None:
        return report
    better = (alone.points, len(alone.mistakes)) > (report.points, len(report.mistakes))
    if not (report.blocked or better):
        return report
    theirs = " and ".join(f"`{name}`" for name in called)
    alone.lines.append(
        Line(
            "neighbours",
            "note",
            f"Judged with the course's own {theirs} in place of yours, so that what is wrong or missing there is not "
            "charged again here. Their own checks say more.",
        )
    )
    return alone


@contextlib.contextmanager
def reference_neighbours(fn, exercise):
    """Put the references among a function's global names, in place of the neighbours that are there or missing.

    Parameters
    ----------
    fn : function
    exercise : Exercise

    Yields
    ------
    called : list of str
        Names of those that were called, filled as they are.
    """
    from rnnlib.checks.exercises import exercises

    if isinstance(fn, calls.Remote):
        with fn.reference_neighbours(exercise) as called:
            yield called
        return
    names = calls.global_names(fn)
    called = []

    def lend(other):
        def neighbour(*args, **kwargs):
            if other.name not in called:
                called.append(other.name)
            return other.reference(*args, **kwargs)

        return neighbour

    lent = {other.name: lend(other) for other in exercises() if other.name in exercise.neighbours}
    theirs = {name: names[name] for name in lent if name in names}
    names.update(lent)
    try:
        yield called
    finally:
        for name in lent:
            names.pop(name, None)
        names.update(theirs)


def run(fn, exercise, hidden, own=None, called=None):
    """Run the battery once.

    Parameters
    ----------
    fn : function
    exercise : Exercise
    hidden : bool
    own : function, optional
        The student's own function of which this one is to give the gradient.
    called : list of str, optional
        Filled with the neighbours that were called; where none is, there is nothing to judge anew.

    Returns
    -------
    report : Report, or None
        None when `called` is given and stays empty.
    """
    report = Report(exercise, hidden)
    cases = list(exercise.cases(generator(exercise.name, hidden)))
    outcomes = calls.call_each(fn, exercise, cases)
    if called == []:
        return None
    report.blocked = any(outcome.in_neighbour for outcome in outcomes)
    report.endless = outcomes[-1].kind == "endless"
    by_part = {case.part: [o for o in outcomes if o.case.part == case.part] for case in cases}

    lines = report.lines
    lines.append(structure(report, by_part[ORDINARY]))
    untouched = arguments(outcomes)
    if lines[0].verdict == "failed":
        lines.extend([untouched] if untouched.verdict == "failed" else [])
    else:
        lines.append(untouched)
        lines.append(values(report, ORDINARY, by_part))
        right = lines[-1].verdict == "passed"
        if exercise.gradient_of:
            lines.append(against_differences(exercise, by_part[ORDINARY][0], own, right))
            lines.extend(against_torch(exercise, by_part[ORDINARY][0]) if right and not hidden else [])
        if not right:
            lines.append(Line("further parts", "note", "They are judged once the values are right."))
        else:
            lines.extend(values(report, part, by_part) for part in (SMALL, EXTREME) if part in by_part)
            lines.append(repetition(fn, exercise, outcomes))
            lines.extend(dtype(report, by_part))
            lines.append(warned(outcomes))
            lost = sum(SHARES.get(line.part, 0.0) for line in lines if line.verdict == "failed")
            report.points = round(report.full * (1 - lost), 3) if lost else float(report.full)
    lines.extend(printed(outcomes))
    return report


def structure(report, outcomes):
    """Whether every ordinary call gives back something of the right type and shape.

    Parameters
    ----------
    report : Report
    outcomes : list of Outcome

    Returns
    -------
    line : Line
    """
    for outcome in outcomes:
        if outcome.problem:
            mistake = recognise(report.exercise, [outcome]) if outcome.kind == "form" else None
            words = f"{mistake.words}\n{outcome.problem}" if mistake else " ".join([outcome.problem, *outcome.remarks])
            return Line("structure", "failed", words, mistake and mistake.name)
    forms = []
    for output in report.exercise.outputs:
        if output.fields:
            kind = output.kind.__name__
            of = f"a list of {kind}, one a time step" if output.axes else f"of type {kind}"
            forms.append(f"`{output.name}` is {of}.")
        elif not output.axes:
            forms.append(f"`{output.name}` is a number.")
        elif output.axes.startswith("..."):
            forms.append(f"`{output.name}` has the shape of its argument.")
        else:
            forms.append(f"`{output.name}` is an array of shape {axes_in_brackets(output)}.")
    return Line("structure", "passed", " ".join([*forms, *outcomes[0].remarks]))


def arguments(outcomes):
    """Whether every call leaves its arguments as they were.

    Parameters
    ----------
    outcomes : list of Outcome

    Returns
    -------
    line : Line
    """
    changed = list(dict.fromkeys(name for outcome in outcomes for name in outcome.changed))
    if not changed:
        return Line("arguments", "passed", "They are left as they were.")
    names = " and ".join(f"`{name}`" for name in changed)
    return Line(
        "arguments",
        "failed",
        f"The call changes {names}, which belong{'s' if len(changed) == 1 else ''} to the caller. An operation in "
        "place (`+=`, `*=`, `out=`, `a[...] =`) writes into the array it was given: write the result to a new array.",
    )


def values(report, part, by_part):
    """Whether the answers of one part's cases equal the reference.

    Parameters
    ----------
    report : Report
    part : str
    by_part : dict of str to list of Outcome

    Returns
    -------
    line : Line
    """
    outcomes = by_part[part]
    if not outcomes:
        return Line(part, "failed", "Not tried, since a call before did not return.")
    for outcome in outcomes:
        difference = outcome.problem or differs(report, outcome)
        if difference:
            also = [] if part == ORDINARY else by_part[ORDINARY]
            mistake = recognise(report.exercise, [*also, *outcomes])
            words = f"{mistake.words}\n{difference}" if mistake else difference
            return Line(part, "failed", f"{words}\nThe case: {outcome.case.words}.", mistake and mistake.name)
    tried = "; ".join(outcome.case.words for outcome in outcomes)
    return Line(part, "passed", f"They equal the reference ({tried}).")


def differs(report, outcome):
    """Where an answer first differs from the reference.

    Parameters
    ----------
    report : Report
    outcome : Outcome
        With an answer.

    Returns
    -------
    words : str or None
        None when it doesn't.
    """
    exercise = report.exercise
    for output, got, want in zip(exercise.leaves, outcome.answer, outcome.expected, strict=True):
        words = first_difference(output, got, want, not report.hidden, exercise.tolerance)
        if words:
            if outcome.case.part != SINGLE and got.dtype in (np.float16, np.float32):
                words += f" It is of dtype {got.dtype}, which keeps fewer digits than the arguments' float64."
            return words
    return None


def recognise(exercise, outcomes):
    """The catalogued mistake whose variant gives the same answers.

    Parameters
    ----------
    exercise : Exercise
    outcomes : list of Outcome

    Returns
    -------
    mistake : Mistake or None
    """
    if any(outcome.answer is None for outcome in outcomes):
        return None
    # What is kept aside for later functions decides where the rest is right; else it may be wrong in more ways.
    counted = [not output.aside for output in exercise.leaves]
    if outcomes[0].kind == "form" or all(
        same(chosen(o.answer, counted), chosen(o.expected, counted), exercise.tolerance) for o in outcomes
    ):
        counted = None
    for mistake in exercise.mistakes:
        if all(agrees(exercise, mistake, outcome, counted) for outcome in outcomes):
            return mistake
    return None


def chosen(arrays, counted):
    """Those of the arrays that count; all where nothing is said.

    Parameters
    ----------
    arrays : tuple of arrays
    counted : list of bool, or None

    Returns
    -------
    arrays : tuple of arrays
    """
    return arrays if counted is None else tuple(a for a, counts in zip(arrays, counted, strict=True) if counts)


def agrees(exercise, mistake, outcome, counted):
    """Whether a wrong variant gives the answer that came back.

    Parameters
    ----------
    exercise : Exercise
    mistake : Mistake
    outcome : Outcome
        With an answer.
    counted : list of bool, or None
        Which arrays are compared.

    Returns
    -------
    agree : bool
        False also where the variant stops with an exception.
    """
    try:
        wrong = exercise.arrays(mistake.variant(*outcome.case.copies()))
    except (ValueError, IndexError):
        return False
    if len(wrong) != len(outcome.answer):
        return False
    return same(chosen(outcome.answer, counted), chosen(wrong, counted), exercise.tolerance)


def repetition(fn, exercise, outcomes):
    """Whether a call on other numbers leaves an earlier answer as it was, and the same call gives that answer again.

    Parameters
    ----------
    fn : function
    exercise : Exercise
    outcomes : list of Outcome
        Of all calls so far.

    Returns
    -------
    line : Line
    """
    first = outcomes[0]
    if outcomes[-1].problem and outcomes[-1].kind in ("endless", "unwritten"):
        return Line("repetition", "failed", "Not tried, since a call before did not return.")
    flipped = {name: each_array(lambda a: np.flip(a, 0), value) for name, value in first.case.args.items()}
    calls.call(fn, exercise, Case(ORDINARY, "the same numbers in another order", flipped))
    returned = fn.now(first) if isinstance(fn, calls.Remote) else first.returned
    if not same(exercise.arrays(returned), first.answer):
        return Line(
            "repetition",
            "failed",
            "A later call changes the array that an earlier one gave back: both are the same array. Make a new one in "
            "each call.",
        )
    again = calls.call(fn, exercise, first.case)
    if again.answer is None or not same(again.answer, first.answer):
        return Line(
            "repetition",
            "failed",
            "Called again with the same arguments, it gives another answer. Something is kept between calls (a global "
            "name, a default argument that is changed, an attribute) or drawn at random.",
        )
    return Line("repetition", "passed", "The same arguments give the same answer again; nothing is kept between calls.")


def dtype(report, by_part):
    """Whether an answer is as precise as the arguments, and tokens are integers; no line where there is nothing to say.

    Parameters
    ----------
    report : Report
    by_part : dict of str to list of Outcome

    Yields
    ------
    line : Line
    """
    outputs = report.exercise.leaves
    wide = [o.answer for part, outcomes in by_part.items() if part != SINGLE for o in outcomes if o.problem is None]
    if any(a.dtype == np.float32 and not o.integer for answer in wide for o, a in zip(outputs, answer, strict=True)):
        words = "float64 arguments give float32, which keeps half as many digits. Something made with `np.float32`, as "
        yield Line("dtype", "failed", words + "in `np.zeros(shape, dtype=np.float32)`, is narrower than they are.")
        return
    if any(output.integer for output in outputs):
        answers = by_part[ORDINARY][0].answer
        wrong = [(o, a.dtype) for o, a in zip(outputs, answers, strict=True) if o.integer and a.dtype.kind not in "iu"]
        if wrong and not wrong[0][0].axes:
            words = f"`{wrong[0][0].name}` counts something, and should be an integer; this is of dtype {wrong[0][1]}. "
            yield Line("dtype", "failed", words + "`//` drops the rest of a division, and `int()` a fraction.")
        elif wrong:
            words = f"Tokens are indices, and should be integers; these are of dtype {wrong[0][1]}. "
            yield Line("dtype", "failed", words + "`np.zeros` and its like make integers with `dtype=int`.")
        else:
            numbers = [f"`{o.name}`" for o in outputs if o.integer and not o.axes]
            words = f"{' and '.join(numbers)} is an integer." if numbers else "Tokens are integers."
            yield Line("dtype", "passed", words)
    if SINGLE not in by_part:
        return
    for outcome in by_part[SINGLE]:
        if outcome.problem:
            yield Line("dtype", "failed", f"With float32 arguments: {outcome.problem}")
            return
        wider = [a.dtype for o, a in zip(outputs, outcome.answer, strict=True) if o.axes and a.dtype != np.float32]
        if wider:
            words = f"float32 arguments give {wider[0]}. Something made without a dtype, such as `np.zeros(shape)`, is "
            yield Line("dtype", "failed", words + "wider than they are: give it the `dtype` of the arguments.")
            return
        difference = differs(report, outcome)
        if difference:
            yield Line("dtype", "failed", f"With float32 arguments the values are wrong. {difference}")
            return
    if by_part[SINGLE]:
        yield Line("dtype", "passed", "float32 arguments give float32.")
    else:
        yield Line("dtype", "failed", "Not tried, since a call before did not return.")


def warned(outcomes):
    """Whether the function's code runs without warnings.

    Parameters
    ----------
    outcomes : list of Outcome

    Returns
    -------
    line : Line
    """
    for outcome in outcomes:
        if outcome.warned:
            words = f"Python warns while it runs ({outcome.case.words}). {outcome.warned[0]}"
            words += f"\n{OVERFLOW}" if "overflow encountered in exp" in outcome.warned[0] else ""
            return Line("warnings", "failed", words)
    return Line("warnings", "passed", "There are none.")


def printed(outcomes):
    """A note when the function prints; it costs nothing.

    Parameters
    ----------
    outcomes : list of Outcome

    Yields
    ------
    line : Line
    """
    count = sum(outcome.lines_printed for outcome in outcomes)
    beginning = next((outcome.printed for outcome in outcomes if outcome.printed.strip()), "")
    if beginning:
        first = beginning.strip().splitlines()[0]
        yield Line(
            "output",
            "note",
            f"The function prints, {count} line{'' if count == 1 else 's'} in {len(outcomes)} calls; it costs nothing, "
            f"but take it out when you are done. It begins:\n    {first}",
        )
