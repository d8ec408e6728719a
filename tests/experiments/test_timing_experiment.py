"""Timing: nets side by side are nets alone, a stream counts to its first error, and a test ends with the last net."""

import numpy as np
import pytest

from experiments import timing
from experiments.timing import before_error, clipped, draw, findings, of, side_by_side, until_error
from rnnlib import Dense, Network, PeepholeLSTM


def alone(network, k, nets, peepholes):
    """Net k of a network of nets, by itself."""
    options = {"input_activation": "identity", "output_activation": "identity", "peepholes": peepholes}
    one = Network(
        [PeepholeLSTM(1, 1, rng=np.random.default_rng(0), **options), Dense(1, 1, rng=np.random.default_rng(0))]
    )
    for name, p in one.params.items():
        whole = network.params[name]
        whole = whole[[k]] if whole.ndim > 1 and whole.shape[0] == nets else whole
        p[...] = whole[..., k::nets]
    return one


@pytest.mark.parametrize(("peepholes", "weights"), [(True, 17), (False, 14)])
def test_nets_side_by_side_give_and_learn_what_each_does_alone(peepholes, weights):
    nets, rng = 3, np.random.default_rng(4)
    network, there = side_by_side(nets, peepholes, {"f": 2.0, "o": -2.0}, rng)
    assert [sum((owner == k).sum() for owner in there.values()) for k in range(nets)] == [weights] * nets
    assert network.layers[0].params["b"][nets : 2 * nets].tolist() == [2.0] * nets
    assert network.layers[0].params["b"][3 * nets :].tolist() == [-2.0] * nets
    xs, dys = rng.normal(size=(9, 2, 1)), rng.normal(size=(9, 2, nets))
    ys, _ = network.forward(xs)
    network.backward(dys)
    grads = clipped(network.grads, there, nets)
    for k in range(nets):
        one = alone(network, k, nets, peepholes)
        np.testing.assert_allclose(one.forward(xs)[0][..., 0], ys[..., k], rtol=1e-12)
        one.backward(dys[..., [k]])
        norm = np.sqrt(sum((g**2).sum() for g in one.grads.values()))
        assert norm > 1
        for name, g in one.grads.items():
            mine = grads[name][there[name] == k]
            np.testing.assert_allclose(mine, (g / norm).ravel(), rtol=1e-9, atol=1e-15)
    assert all((g[there[name] == nets] == 0).all() for name, g in grads.items())


def test_a_small_gradient_is_left_as_it_is():
    there = {"a": np.array([0, 1, 2])}
    assert clipped({"a": np.array([0.5, 4.0, 9.0])}, there, 2)["a"].tolist() == [0.5, 1.0, 0.0]


def test_a_stream_counts_where_it_is_judged_to_its_first_error_for_each_net():
    ys = np.array([[0.6, 0.0], [0.1, 0.0], [0.6, 0.5], [0.0, 0.0]])[:, None]
    judged = np.array([False, True, True, True])[:, None]
    counts = until_error(ys, np.zeros((4, 1, 1)), judged, 0.55)[:, 0]
    assert counts.T.tolist() == [[False, True, True, False], [False, True, True, True]]


def test_what_ends_a_spike_or_a_period():
    rng = np.random.default_rng(1)
    xs, targets, judged, ends = draw("PFG", 10, 3, 2, rng)
    assert ends[:, 0].nonzero()[0].tolist() == [9, 19, 29] and judged.all() and not xs.any()
    ys = targets[:, :1].copy()
    ys[25] += 0.3
    assert before_error(ys, targets[:, :1], judged[:, :1], ends[:, :1], 0.3) == 2
    for task in ("MSD", "GTS"):
        xs, targets, judged, ends = draw(task, 5, 7, 1, rng)
        assert ends.sum() == 7 and ends[-1, 0]
        assert before_error(targets, targets, judged, ends, 0.49) == 7


def test_a_test_counts_to_each_nets_error_and_goes_on_for_no_other():
    stream = draw("GTS", 5, 100, 1, np.random.default_rng(2))
    targets, ends, seen = stream[1], stream[3], []
    wrong_at = [None, 130, 20]

    class Told:
        """Gives the targets, but for an error of net 1 and of net 2."""

        def forward(self, xs, states=None):
            start = seen[-1][1] if seen else 0
            seen.append((start, start + len(xs), None if states is None else states[0][0].tolist()))
            ys = np.repeat(targets[start : start + len(xs)], 3, axis=-1)
            for k, at in enumerate(wrong_at):
                if at is not None and start <= at < start + len(xs):
                    ys[at - start, :, k] += 0.5
            return ys, [(np.ones(3), np.ones(3)), None]

    right, first = timing.test(Told(), np.positive, *stream, np.array([False, True, True]), 0.49)
    assert right.tolist() == [0, ends[:130].sum(), ends[:20].sum()]
    assert seen == [(0, 60, None), (60, 120, [0.0, 1.0, 0.0]), (120, 180, [0.0, 1.0, 0.0])]
    assert first.shape == (60, 3)


def test_a_net_that_is_right_for_a_whole_test_is_told():
    found = timing.trial(of("GTS", 2, True, most=300, nets=10), 0, "cpu")
    assert found["weights"] == 17 and len(found["streams"]) == len(found["right"]) == 10
    for streams, right in zip(found["streams"], found["right"], strict=True):
        assert (streams is not None) == (right == timing.TESTED)
    assert any(found["streams"])
    assert len(found["example"]["targets"]) == len(found["example"]["outputs"]) == timing.PART


@pytest.mark.parametrize(
    ("task", "nets", "agrees"),
    [
        ("GTS", (3, 0), True),
        ("GTS", (3, 1), False),
        ("GTS", (0, 0), False),
        ("MSD", (1, 2), True),
        ("MSD", (4, 0), False),
        ("PFG", (2, 1), True),
        ("PFG", (0, 2), False),
    ],
)
def test_what_is_found(task, nets, agrees):
    trials = {
        f"{task}, F = 10{end}": [{"streams": [80] * n + [None] * (5 - n)}]
        for end, n in zip((timing.WITH, timing.WITHOUT), nets, strict=True)
    }
    (told,) = findings(trials)
    assert told["agrees"] is agrees
    assert told["here"] == f"{nets[0]} of 5 nets with peepholes, {nets[1]} of 5 without"


def test_the_nets_that_learn_as_quoted_are_told_apart():
    (told,) = findings({"MSD, F = 10, online": [{"streams": [None]}, {"streams": [None]}]})
    assert told["agrees"] is False and told["here"] == "0 of 2 nets"
    found = timing.trial(timing.quoted("MSD") | {"most": 200}, 0, "cpu")
    assert found["weights"] == 17 and found["streams"] == [None]
