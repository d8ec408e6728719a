"""The experiments on nets that learn online: what is fed to them, how they are judged, and when training ends."""

from itertools import pairwise

import numpy as np
import pytest

from experiments import adding, continual_reber, embedded_reber, long_time_lag, temporal_order
from experiments.at_end import RECENT, TESTED, errors_at_end, joined, mean_and_error, train
from rnnlib.online import OnlineLSTM
from rnnlib.tasks import reber
from rnnlib.tasks.temporal_order import temporal_order as sequences_in_order


class Echo:
    """In place of a net: answers with a function of its inputs, and counts what it is asked."""

    def __init__(self, answer):
        self.answer, self.learned, self.read = answer, 0, 0

    def run(self, xs, targets=None, counts=None, starts=None, lr=0.0, **_):
        self.learned += 0 if targets is None else int(np.sum(counts))
        self.read += len(xs)
        return type("Run", (), {"ys": self.answer(xs), "steps": len(xs)})

    def reset(self):
        pass


# ---- sequences that are asked for one answer, at their end ---------------------------------------------------------


def test_padded_sequences_are_joined_without_the_padding():
    rng = np.random.default_rng(0)
    xs, targets, lengths = rng.normal(size=(5, 3, 2)), rng.normal(size=(3, 1)), np.array([2, 5, 3])
    rows, spread, counts, starts = joined(xs, targets, lengths)
    np.testing.assert_array_equal(rows, np.concatenate([xs[:n, b] for b, n in enumerate(lengths)]))
    assert counts.nonzero()[0].tolist() == [1, 6, 9] and starts.nonzero()[0].tolist() == [0, 2, 7]
    np.testing.assert_array_equal(spread[counts], targets)
    assert not spread[~counts].any()


def test_the_error_is_that_of_the_worst_output_at_the_end():
    xs, lengths = np.zeros((3, 2, 2)), np.array([3, 2])
    xs[2, 0], xs[1, 1], xs[0, 0] = [0.5, 0.1], [0.0, 0.9], [9, 9]
    errors = errors_at_end(Echo(lambda xs: xs), (xs, np.array([[0.4, 0.4], [0.0, 1.0]]), lengths))
    np.testing.assert_allclose(errors, [0.3, 0.1])


def test_what_a_joined_net_learns_is_what_it_learns_one_by_one():
    def net():
        return OnlineLSTM(8, 4, blocks=2, cells=2, rng=np.random.default_rng(1), gates="io", gate_recurrence=True)

    drawn = sequences_in_order(2, 6, rng=np.random.default_rng(2))
    together, alone = net(), net()
    errors = errors_at_end(together, drawn, lr=0.5)
    xs, targets, lengths = drawn
    for b in range(6):
        one = errors_at_end(alone, (xs[:, b : b + 1], targets[b : b + 1], lengths[b : b + 1]), lr=0.5)
        assert one == pytest.approx(errors[b], rel=1e-9)
    np.testing.assert_allclose(together.params["W"], alone.params["W"], rtol=1e-9)


def test_training_ends_when_all_rules_are_met_and_each_is_tested_then():
    asked = []

    def draw(B):
        asked.append(B)
        return np.zeros((2, B, 1)), np.full((B, 1), 0.0), np.full(B, 2)

    rules = {"some": lambda errors: len(errors) >= 300, "all": lambda errors: len(errors) >= RECENT}
    net = Echo(lambda xs: xs + 0.25)
    found = train(net, draw, rules, 0.1, 100_000)
    assert found["some"]["sequences"] == 300 and found["all"]["sequences"] == RECENT
    assert found["end"]["mean_error"] == 0.25 and asked.count(TESTED) == 2 and len(found["all"]["errors"]) == TESTED
    assert net.learned == RECENT, "what a net is tested with it does not learn"
    never = train(Echo(lambda xs: xs), draw, {"never": lambda errors: False}, 0.1, 500)
    assert never["never"] == {"sequences": None, "errors": None}


def test_words_for_a_mean():
    assert mean_and_error([1234]) == "1,234"
    assert mean_and_error([1000, 3000]) == "2,000 ± 1,000"


# ---- Reber strings ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strings():
    return reber.strings(20, rng=np.random.default_rng(3))


def test_strings_are_taken_whole_and_judged_one_by_one(strings):
    data = embedded_reber.Strings([embedded_reber.one_string(string) for string in strings])
    steps, begins = data.take([4, 1])
    assert begins.tolist() == [0, data.lengths[4]] and len(steps) == data.lengths[4] + data.lengths[1]
    np.testing.assert_array_equal(data.xs[steps][: data.lengths[4]], embedded_reber.one_string(strings[4])[0])
    knows = Echo(lambda xs: data.possible[: len(xs)])
    assert data.predicted(knows).all() and data.judged(knows) == {"right": 1.0, "second": 0.0}


def test_a_net_that_forgets_the_second_symbol_alone_is_told_apart(strings):
    data = embedded_reber.Strings([embedded_reber.one_string(string) for string in strings])
    answers, ends = data.possible.copy(), data.starts + data.lengths - 2
    answers[ends[:5]] = 1 - answers[ends[:5]]
    found = data.judged(Echo(lambda xs: answers[: len(xs)]))
    assert found == {"right": 0.75, "second": 0.25}
    answers[data.starts[0]] = 1 - answers[data.starts[0]]  # a second mistake in the first string
    assert data.judged(Echo(lambda xs: answers[: len(xs)]))["second"] == 0.2


def test_the_nets_have_the_papers_numbers_of_weights():
    setting, rng = embedded_reber.of(3, 2, 0.5), np.random.default_rng(0)
    assert embedded_reber.lstm(setting, rng).count_parameters() == 276
    assert embedded_reber.lstm(embedded_reber.of(4, 1, 0.5), rng).count_parameters() == 264
    assert temporal_order.trial(temporal_order.of(2, 0.5, 100), 0, "cpu")["weights"] == 156
    assert temporal_order.trial(temporal_order.of(3, 0.1, 100), 0, "cpu")["weights"] == 308
    assert adding.trial(adding.online("adding", 20, 100, "sigmoid"), 0, "cpu")["weights"] == 93
    assert long_time_lag.trial(long_time_lag.two(20, 3, 500), 0, "cpu")["weights"] == 102


@pytest.mark.parametrize(
    ("lengths", "verdict"),
    [([100] * 10, "perfect"), ([100] * 9 + [99], "rest"), ([10_000] * 9 + [1], "good"), ([1000] * 10, "rest")],
)
def test_a_net_is_perfect_good_or_the_rest(lengths, verdict):
    assert continual_reber.judge(np.array(lengths), 100 if max(lengths) == 100 else 100_000) == verdict


def test_the_source_gives_whole_strings_and_begins_where_one_begins():
    source = continual_reber.Source(np.random.default_rng(5))
    source.begin()
    xs, possible, first = source.take(3000)
    symbols = "".join(reber.SYMBOLS[k] for k in xs.argmax(axis=1))
    begins = first.nonzero()[0]
    assert begins[0] == 0 and all(symbols[k] == "B" for k in begins)
    for a, b in pairwise(begins):
        assert symbols[a + 1] == symbols[b - 2] and symbols[b - 1] == "E", "the second symbol is the last but one"
        assert possible[b - 1].nonzero()[0].tolist() == [reber.SYMBOLS.index("B")]
    assert all(possible[t, xs[t + 1].argmax()] for t in range(len(xs) - 1))
    source.begin()
    assert source.take(1)[2].all()


def test_prediction_stops_at_the_first_error():
    source = continual_reber.Source(np.random.default_rng(6))
    wrong_from = 137

    class Knows(Echo):
        def run(self, xs, targets=None, counts=None, starts=None, **_):
            ys = np.array(possible[self.read : self.read + len(xs)])
            if self.read <= wrong_from < self.read + len(xs):
                ys[wrong_from - self.read] = 0.5
            self.read += len(xs)
            return type("Run", (), {"ys": ys, "steps": len(xs)})

    ahead = continual_reber.Source(np.random.default_rng(6))
    ahead.begin()
    possible = np.concatenate([ahead.take(64)[1], ahead.take(128)[1], ahead.take(256)[1]])
    assert continual_reber.predict(Knows(None), source, 400, False) == wrong_from


# ---- the long time lag -----------------------------------------------------------------------------------------------


def test_the_two_sequences_of_task_2a_differ_in_their_first_symbol_and_their_last_target_alone():
    inputs, targets = long_time_lag.both(6)
    assert inputs.shape == targets.shape == (2, 6, 7)
    assert (inputs[0] != inputs[1]).any(axis=1).tolist() == [True] + [False] * 5
    assert (targets[0] != targets[1]).any(axis=1).tolist() == [False] * 5 + [True]
    np.testing.assert_array_equal(targets[:, -1], inputs[:, 0])
    np.testing.assert_array_equal(targets[:, :-1], inputs[:, 1:])


def test_a_guess_at_the_end_is_judged_by_its_worst_output():
    sequences = long_time_lag.both(6)
    inputs, targets = sequences
    worst, last = long_time_lag.judged(lambda xs: targets[0], sequences)
    assert (worst, last) == (1.0, 1.0)
    assert long_time_lag.judged(lambda xs: targets[int((xs != inputs[0]).any())], sequences) == (0.0, 0.0)
