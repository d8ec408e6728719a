"""Spikes and curves: the delay is the time between spikes, and nothing else tells it."""

import numpy as np
import pytest

from rnnlib import Dense, Network, PeepholeLSTM
from rnnlib.losses import mean_squared_error
from rnnlib.tasks.timing import periodic_function, spike_delays, spikes_before_error, timed_spikes


def test_a_target_is_the_time_since_the_spike_before():
    F = 10
    xs, targets, lengths, judged = spike_delays(F, 200, 5, rng=np.random.default_rng(0), delays=(0, 1, 3))
    assert xs.shape == targets.shape == (lengths.max(), 5, 1)
    np.testing.assert_array_equal(judged, xs[:, :, 0] == 1)
    np.testing.assert_array_equal(targets[~judged], 0)
    late = []
    for b in range(5):
        at = np.flatnonzero(xs[:, b, 0]) + 1
        assert len(at) == 200 and at[-1] == lengths[b]
        late.append(np.diff(at, prepend=0) - F)
        np.testing.assert_array_equal(targets[at - 1, b, 0], late[-1])
    np.testing.assert_allclose(np.bincount(np.ravel(late)) / 1000, [1 / 3, 1 / 3, 0, 1 / 3], atol=0.06)


def test_a_spike_is_to_be_made_when_the_input_says():
    F = 7
    xs, targets, lengths, judged = timed_spikes(F, 100, 4, rng=np.random.default_rng(1), delays=(0, 1, 2))
    for b in range(4):
        at = np.flatnonzero(targets[:, b, 0]) + 1
        assert len(at) == 100 and at[-1] == lengths[b]
        for before, spike in zip([0, *at[:-1]], at, strict=True):
            assert set(xs[before:spike, b, 0]) == {spike - before - F}  # the delay, at every step up to the spike
        assert judged[: lengths[b], b].all() and not judged[lengths[b] :, b].any()
        np.testing.assert_array_equal(xs[lengths[b] :, b], 0)


def test_both_tasks_have_the_same_spikes():
    measured = spike_delays(5, 9, 3, rng=np.random.default_rng(2))
    made = timed_spikes(5, 9, 3, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(measured[0], made[1])
    np.testing.assert_array_equal(measured[2], made[2])
    other = spike_delays(5, 9, 3, rng=np.random.default_rng(3))
    assert other[0].shape != measured[0].shape or (other[0] != measured[0]).any()


def test_the_curves_by_hand():
    def curve(shape):
        return periodic_function(shape, 10, 21)[1][:, 0, 0]

    np.testing.assert_allclose(curve("cosine")[:6], [(1 - np.cos(k * np.pi / 5)) / 2 for k in range(6)])
    np.testing.assert_allclose(curve("triangle")[:11], [0, 0.2, 0.4, 0.6, 0.8, 1, 0.8, 0.6, 0.4, 0.2, 0])
    np.testing.assert_array_equal(curve("rectangle")[:11], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0])
    for shape in ("cosine", "triangle", "rectangle"):
        np.testing.assert_allclose(curve(shape)[10:], curve(shape)[:11], atol=1e-15)
    assert np.abs(np.diff(curve("triangle"))).max() < 0.21  # it does not jump
    xs, targets, lengths = periodic_function("cosine", 25, 50, 3, dtype=np.float32)
    assert xs.dtype == targets.dtype == np.float32 and not xs.any() and lengths.tolist() == [50] * 3
    np.testing.assert_array_equal(targets[:, 2], targets[:, 0])


def test_spikes_are_counted_up_to_the_first_error():
    xs, targets, lengths, judged = spike_delays(4, 6, 2, rng=np.random.default_rng(4))
    spikes, ys = xs[..., 0] == 1, targets.copy()
    assert spikes_before_error(ys, targets, judged, spikes).tolist() == [6, 6]
    fourth = np.flatnonzero(spikes[:, 1])[3]
    ys[fourth - 1, 1] += 5  # between spikes nothing is asked for
    ys[fourth, 1] += 0.489
    assert spikes_before_error(ys, targets, judged, spikes).tolist() == [6, 6]
    ys[fourth, 1] += 0.002
    assert spikes_before_error(ys, targets, judged, spikes).tolist() == [6, 3]

    xs, targets, lengths, judged = timed_spikes(4, 6, 2, rng=np.random.default_rng(4))
    spikes, ys = targets[..., 0] == 1, targets.copy()
    ys[np.flatnonzero(spikes[:, 0])[2] + 1, 0] = 0.5  # a spike too many, one step after the third
    assert spikes_before_error(ys, targets, judged, spikes).tolist() == [3, 6]
    ys[lengths.min() :, lengths.argmin()] = 1
    assert spikes_before_error(ys, targets, judged, spikes).tolist() == [3, 6]


def test_a_network_takes_the_batch():
    rng = np.random.default_rng(5)
    network = Network([PeepholeLSTM(1, 1, rng=rng), Dense(1, 1, rng=rng)])
    xs, targets, lengths, judged = spike_delays(10, 4, 3, rng=rng)
    ys, _ = network.forward(xs, lengths=lengths)
    expected = ((ys - targets)[judged] ** 2).mean()
    assert mean_squared_error(ys[judged], targets[judged]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rng: spike_delays(0, 1, 1, rng=rng), ValueError, "F is 0; it should be an integer of at least 1"),
        (lambda rng: spike_delays(5, 1, 1, rng=rng, delays=()), ValueError, r"delays is \(\); it should be a sequence"),
        (lambda rng: timed_spikes(5, 1, 1, rng=rng, delays=(-1,)), ValueError, r"delays is \(-1,\); it should be"),
        (lambda rng: timed_spikes(5, 1, 1, rng=7), TypeError, "rng is 7; it should be a Generator"),
        (
            lambda rng: periodic_function("sine", 5, 5),
            ValueError,
            "shape is 'sine'; it should be one of cosine, triang",
        ),
        (lambda rng: periodic_function("cosine", 1, 5), ValueError, "F is 1; it should be at least 2"),
        (
            lambda rng: spikes_before_error(np.zeros((3, 1, 1)), np.zeros((3, 1, 1)), None, None),
            ValueError,
            r"judged is not an array of bool of shape \(3, 1\)",
        ),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
