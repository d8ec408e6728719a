"""Initial parameters: each recipe is what its name says, and biases land in the blocks that are named."""

import numpy as np
import pytest

import rnnlib
from rnnlib import init

D, H = 30, 20


def layer(kind="LSTM", seed=0, D=D, H=H, **arguments):
    return getattr(rnnlib, kind)(D, H, rng=np.random.default_rng(seed), **arguments)


def blocks(W, H=H):
    """The parts of H columns that stand side by side in a matrix."""
    return np.split(W, W.shape[1] // H, axis=1)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU", "MultiplicativeRNN"])
def test_uniform_fills_the_range_of_one_over_the_root_of_h_and_is_the_default(kind):
    drawn = layer(kind).params
    for name, p in layer(kind, init="uniform").params.items():
        assert 0.85 * H**-0.5 < p.max() <= H**-0.5 and -(H**-0.5) <= p.min() < -0.85 * H**-0.5, name
        np.testing.assert_array_equal(p, drawn[name])


def test_glorot_has_its_bound_and_variance_in_each_block():
    params = layer("GRU", init="glorot").params
    for name, rows in (("W_x", D), ("W_h", H)):
        assert len(blocks(params[name])) == 3
        for W in blocks(params[name]):
            bound = np.sqrt(6 / (rows + H))
            assert 0.97 * bound < np.abs(W).max() <= bound
            assert W.var() == pytest.approx(2 / (rows + H), rel=0.15)
    assert not params["b"].any()


@pytest.mark.parametrize(
    ("kind", "options"), [("RNN", {}), ("LSTM", {}), ("GRU", {}), ("MUT1", {}), ("DeepTransitionRNN", {"depth": 3})]
)
def test_orthogonal_turns_the_state_by_each_block_and_leaves_the_input_to_glorot(kind, options):
    params = layer(kind, init="orthogonal", **options).params
    for name, p in params.items():
        if p.ndim == 1:
            assert not p.any(), name
            continue
        for W in blocks(p):
            if name == "W_x":
                assert 0.97 * np.sqrt(6 / (D + H)) < np.abs(W).max() <= np.sqrt(6 / (D + H))
            else:
                np.testing.assert_allclose(W.T @ W, np.eye(H), atol=1e-13, err_msg=name)
    recurrent = blocks(params["W_h"])
    assert len({W[0, 0] for W in recurrent}) == len(recurrent)  # each is drawn for itself


def test_orthogonal_that_is_not_square_has_orthonormal_rows_or_columns():
    params = layer("MultiplicativeRNN", factors=7, init="orthogonal").params
    assert params["W_h"].shape == (H, 7) and params["W_f"].shape == (7, H)
    np.testing.assert_allclose(params["W_h"].T @ params["W_h"], np.eye(7), atol=1e-13)
    np.testing.assert_allclose(params["W_f"] @ params["W_f"].T, np.eye(7), atol=1e-13)


@pytest.mark.parametrize("over", ["tanh", "lstm", "gru"])
def test_orthogonal_draws_what_reads_the_states_of_a_gated_feedback_network_and_no_input(over):
    layers, own = 2, {"tanh": 0, "lstm": 3, "gru": 2}[over]
    params = layer("GatedFeedback", over=over, init="orthogonal").params
    for name, rows in (("W_x", D), ("W_x2", H), ("W_gx", D), ("W_gx2", H)):
        parts = blocks(params[name]) if name.startswith("W_x") else [params[name]]
        for W in parts:
            bound = np.sqrt(6 / (rows + W.shape[1]))
            assert W.shape[1] == (layers if name.startswith("W_g") else H)
            assert 0.85 * bound < np.abs(W).max() <= bound, name
            assert np.abs(W.T @ W - np.eye(W.shape[1])).max() > 0.1, name
    for name in ("W_h", "W_h2"):
        assert len(blocks(params[name])) == own + layers
        for W in blocks(params[name]):
            np.testing.assert_allclose(W.T @ W, np.eye(H), atol=1e-13, err_msg=name)
    W_gh = params["W_gh"]
    assert W_gh.shape == (layers * H, layers**2)
    np.testing.assert_allclose(W_gh.T @ W_gh, np.eye(layers**2), atol=1e-13)


def test_orthogonal_prefers_no_direction():
    rng = np.random.default_rng(0)
    drawn = np.array([init.orthogonal(rng, (2, 2)) for _ in range(2000)])
    assert np.abs(drawn.mean(axis=0)).max() < 0.06  # the standard deviation of the mean is 0.016
    assert np.abs((drawn > 0).mean(axis=0) - 0.5).max() < 0.05


@pytest.mark.parametrize("recipe", ["uniform", "glorot", "orthogonal"])
def test_the_generator_alone_decides(recipe):
    one, same, other = (layer("GRU", seed, init=recipe).params for seed in (0, 0, 1))
    for name in ("W_x", "W_h"):
        np.testing.assert_array_equal(one[name], same[name])
        assert not np.array_equal(one[name], other[name])
    assert {p.dtype for p in layer(init=recipe, dtype=np.float32).params.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("recipe", ["uniform", "glorot"])
def test_a_bias_is_set_in_its_block_and_nowhere_else(recipe):
    plain, set_ = layer(init=recipe).params, layer(init=recipe, biases={"f": 1.0, "o": -np.arange(H)}).params
    np.testing.assert_array_equal(set_["b"][H : 2 * H], 1)
    np.testing.assert_array_equal(set_["b"][3 * H :], -np.arange(H))
    for part in (slice(0, H), slice(2 * H, 3 * H)):
        np.testing.assert_array_equal(set_["b"][part], plain["b"][part])
    for name in ("W_x", "W_h"):
        np.testing.assert_array_equal(set_[name], plain[name])


def test_a_bias_is_set_in_every_layer_of_a_cell_and_where_blocks_are_left_out():
    params = layer("GatedFeedback", over="gru", biases={"z": 2.0}).params
    for name in ("b", "b2"):
        np.testing.assert_array_equal(params[name][H : 2 * H], 2)
        assert np.abs(params[name][:H]).max() < 1
    without_i = layer("PeepholeLSTM", input_gate=False, biases={"f": 3.0}).params["b"]
    np.testing.assert_array_equal(without_i[:H], 3)
    assert np.abs(without_i[H:]).max() < 1


def test_gers_biases_open_the_memory_unit_by_unit():
    biases = init.gers_biases(6)
    assert {block: b.tolist() for block, b in biases.items()} == {
        "i": [-0.5, -1.0, -1.5, -2.0, -0.5, -1.0],
        "f": [0.5, 1.0, 1.5, 2.0, 0.5, 1.0],
        "o": [-0.5, -1.0, -1.5, -2.0, -0.5, -1.0],
    }
    b = layer(H=6, biases=biases).params["b"].reshape(4, 6)
    for k, block in ((0, "i"), (1, "f"), (3, "o")):
        np.testing.assert_array_equal(b[k], biases[block])
    assert np.abs(b[2]).max() <= 6**-0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"init": "xavier"}, "init is 'xavier'; it should be 'uniform', 'glorot' or 'orthogonal'"),
        ({"biases": {"z": 1.0}}, "biases names the block 'z'; the blocks of this cell are i, f, g, o"),
        ({"biases": {"f": np.ones(H + 1)}}, r"biases of f is array\(.*it should be a finite number or an array of"),
        ({"biases": {"f": "x"}}, "biases of f is 'x'; it should be a finite number or an array"),
        ({"biases": {"f": None}}, "biases of f is None; it should be a finite number or an array"),
        ({"biases": {"f": np.nan}}, "biases of f is nan; it should be a finite number"),
        ({"biases": {"f": np.full(H, np.inf)}}, r"biases of f is array\(\[inf"),
    ],
)
def test_what_is_unknown_or_wrong_is_named(arguments, message):
    with pytest.raises(ValueError, match=r"(?s)" + message):
        layer(**arguments)


def test_biases_that_are_no_dict_are_named():
    with pytest.raises(TypeError, match=r"biases is 1\.0; it should be a dict such as \{'i': 1\.0\}"):
        layer(biases=1.0)


def test_a_variant_has_the_biases_of_its_own_blocks():
    with pytest.raises(ValueError, match="names the block 'f'; the blocks of this cell are i, g, o"):
        layer("PeepholeLSTM", coupled=True, biases={"f": 1.0})
