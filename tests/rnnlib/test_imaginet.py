"""IMAGINET: beside an independent torch version, differences, and what its parts do alone."""

import numpy as np
import pytest
import torch

from rnnlib import Imaginet
from rnnlib.gradcheck import gradient_errors, relative_error
from rnnlib.losses import cross_entropy, mean_squared_error
from rnnlib.optim import Adam

T, B, V, E, H, I = 5, 3, 7, 4, 6, 2
LENGTHS = np.array([2, 5, 1])


def made(alpha=0.3, dtype=np.float64, seed=0):
    model = Imaginet(V, E, H, I, alpha=alpha, rng=np.random.default_rng(seed), dtype=dtype)
    rng = np.random.default_rng(seed + 1)
    tokens, targets = rng.integers(0, 4, (2, T, B))  # words repeat
    return model, tokens, targets, rng.standard_normal((B, I)).astype(dtype)


def learned(model, tokens, targets, images, lengths):
    """The loss, with the gradients filled."""
    logits, pictures = model.forward(tokens, lengths)
    model.backward(*model.loss_backward(logits, pictures, targets, images, lengths))
    return model.loss(logits, pictures, targets, images, lengths)


def in_torch(params, alpha, tokens, targets, images, lengths):
    """The paper's model, a sentence and a word at a time."""

    def states(name, xs):
        W_x, W_h, b = params[f"{name}.W_x"], params[f"{name}.W_h"], params[f"{name}.b"]
        h = torch.zeros(H, dtype=torch.float64)
        for x in xs:
            r = torch.sigmoid(x @ W_x[:, :H] + h @ W_h[:, :H] + b[:H])
            z = torch.sigmoid(x @ W_x[:, H : 2 * H] + h @ W_h[:, H : 2 * H] + b[H : 2 * H])
            n = torch.tanh(x @ W_x[:, 2 * H :] + (r * h) @ W_h[:, 2 * H :] + b[2 * H :])
            h = z * n + (1 - z) * h
            yield h

    textual, visual, logits, pictures = [], [], [], []
    for b, length in enumerate(lengths):
        xs = params["embedding.W_e"][torch.tensor(tokens[:length, b])]
        hs = torch.stack(list(states("textual", xs)))
        logits.append(hs @ params["word.W_y"] + params["word.b_y"])
        textual.append(-torch.log_softmax(logits[-1], 1)[range(length), targets[:length, b]])
        *_, last = states("visual", xs)
        pictures.append(last @ params["picture.W_y"] + params["picture.b_y"])
        visual.append((pictures[-1] - torch.tensor(images[b])) ** 2)
    loss = alpha * torch.cat(textual).mean() + (1 - alpha) * torch.cat(visual).mean()
    return loss, logits, torch.stack(pictures)


@pytest.mark.parametrize("lengths", [LENGTHS, np.array([T] * B)])
def test_imaginet_agrees_with_torch(lengths):
    model, tokens, targets, images = made()
    loss = learned(model, tokens, targets, images, lengths)
    logits, pictures = model.forward(tokens, lengths)

    params = {name: torch.tensor(p, requires_grad=True) for name, p in model.params.items()}
    expected, logits_torch, pictures_torch = in_torch(params, 0.3, tokens, targets, images, lengths)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-13)
    assert relative_error(pictures, pictures_torch.detach().numpy()) < 1e-13
    for b, length in enumerate(lengths):
        assert relative_error(logits[:length, b], logits_torch[b].detach().numpy()) < 1e-13
        assert not logits[length:, b].any()
    for name, g in model.grads.items():
        assert relative_error(g, params[name].grad.numpy()) < 1e-10, name


def test_gradients_agree_with_differences():
    model, tokens, targets, images = made(seed=2)
    learned(model, tokens, targets, images, LENGTHS)
    errors = gradient_errors(
        lambda: model.loss(*model.forward(tokens, LENGTHS), targets, images, LENGTHS), model.params, model.grads
    )
    assert set(errors) == {
        "embedding.W_e",
        *(f"{pathway}.{p}" for pathway in ("textual", "visual") for p in ("W_x", "W_h", "b")),
        *(f"{readout}.{p}" for readout in ("word", "picture") for p in ("W_y", "b_y")),
    }
    assert max(errors.values()) < 1e-6, errors


def test_alpha_weighs_the_textual_loss_and_the_word_vectors_learn_from_both():
    grads, losses = {}, {}
    for alpha in (0, 0.3, 1):
        model, tokens, targets, images = made(alpha)
        losses[alpha] = learned(model, tokens, targets, images, LENGTHS)
        grads[alpha] = model.grads
    logits, pictures = model.forward(tokens, LENGTHS)
    assert losses[1] == cross_entropy(logits, targets, LENGTHS)
    assert losses[0] == mean_squared_error(pictures, images)
    assert not grads[0]["textual.W_h"].any() and grads[0]["visual.W_h"].any()
    assert not grads[1]["visual.W_h"].any() and grads[1]["textual.W_h"].any()
    both = 0.3 * grads[1]["embedding.W_e"] + 0.7 * grads[0]["embedding.W_e"]
    assert relative_error(grads[0.3]["embedding.W_e"], both) < 1e-14
    assert not grads[0.3]["embedding.W_e"][4:].any()


def test_word_and_picture_are_learned():
    # a sentence is a colour and a shape; its picture has a place for each
    tokens = np.array([[0, 0, 1, 1], [2, 3, 2, 3]])
    targets = np.stack([tokens[1], np.full(4, 4)])
    images = np.stack([tokens[0], tokens[1] - 2], axis=1).astype(float)
    model = Imaginet(5, 4, 8, 2, alpha=0.5, rng=np.random.default_rng(3))
    optimizer = Adam(model.params, lr=0.05)
    for _ in range(200):
        learned(model, tokens, targets, images, None)
        optimizer.step(model.grads)
    logits, pictures = model.forward(tokens)
    np.testing.assert_allclose(pictures, images, atol=0.05)
    assert (logits[1].argmax(axis=1) == 4).all()
    # the shape cannot be known from the colour: half and half
    assert cross_entropy(logits[:1], targets[:1]) == pytest.approx(np.log(2), abs=0.01)


@pytest.mark.parametrize("alpha", [0.3, np.float64(0.3), np.float32(0.3)])
def test_float32_stays_float32_and_arguments_stay_as_they_are(alpha):
    model, tokens, targets, images = made(alpha, dtype=np.float32)
    before = [a.copy() for a in (tokens, targets, images)]
    learned(model, tokens, targets, images, LENGTHS)
    logits, pictures = model.forward(tokens, LENGTHS)
    arrays = [logits, pictures, *model.params.values(), *model.grads.values()]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    for a, copy in zip((tokens, targets, images), before, strict=True):
        np.testing.assert_array_equal(a, copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 1.5}, "alpha is 1.5; it should be from 0 to 1"),
        ({"alpha": np.nan}, "alpha is nan"),
        ({"vocabulary_size": 0}, "vocabulary_size is 0"),
        ({"embedding_size": 0}, "embedding_size is 0"),
        ({"hidden_size": 2.5}, "hidden_size is 2.5"),
        ({"image_size": 0}, "image_size is 0"),
        ({"dtype": np.float16}, "dtype is float16"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    sizes = {"vocabulary_size": V, "embedding_size": E, "hidden_size": H, "image_size": I, "alpha": 0.5}
    with pytest.raises(ValueError, match=message):
        Imaginet(**{**sizes, **change}, rng=np.random.default_rng(0))


def test_alpha_that_is_no_number_is_named():
    with pytest.raises(TypeError, match="alpha is 'a'; it should be a number"):
        made("a")


def test_wrong_words_and_pictures_are_named():
    model, tokens, targets, images = made()
    with pytest.raises(RuntimeError, match="run forward first"):
        model.backward(np.ones((T, B, V)), np.ones((B, I)))
    with pytest.raises(ValueError, match="tokens is 7 at index"):
        model.forward(np.full((T, B), V))
    logits, pictures = model.forward(tokens)
    with pytest.raises(ValueError, match=r"targets has shape \(3, 1\); it should be \(3, 2\)"):
        model.loss(logits, pictures, targets, images[:, :1])
