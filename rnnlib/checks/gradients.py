"""A gradient compared with what knows nothing of its derivation: differences of the student's forward, and PyTorch.

Neither line costs points: the comparison with the reference does. They say where to look. A gradient that agrees with
the differences of a wrong forward is right for that forward; one that is right beside a wrong forward is not charged
with it.
"""

import numpy as np

from rnnlib.checks import calls
from rnnlib.checks.cases import ORDINARY, Case
from rnnlib.checks.compare import first_difference, listed, same
from rnnlib.checks.exercises import named
from rnnlib.checks.lines import Line

#: Distance between the two points of a difference, and how far a gradient may be from it, relative to its norm. In
#: float64 the error of differences is about 1e-9 here. A gradient in float32 may be as far as it may be from right.
STEP, CLOSE = 1e-5, {"float64": 1e-6, "float32": 1e-3}
#: Directions in which each tensor is moved.
DIRECTIONS = 2


def against_differences(exercise, outcome, own, right):
    """Compare the gradient with central differences of the student's own forward function, tensor by tensor.

    Parameters
    ----------
    exercise : Exercise
        With `gradient_of`.
    outcome : Outcome
        Of a case with `forward` and `upstream`, with an answer.
    own : function or None
        The student's forward function; the course's where there is none, or where it does not run.
    right : bool
        Whether the answer equals the reference.

    Returns
    -------
    line : Line
    """
    case, name = outcome.case, exercise.gradient_of
    forward = named(name)
    if getattr(own, "lent", False):
        own = None
    theirs = calls.call(own, forward, Case(ORDINARY, case.words, case.forward)) if own else None
    # Differences of a forward in float32 would be noise.
    usable = theirs is not None and theirs.problem is None and all(a.dtype == np.float64 for a in theirs.answer)
    fn, whose = (own, "your") if usable else (forward.reference, "the course's")
    wrong = _disagreeing(fn, exercise, forward, outcome)
    shifted = usable and not same(_main(forward, theirs.answer), _main(forward, theirs.expected))
    if not wrong:
        words = f"Central differences of {whose} `{name}` agree, tensor by tensor."
        if right:
            return Line("differences", "passed", words)
        if shifted:
            words += (
                f" So this is the gradient of your `{name}`; but that function gives other values than it should. Mend "
                "it first: its own check says more."
            )
        return Line("differences", "note", words)
    if shifted:
        words = (
            f"Your `{name}` gives other values than it should, so its differences say nothing of this gradient. Its "
            "own check says more; nothing is charged for it here."
        )
        return Line("differences", "note", words)
    words = f"Central differences of {whose} `{name}` disagree with {listed([f'`{output}`' for output in wrong])}"
    fine = [
        f"`{output.name}`" for output, _ in zip(exercise.leaves, case.forward, strict=False) if output.name not in wrong
    ]
    words += f", and agree with {listed(fine)}." if fine else "."
    return Line("differences", "failed", words)


def against_torch(exercise, outcome):
    """Compare the gradient with PyTorch's, by autograd of the same equations, on the GPU where there is one.

    Parameters
    ----------
    exercise : Exercise
        With `gradient_of`.
    outcome : Outcome
        With an answer.

    Yields
    ------
    line : Line
        A note where PyTorch is not installed.
    """
    try:
        from rnnlib.checks import in_torch
    except (ImportError, OSError):
        yield Line("PyTorch", "note", "Left out: PyTorch is not installed here.")
        return
    expected, device = in_torch.gradients(exercise.gradient_of, outcome.case)
    for output, got, want in zip(exercise.leaves, outcome.answer, expected, strict=False):
        words = first_difference(output, got, want, reveal=True)
        if words:
            yield Line("PyTorch", "note", f"Autograd of the same equations in PyTorch differs. {words}")
            return
    yield Line("PyTorch", "passed", f"It equals autograd of the same equations in PyTorch, on {device}.")


def _disagreeing(fn, exercise, forward, outcome):
    """Names of the tensors by which the gradient is not the slope between points to either side."""
    case = outcome.case
    pairs = list(zip(exercise.leaves, case.forward, outcome.answer, strict=False))
    directions, around = [], []
    for _, key, _ in pairs:
        rng = np.random.default_rng(0)
        directions.append([rng.standard_normal(case.forward[key].shape) for _ in range(DIRECTIONS)])
        for direction in directions[-1]:
            for step in (STEP, -STEP):
                arguments = dict(case.forward, **{key: case.forward[key] + step * direction})
                around.append(Case(ORDINARY, case.words, arguments))
    # All in one go, since a call may have to cross to another process.
    losses = [_loss(forward, case, each) for each in calls.call_each(fn, forward, around)]
    losses = iter(losses + [np.nan] * (len(around) - len(losses)))
    wrong = []
    for (output, _, gradient), moved in zip(pairs, directions, strict=True):
        close = CLOSE["float32" if gradient.dtype == np.float32 else "float64"]
        for direction in moved:
            slope = (next(losses) - next(losses)) / (2 * STEP)
            claimed = (gradient * direction).sum()
            if not abs(slope - claimed) <= close * max(1.0, np.linalg.norm(gradient)) and output.name not in wrong:
                wrong.append(output.name)
    return wrong


def _loss(forward, case, outcome):
    """The sum of what comes out times the gradient that reaches it; not-a-number where the function fails."""
    if outcome.answer is None:
        return np.nan
    outputs = _main(forward, outcome.answer)
    return sum((out * up).sum() for out, up in zip(outputs, case.upstream, strict=True) if up is not None)


def _main(exercise, arrays):
    return tuple(a for a, output in zip(arrays, exercise.leaves, strict=True) if not output.aside)
