"""Pictures and sentences: the sentence says what the picture shows, and only the picture shows the category."""

import numpy as np
import pytest

from rnnlib import Imaginet
from rnnlib.gradcheck import gradient_errors
from rnnlib.tasks.pictures import (
    CATEGORY,
    COLOURS,
    FEATURES,
    OBJECTS,
    PLACES,
    SIZES,
    WORDS,
    describe,
    picture_features,
    pictures_and_sentences,
    scenes,
)

NOUNS = [names for objects in OBJECTS.values() for names in objects]


def test_scenes_are_drawn_evenly():
    drawn = scenes(20_000, rng=np.random.default_rng(0))
    for column, choices in zip(drawn.T, (16, 4, 2, 4), strict=True):
        np.testing.assert_allclose(np.bincount(column) / len(drawn), np.full(choices, 1 / choices), atol=0.015)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.03


def test_a_picture_by_hand():
    image = picture_features(np.array([[15, 3, 1, 3]]), rng=np.random.default_rng(0), noise=0)[0]
    assert NOUNS[15] == ("shoe", "boot") and CATEGORY["boot"] == "garment"
    assert image.tolist() == [0, 0, 0, 1] + [0] * 15 + [1] + [0.5, 0.5, 0.5] + [1] + [0, -1]
    assert image.shape == (FEATURES,)


def test_noise_is_as_large_as_said():
    same = np.tile([[3, 1, 0, 1]], (20_000, 1))
    images = picture_features(same, rng=np.random.default_rng(1), noise=0.3)
    np.testing.assert_allclose(images.std(axis=0), 0.3, atol=0.01)
    clean = picture_features(same[:1], rng=np.random.default_rng(1), noise=0)[0]
    np.testing.assert_allclose(images.mean(axis=0), clean, atol=0.01)


def test_a_sentence_says_what_the_scene_is():
    drawn = scenes(3000, rng=np.random.default_rng(2))
    orders, said_size, said_colour = [], [], []
    for (noun, colour, size, place), sentence in zip(drawn, describe(drawn, rng=np.random.default_rng(3)), strict=True):
        words = set(sentence.split())
        assert words <= set(WORDS) and sentence.endswith(" .")
        assert len(words & set(NOUNS[noun])) == 1 and len(words & set(CATEGORY)) == 1
        assert words & {name for names in COLOURS for name in names} <= set(list(COLOURS)[colour])
        assert words & {name for names in SIZES for name in names} <= set(list(SIZES)[size])
        assert [where for where in PLACES if where in sentence] == [list(PLACES)[place]]
        said_size.append(bool(words & set(list(SIZES)[size])))
        said_colour.append(bool(words & set(list(COLOURS)[colour])))
        orders.append("there is" in sentence or 2 * ("stands" in sentence))
    for share in (np.mean(said_size), np.mean(said_colour)):
        assert abs(share - 0.5) < 0.03
    np.testing.assert_allclose(np.bincount(np.array(orders, dtype=int)) / 3000, 1 / 3, atol=0.03)


def test_the_text_alone_does_not_tell_categories_apart():
    drawn = scenes(30_000, rng=np.random.default_rng(4))
    counts = {category: np.zeros(len(WORDS)) for category in OBJECTS}
    for sentence in describe(drawn, rng=np.random.default_rng(5)):
        words = sentence.split()
        category = next(CATEGORY[word] for word in words if word in CATEGORY)
        for word in words:
            if word not in CATEGORY:
                counts[category][WORDS.index(word)] += 1
    shares = np.array([count / count.sum() for count in counts.values()])
    assert np.abs(shares - shares.mean(axis=0)).max() < 0.006


def test_the_pictures_do():
    rng = np.random.default_rng(6)
    drawn = scenes(8000, rng=rng)
    images = picture_features(drawn, rng=rng)
    seen = {}
    for image, sentence in zip(images, describe(drawn, rng=rng), strict=True):
        seen.setdefault(next(word for word in sentence.split() if word in CATEGORY), []).append(image)
    mean = {noun: np.mean(pictures, axis=0) for noun, pictures in seen.items()}
    assert set(mean) == set(CATEGORY) and len(mean) == 32
    for noun, here in mean.items():
        nearest = sorted(mean, key=lambda other: ((mean[other] - here) ** 2).sum())[1:]
        assert {CATEGORY[other] for other in nearest[:7]} == {CATEGORY[noun]}  # the other name first, then the category
        assert next(names for names in NOUNS if noun in names) == next(names for names in NOUNS if nearest[0] in names)


def test_a_batch_holds_the_sentences():
    words, targets, lengths, images = pictures_and_sentences(
        50, rng=np.random.default_rng(7), noise=0, dtype=np.float32
    )
    assert words.shape == targets.shape == (lengths.max(), 50) and images.shape == (50, FEATURES)
    assert images.dtype == np.float32 and len(set(WORDS)) == len(WORDS)
    assert set(lengths) <= set(range(6, 10))
    for b in range(50):
        sentence = [WORDS[k] for k in words[: lengths[b], b]]
        assert "." not in sentence
        assert [WORDS[k] for k in targets[: lengths[b], b]] == [*sentence[1:], "."]
        assert not words[lengths[b] :, b].any() and not targets[lengths[b] :, b].any()
        noun = next(word for word in sentence if word in CATEGORY)
        assert list(OBJECTS)[images[b, :4].argmax()] == CATEGORY[noun]
    again = pictures_and_sentences(50, rng=np.random.default_rng(7), noise=0)
    np.testing.assert_array_equal(words, again[0])
    assert not np.array_equal(words, pictures_and_sentences(50, rng=np.random.default_rng(8))[0])


def test_imaginet_learns_from_the_batch():
    rng = np.random.default_rng(9)
    words, targets, lengths, images = pictures_and_sentences(4, rng=rng)
    model = Imaginet(len(WORDS), 3, 4, FEATURES, alpha=0.3, rng=rng)

    def loss():
        return model.loss(*model.forward(words, lengths), targets, images, lengths)

    logits, imagined = model.forward(words, lengths)
    model.backward(*model.loss_backward(logits, imagined, targets, images, lengths))
    names = ("picture.W", "visual.W_h", "textual.W_x")
    chosen = {name: model.params[name] for name in model.params if name.startswith(names)}
    assert max(gradient_errors(loss, chosen, {name: model.grads[name] for name in chosen}).values()) < 1e-6


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rng: scenes(0, rng=rng), ValueError, "n is 0; it should be an integer of at least 1"),
        (lambda rng: describe([[0, 0, 0, 0]], rng=rng), TypeError, "scenes is of type list"),
        (lambda rng: describe(np.zeros((2, 4)), rng=rng), ValueError, "and dtype float64; it should be"),
        (lambda rng: describe(np.array([[16, 0, 0, 0]]), rng=rng), ValueError, r"outside 0 to \[15, 3, 1, 3\]"),
        (
            lambda rng: picture_features(np.zeros((1, 4), int), rng=rng, noise=-1),
            ValueError,
            "noise is -1; it should be",
        ),
        (lambda rng: pictures_and_sentences(2, rng="x"), TypeError, "rng is 'x'; it should be a Generator"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
