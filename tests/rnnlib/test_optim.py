"""Optimisers beside torch's, clipping by its definition."""

import numpy as np
import pytest
import torch

from rnnlib.optim import SGD, Adam, clip_by_global_norm


def start(seed=0):
    rng = np.random.default_rng(seed)
    return {"W": rng.standard_normal((3, 2)), "b": rng.standard_normal(4)}


@pytest.mark.parametrize(
    ("ours", "torchs"),
    [
        (lambda p: SGD(p, lr=0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
        (lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        (lambda p: Adam(p, lr=0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
        (lambda p: Adam(p, 0.01, (0.5, 0.9), 1e-3), lambda p: torch.optim.Adam(p, 0.01, (0.5, 0.9), 1e-3)),
    ],
    ids=["sgd", "momentum", "adam", "adam-betas"],
)
def test_seven_steps_agree_with_torch(ours, torchs):
    params = start()
    tensors = [torch.tensor(p, requires_grad=True) for p in params.values()]
    optimizer, reference = ours(params), torchs(tensors)
    for seed in range(1, 8):
        grads = start(seed)
        optimizer.step(grads)
        for tensor, g in zip(tensors, grads.values(), strict=True):
            tensor.grad = torch.tensor(g)
        reference.step()
    for p, tensor in zip(params.values(), tensors, strict=True):
        np.testing.assert_allclose(p, tensor.detach().numpy(), rtol=1e-12)


def test_steps_change_the_arrays_themselves():
    params = start()
    W = params["W"]
    before = W.copy()
    SGD(params, lr=1.0).step({"W": np.ones((3, 2)), "b": np.zeros(4)})
    np.testing.assert_allclose(W, before - 1)


def test_clipping_scales_all_by_one_factor():
    grads = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    clipped, norm = clip_by_global_norm(grads, 1.0)
    assert norm == 5
    np.testing.assert_allclose(clipped["a"], [0.6, 0])
    np.testing.assert_allclose(clipped["b"], [[0.8]])
    np.testing.assert_array_equal(grads["a"], [3, 0])


def test_small_gradients_stay():
    grads = {"a": np.array([3.0, 4.0])}
    clipped, norm = clip_by_global_norm(grads, 5.0)
    assert norm == 5
    np.testing.assert_array_equal(clipped["a"], [3, 4])


@pytest.mark.parametrize("number", [float, np.float64, np.float32])
def test_float32_stays_float32_whatever_kind_of_number_scales_it(number):
    params = {"a": np.ones(2, np.float32)}
    grads = {"a": np.array([3.0, 4.0], np.float32)}
    clipped, norm = clip_by_global_norm(grads, number(0.5))
    assert clipped["a"].dtype == np.float32 and type(norm) is float
    np.testing.assert_allclose(clipped["a"], [0.3, 0.4], rtol=1e-6)
    sgd, adam = (
        SGD(params, number(0.5), number(0.5)),
        Adam(params, number(0.5), (number(0.5), number(0.5)), number(0.5)),
    )
    for optimizer in (sgd, adam):
        optimizer.step(grads)
    assert {sgd.v["a"].dtype, adam.m["a"].dtype, adam.v["a"].dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", ["lr", "momentum", "eps", "max_norm", "betas"])
def test_what_is_no_number_is_named(name):
    call = {"momentum": SGD, "max_norm": clip_by_global_norm}.get(name, Adam)
    arguments = {"max_norm": 1} if name == "max_norm" else {"lr": 1}
    with pytest.raises(TypeError, match=f"{name} is 'a'; it should be a number"):
        call({}, **arguments | {name: "ab" if name == "betas" else "a"})


def test_the_norm_of_large_float32_gradients_does_not_overflow():
    clipped, norm = clip_by_global_norm({"a": np.array([3e30, 4e30], np.float32)}, 1.0)
    assert norm == pytest.approx(5e30)
    assert clipped["a"].dtype == np.float32
    np.testing.assert_allclose(clipped["a"], [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SGD({}, lr=0), "lr is 0; it should be above 0"),
        (lambda: SGD({}, lr=1, momentum=1), "momentum is 1; it should be from 0"),
        (lambda: Adam({}, lr=-1), "lr is -1; it should"),
        (lambda: Adam({}, betas=(0.9, 1.0)), "betas is"),
        (lambda: Adam({}, betas=(0.9,)), "betas is .*; it should be two numbers"),
        (lambda: Adam({}, eps=0), "eps is 0; it should"),
        (lambda: SGD(start(), lr=1).step({"W": np.zeros((3, 2))}), r"grads has the keys \['W'\]"),
        (lambda: SGD(start(), lr=1).step({"W": np.zeros(6), "b": np.zeros(4)}), r"grads\['W'\] has shape \(6,\)"),
        (lambda: Adam(start()).step({"W": np.full((3, 2), np.nan), "b": np.zeros(4)}), r"grads\['W'\] is not finite"),
        (lambda: clip_by_global_norm({}, 0), "max_norm is 0; it should"),
        (lambda: clip_by_global_norm({"a": np.array([np.inf])}, 1), "the global norm of grads is inf"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
