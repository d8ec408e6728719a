"""The embedded Reber grammar: strings, their set of possible continuations, and a stream without end."""

import numpy as np

from rnnlib.tasks.criteria import steps_before_error
from rnnlib.validation import check_array, check_dtype, check_generator, check_sizes

#: The seven symbols; a symbol's place is its token and its unit in a one-hot input.
SYMBOLS = "BTPSXVE"

# The inner grammar: from each node, the symbols that may come and the nodes that they lead to. It ends in node 7.
_INNER = [
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
]
_AFTER_FIRST, _BEFORE_LAST, _END = 1, 18, 19


def _automaton():
    """The embedded grammar as states: B, then T or P and a copy of the inner grammar for each, the same letter, E."""
    states = [{"B": _AFTER_FIRST}, {"T": 2, "P": 10}]
    for letter, first in (("T", 2), ("P", 10)):
        states += [{symbol: first + node for symbol, node in arcs.items()} for arcs in _INNER]
        states += [{letter: _BEFORE_LAST}]
    return [*states, {"E": _END}]


_STATES = _automaton()

#: What may come in each of the automaton's states, as 0 and 1, shape (20, 7); a stream goes from its last to its first.
POSSIBLE = np.array([[symbol in arcs for symbol in SYMBOLS] for arcs in [*_STATES, _STATES[0]]], dtype=np.uint8)

# Of each state, the two symbols between which a fair coin decides, and where they lead: twice the same where only
# one may come. The end's state stands for the beginning of the next string.
_CHOICES = [list(arcs.items()) for arcs in [*_STATES, _STATES[0]]]
_SYMBOL = np.array([[SYMBOLS.index(arcs[k % len(arcs)][0]) for k in (0, 1)] for arcs in _CHOICES], dtype=np.uint8)
_NEXT = np.array([[arcs[k % len(arcs)][1] for k in (0, 1)] for arcs in _CHOICES], dtype=np.uint8)


def streams(T, B, *, rng, states=None):
    """Strings one after the other without a mark between them, B streams side by side.

    A stream can be taken in pieces: two calls, the second with the last states of the first, give what one call
    gives with the same Generator. One-hot inputs are ``np.eye(7)[symbols]``, and ``POSSIBLE[states]``, shape
    (T, B, 7), says what may follow each symbol.

    Parameters
    ----------
    T : int
        Symbols of each stream; 100,000 in the paper.
    B : int
        Streams.
    rng : numpy.random.Generator
        Decides at each branch, both ways with probability 1/2.
    states : array of integers, shape (B,), optional
        Where to go on, the last states of a call before; by default each stream begins with a string's first B.

    Returns
    -------
    symbols : array of uint8, shape (T, B)
        Tokens, from 0 to 6.
    states : array of uint8, shape (T, B)
        The automaton's state after each symbol, from 0 to 19.

    Raises
    ------
    TypeError, ValueError
        When a size is less than 1, `rng` no Generator, or `states` not as a call before returned them.

    Source
    ------
    Gers, Schmidhuber and Cummins 2000, section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> symbols, states = streams(24, 1, rng=np.random.default_rng(1))
    >>> "".join(SYMBOLS[k] for k in symbols[:, 0])
    'BTBTXSETEBTBPTVVETEBTBPT'
    >>> POSSIBLE[states[0, 0]].tolist()  # after B: T or P
    [0, 1, 1, 0, 0, 0, 0]
    """
    check_sizes(T=T, B=B)
    check_generator(rng)
    if states is None:
        state = np.zeros(B, dtype=np.uint8)
    else:
        state = np.asarray(states)
        if state.shape != (B,) or state.dtype.kind not in "iu" or (state < 0).any() or (state > _END).any():
            raise ValueError(f"states is {states!r}; it should be {B} integers from 0 to {_END}, as streams gives them")
    symbols, after = np.empty((T, B), dtype=np.uint8), np.empty((T, B), dtype=np.uint8)
    for t, heads in enumerate((rng.random((T, B)) < 0.5).astype(np.intp)):
        symbols[t] = _SYMBOL[state, heads]
        state = _NEXT[state, heads]
        after[t] = state
    return symbols, after


def strings(n, *, rng):
    """Draw strings of the embedded Reber grammar.

    Parameters
    ----------
    n : int
        How many.
    rng : numpy.random.Generator
        Decides at each branch, both ways with probability 1/2.

    Returns
    -------
    strings : list of str
        Each of at least 9 symbols, 12 on average, the second equal to the last but one.

    Raises
    ------
    TypeError, ValueError
        When `n` is less than 1, or `rng` no Generator.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.1.

    Examples
    --------
    >>> import numpy as np
    >>> strings(2, rng=np.random.default_rng(0))
    ['BPBPTTTTTTTVPSEPE', 'BPBPVPXTVPXTTTVVEPE']
    """
    check_sizes(n=n)
    check_generator(rng)
    drawn = []
    for _ in range(n):
        state, string = 0, ""
        while state != _END:
            heads = int(rng.random() < 0.5)
            string += SYMBOLS[_SYMBOL[state, heads]]
            state = _NEXT[state, heads]
        drawn.append(string)
    return drawn


def training_and_test(n=256, *, rng):
    """The paper's two sets: n strings to train on, and n to test on that are not among them.

    Parameters
    ----------
    n : int
        Strings of each set.
    rng : numpy.random.Generator
        Draws them. A string may stand in one set twice, since the paper excludes it between the sets alone.

    Returns
    -------
    training, test : list of str

    Raises
    ------
    TypeError, ValueError
        When `n` is less than 1, or `rng` no Generator.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.1: 256 strings each.

    Examples
    --------
    >>> import numpy as np
    >>> training, test = training_and_test(rng=np.random.default_rng(0))
    >>> len(training), len(test), set(training) & set(test)
    (256, 256, set())
    """
    training = strings(n, rng=rng)
    seen, test = set(training), []
    while len(test) < n:
        test += [string for string in strings(n, rng=rng) if string not in seen]
    return training, test[:n]


def accepts(string):
    """Whether a string belongs to the embedded Reber grammar.

    Parameters
    ----------
    string : str

    Returns
    -------
    belongs : bool

    Examples
    --------
    >>> accepts("BTBPVVETE"), accepts("BTBPVVEPE"), accepts("BTBPVVET")
    (True, False, False)
    """
    state = 0
    for symbol in string:
        if state == _END or symbol not in _STATES[state]:
            return False
        state = _STATES[state][symbol]
    return state == _END


def encode(strings, dtype=np.float64):
    """Strings as a padded batch, each symbol to be predicted from those before it.

    Parameters
    ----------
    strings : sequence of str
        B strings of the grammar.
    dtype : numpy dtype
        Of the inputs and of `possible`.

    Returns
    -------
    xs : array, shape (T, B, 7)
        All symbols but the last E, one-hot; T is the longest string's length minus 1. Padding is 0.
    targets : array of integers, shape (T, B)
        The symbol that comes next, from 0 to 6; 0 where there is padding.
    lengths : array of integers, shape (B,)
        The strings' lengths minus 1.
    possible : array, shape (T, B, 7)
        1 for each symbol that may come next, else 0. Padding is 0.

    Raises
    ------
    ValueError
        When there is no string, one does not belong to the grammar, or the dtype is neither float32 nor float64.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.1: 7 input and 7 output units, an error at every step.

    Examples
    --------
    >>> xs, targets, lengths, possible = encode(["BTBPVVETE", "BPBTSXSEPE"])
    >>> xs.shape, lengths.tolist(), "".join(SYMBOLS[k] for k in targets[:8, 0])
    ((9, 2, 7), [8, 9], 'TBPVVETE')
    >>> [SYMBOLS[k] for k in possible[0, 0].nonzero()[0]]  # after the first B
    ['T', 'P']
    """
    check_dtype(dtype)
    if isinstance(strings, str) or not len(strings):
        raise ValueError(f"strings is {strings!r}; it should be a list of at least one string of the grammar")
    for b, string in enumerate(strings):
        if not accepts(string):
            raise ValueError(f"strings[{b}] is {string!r}; it should be a string of the embedded Reber grammar")
    lengths = np.array([len(string) - 1 for string in strings])
    T, B = lengths.max(), len(strings)
    xs, possible = np.zeros((T, B, len(SYMBOLS)), dtype=dtype), np.zeros((T, B, len(SYMBOLS)), dtype=dtype)
    targets = np.zeros((T, B), dtype=np.int64)
    for b, string in enumerate(strings):
        tokens, state = [SYMBOLS.index(symbol) for symbol in string], 0
        for t, token in enumerate(tokens[:-1]):
            state = _STATES[state][string[t]]
            xs[t, b, token], targets[t, b], possible[t, b] = 1, tokens[t + 1], POSSIBLE[state]
    return xs, targets, lengths, possible


def most_active(ys, possible):
    """Where a prediction is right by the rule of 1997: the symbols that may follow are the most active units.

    Parameters
    ----------
    ys : array of float32 or float64, shape (..., 7)
        Outputs, or logits, since only their order counts.
    possible : array, shape (..., 7)
        What may follow, from `encode` or ``POSSIBLE[states]``.

    Returns
    -------
    right : array of bool, shape (...)
        Whether each symbol that may follow is above each that may not. Padding, where none may, is right.

    Raises
    ------
    TypeError, ValueError
        When an argument's type, shape, dtype or an entry is wrong; the message names it.

    Source
    ------
    Hochreiter and Schmidhuber 1997, section 5.1. A trial succeeds when all predictions for all strings of both sets
    are right.

    Examples
    --------
    >>> import numpy as np
    >>> ys = np.array([[0.1, 0.4, 0.5, 0.2, 0.0, 0.0, 0.0], [0.1, 0.4, 0.2, 0.3, 0.0, 0.0, 0.0]])
    >>> most_active(ys, np.array([[0, 1, 1, 0, 0, 0, 0]] * 2)).tolist()
    [True, False]
    """
    may = _check(ys, possible)
    lowest_right = np.where(may, ys, np.inf).min(axis=-1)
    return lowest_right > np.where(may, -np.inf, ys).max(axis=-1)


def within(ys, possible, tolerance=0.49):
    """Where a prediction is right by the rule of 2000: every output is near 1 or 0, as its symbol may follow or not.

    Parameters
    ----------
    ys : array of float32 or float64, shape (..., 7)
        Outputs, from 0 to 1.
    possible : array, shape (..., 7)
        What may follow, from `encode` or ``POSSIBLE[states]``.
    tolerance : float
        The absolute error of every output should be below it.

    Returns
    -------
    right : array of bool, shape (...)

    Raises
    ------
    TypeError, ValueError
        When an argument's type, shape, dtype or an entry is wrong; the message names it.

    Source
    ------
    Gers, Schmidhuber and Cummins 2000, section 4.1, which was not seen. Notes on the paper have the tolerance and speak
    of the squared error; notes on Gers, Schraudolph and Schmidhuber 2002 have the same for the absolute error, which
    is taken here. Both symbols that may follow then have the target 1: with one target of 1 the best output at a
    branch is 1/2, an error of more than 0.49.

    Examples
    --------
    >>> import numpy as np
    >>> ys = np.array([0.1, 0.52, 0.9, 0.2, 0.0, 0.0, 0.4])
    >>> bool(within(ys, np.array([0, 1, 1, 0, 0, 0, 0]))), bool(within(ys, np.array([0, 0, 1, 0, 0, 0, 0])))
    (True, False)
    """
    may = _check(ys, possible)
    return (np.abs(ys - may) < tolerance).all(axis=-1)


def judge(right):
    """What a network is worth that was tested on streams: perfect, good, or the rest.

    Parameters
    ----------
    right : array of bool, shape (T, B)
        Where its predictions are right; 10 streams of 100,000 symbols in the paper.

    Returns
    -------
    verdict : str
        ``"perfect"`` when every stream is predicted to its end, ``"good"`` when the streams' steps before the first
        error are more than 1,000 on average, else ``"rest"``.
    length : float
        That average.

    Raises
    ------
    TypeError, ValueError
        When `right` is no array of bool, or has no step.

    Source
    ------
    Gers, Schmidhuber and Cummins 2000, table 2.

    Examples
    --------
    >>> import numpy as np
    >>> right = np.ones((100_000, 10), dtype=bool)
    >>> judge(right)
    ('perfect', 100000.0)
    >>> right[500, :] = False
    >>> judge(right)
    ('rest', 500.0)
    """
    steps = steps_before_error(right)
    length = float(steps.mean())
    if (steps == len(right)).all():
        return "perfect", length
    return "good" if length > 1000 else "rest", length


def _check(ys, possible):
    """Raise unless the arguments fit; which symbols may follow, as bool."""
    check_array("ys", ys, {**{f"axis {i}": None for i in range(np.ndim(ys) - 1)}, "symbols": len(SYMBOLS)})
    may = np.asarray(possible)
    if may.shape != ys.shape:
        raise ValueError(f"possible has shape {may.shape}; it should be {ys.shape}, that of ys")
    if not np.isin(may, (0, 1)).all():
        raise ValueError("possible has another entry than 0 and 1; it should say for each symbol whether it may follow")
    return may.astype(bool)
