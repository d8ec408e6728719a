"""The embedded Reber grammar: its strings, what may follow each symbol, and the rules by which papers judge."""

import itertools

import numpy as np
import pytest

from rnnlib import LSTM, Dense, Network
from rnnlib.losses import cross_entropy
from rnnlib.optim import Adam
from rnnlib.tasks.reber import (
    POSSIBLE,
    SYMBOLS,
    accepts,
    encode,
    judge,
    most_active,
    streams,
    strings,
    training_and_test,
    within,
)
from rnnlib.training import fit

#: The inner grammar as its graph is drawn in the literature (Cleeremans et al. 1989), written apart from the library.
INNER = {
    "start": [("T", "s"), ("P", "t")],
    "s": [("S", "s"), ("X", "x")],
    "t": [("T", "t"), ("V", "v")],
    "x": [("X", "t"), ("S", "end")],
    "v": [("P", "x"), ("V", "end")],
}


def inner_strings(longest):
    """Every string of the inner grammar up to a length."""
    found, open_ends = set(), [("B", "start")]
    while open_ends:
        string, node = open_ends.pop()
        for symbol, after in INNER[node]:
            if after == "end":
                found.add(string + symbol + "E")
            elif len(string) + 2 < longest:
                open_ends.append((string + symbol, after))
    return {string for string in found if len(string) <= longest}


def test_exactly_the_grammars_strings_are_accepted():
    wanted = {f"B{x}{inner}{x}E" for inner in inner_strings(7) for x in "TP"}
    inner = ["".join(symbols) for n in range(3, 6) for symbols in itertools.product("TPSXV", repeat=n)]
    tried = [f"B{x}B{middle}E{y}E" for middle in inner for x in "TP" for y in "TP"]
    assert {string for string in tried if accepts(string)} == wanted
    assert {"BTBTXSETE", "BPBPVVEPE"} < wanted and len(wanted) > 10


def test_every_drawn_string_is_accepted_and_a_changed_one_is_not():
    for string in strings(300, rng=np.random.default_rng(0)):
        assert accepts(string)
        other = {"T": "P", "P": "T"}[string[1]]
        assert not accepts(string[:-2] + other + "E")  # the long lag: the second symbol comes back
        assert not accepts(string[:1] + other + string[2:])
        assert not accepts(string[:-1]) and not accepts(string + "B") and not accepts(string[1:])
    assert not accepts("") and not accepts("BTBTXSETEX")


def test_branches_are_taken_evenly_and_the_mean_length_is_12():
    drawn = strings(20_000, rng=np.random.default_rng(1))
    share = np.mean([string[1] == "T" for string in drawn])
    inner_share = np.mean([string[3] == "T" for string in drawn])
    assert abs(share - 0.5) < 0.015 and abs(inner_share - 0.5) < 0.015
    # Let e_n be the symbols still to come from a node: s = 1 + s/2 + x/2, t = 1 + t/2 + v/2, x = 1 + t/2 + 1/2,
    # v = 1 + x/2 + 1/2 give x = 13/3, t = 17/3, s = 19/3: the inner string has 2 + (s + t)/2 = 8, the embedded one 12.
    lengths = np.array([len(string) for string in drawn])
    assert abs(lengths.mean() - 12) < 4 * lengths.std() / np.sqrt(len(drawn))
    assert lengths.min() == 9


def test_a_stream_is_strings_without_a_mark():
    symbols, states = streams(5000, 3, rng=np.random.default_rng(2))
    for b in range(3):
        text = "".join(SYMBOLS[k] for k in symbols[:, b])
        pieces, rest = [], text
        while True:
            lengths = [n for n in range(9, len(rest) + 1) if rest[n - 1] == "E" and accepts(rest[:n])]
            if not lengths:
                break
            pieces.append(rest[: lengths[0]])
            rest = rest[lengths[0] :]
        assert "".join(pieces) + rest == text and len(rest) < 100 and len(pieces) > 300
        ends = np.cumsum([len(piece) for piece in pieces]) - 1
        np.testing.assert_array_equal(states[ends, b], 19)


def test_what_comes_is_among_what_may_come_and_both_branches_come():
    symbols, states = streams(20_000, 1, rng=np.random.default_rng(3))
    may = POSSIBLE[states[:-1, 0]]
    assert may[np.arange(len(may)), symbols[1:, 0]].all()
    assert set(may.sum(axis=1)) == {1, 2}
    for state in range(1, 20):  # 0 is before a stream's first symbol
        after = symbols[1:, 0][states[:-1, 0] == state]
        shares = np.bincount(after, minlength=7) / len(after)
        np.testing.assert_allclose(shares, POSSIBLE[state] / POSSIBLE[state].sum(), atol=0.08)


def test_a_stream_in_pieces_is_the_stream():
    symbols, states = streams(50, 4, rng=np.random.default_rng(4))
    rng = np.random.default_rng(4)
    first, first_states = streams(20, 4, rng=rng)
    second, second_states = streams(30, 4, rng=rng, states=first_states[-1])
    np.testing.assert_array_equal(np.concatenate([first, second]), symbols)
    np.testing.assert_array_equal(np.concatenate([first_states, second_states]), states)
    again, _ = streams(50, 4, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(again, symbols)
    assert (symbols != streams(50, 4, rng=np.random.default_rng(5))[0]).any()


def test_training_and_test_share_no_string():
    training, test = training_and_test(rng=np.random.default_rng(6))
    assert len(training) == len(test) == 256 and not set(training) & set(test)
    assert training == training_and_test(rng=np.random.default_rng(6))[0]


def test_a_batch_by_hand():
    xs, targets, lengths, possible = encode(["BTBTXSETE", "BPBTSXSEPE"])
    assert xs.shape == possible.shape == (9, 2, 7) and lengths.tolist() == [8, 9]
    assert "".join(SYMBOLS[k] for k in xs[:8, 0].argmax(axis=-1)) == "BTBTXSET"
    assert "".join(SYMBOLS[k] for k in targets[:, 1]) == "PBTSXSEPE"
    may = ["".join(SYMBOLS[k] for k in row.nonzero()[0]) for row in possible[:, 0]]
    assert may == ["TP", "B", "TP", "SX", "SX", "E", "T", "E", ""]
    np.testing.assert_array_equal(xs[8, 0], 0)
    one = encode(["BTBTXSETE"], np.float32)
    assert one[0].dtype == one[3].dtype == np.float32
    for array, batch in zip((one[0], one[1], one[3]), (xs, targets, possible), strict=True):
        np.testing.assert_array_equal(array[:, 0], batch[:8, 0])


def test_the_rule_of_1997_looks_at_the_order():
    possible = np.array([0, 1, 1, 0, 0, 0, 0])
    assert most_active(np.array([0, 0.2, 0.2, 0.1, 0, 0, 0]), possible)
    assert not most_active(np.array([0, 0.2, 0.3, 0.2, 0, 0, 0]), possible)  # as active is not more active
    assert not most_active(np.array([0.5, 0.9, 0.1, 0, 0, 0, 0]), possible)


def test_the_rule_of_2000_looks_at_every_error():
    possible = np.array([1, 0, 0, 0, 0, 0, 0])
    ys = np.array([0.511, 0.489, 0, 0, 0, 0, 0])
    assert within(ys, possible)
    assert not within(np.array([0.509, 0.489, 0, 0, 0, 0, 0]), possible)
    assert not within(np.array([0.511, 0.491, 0, 0, 0, 0, 0]), possible)


def test_the_verdicts_of_2000():
    right = np.ones((3000, 2), dtype=bool)
    assert judge(right) == ("perfect", 3000.0)
    right[2999, 1] = False
    assert judge(right) == ("good", 2999.5)
    right[0, 1] = False
    right[2000:, 0] = False
    assert judge(right) == ("rest", 1000.0)
    right[2000, 0] = True
    assert judge(right) == ("good", 1000.5)


def test_a_network_takes_the_batch_and_learns_from_it():
    rng = np.random.default_rng(7)
    training = strings(64, rng=rng)
    network = Network([LSTM(7, 12, rng=rng), Dense(12, 7, rng=rng)])
    xs, targets, lengths, possible = encode(training)
    before = most_active(network.forward(xs, lengths=lengths)[0], possible).mean()
    losses = fit(
        network,
        itertools.repeat((xs, targets, lengths)),
        Adam(network.params, 0.02),
        steps=60,
        progress=False,
    )
    logits = network.forward(xs, lengths=lengths)[0]
    assert cross_entropy(logits, targets, lengths) < 0.5 * losses[0]
    assert most_active(logits, possible).mean() > before + 0.2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rng: strings(0, rng=rng), ValueError, "n is 0; it should be an integer of at least 1"),
        (lambda rng: strings(2, rng=3), TypeError, "rng is 3; it should be a Generator"),
        (lambda rng: streams(2, 1, rng=rng, states=[20]), ValueError, r"states is \[20\]; it should be 1 integers"),
        (lambda rng: streams(2, 2, rng=rng, states=[0]), ValueError, "it should be 2 integers from 0 to 19"),
        (lambda rng: encode([]), ValueError, r"strings is \[\]; it should be a list of at least one string"),
        (lambda rng: encode("BTBTXSETE"), ValueError, "strings is 'BTBTXSETE'; it should be a list"),
        (lambda rng: encode(["BTBTXSEPE"]), ValueError, r"strings\[0\] is 'BTBTXSEPE'; it should be a string of the"),
        (lambda rng: encode(["BTBTXSETE"], int), ValueError, "dtype is int64; it should be float32 or float64"),
        (lambda rng: most_active(np.zeros((2, 6)), np.zeros((2, 6))), ValueError, "symbols = 7"),
        (lambda rng: most_active(np.zeros(7), np.zeros((2, 7))), ValueError, r"possible has shape \(2, 7\)"),
        (lambda rng: within(np.zeros(7), np.full(7, 0.5)), ValueError, "possible has another entry than 0 and 1"),
        (lambda rng: judge(np.ones(3)), ValueError, "right has dtype float64"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
