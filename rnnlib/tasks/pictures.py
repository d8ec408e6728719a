"""Pictures and sentences for IMAGINET: a scene with one object, as a vector of features and as a description."""

import numpy as np

from rnnlib.validation import check_dtype, check_generator, check_number, check_sizes

#: The objects of each category, each under its two names.
OBJECTS = {
    "animal": (("dog", "hound"), ("rabbit", "bunny"), ("horse", "pony"), ("pig", "hog")),
    "vehicle": (("car", "motorcar"), ("ship", "boat"), ("plane", "jet"), ("bike", "bicycle")),
    "furniture": (("sofa", "couch"), ("chair", "seat"), ("cupboard", "closet"), ("carpet", "rug")),
    "garment": (("coat", "jacket"), ("cap", "hat"), ("shirt", "blouse"), ("shoe", "boot")),
}

#: The colours, each under its two names, with red, green and blue from 0 to 1.
COLOURS = {
    ("red", "scarlet"): (1, 0, 0),
    ("green", "jade"): (0, 1, 0),
    ("blue", "navy"): (0, 0, 1),
    ("grey", "silver"): (0.5, 0.5, 0.5),
}

#: The sizes, each under its two names.
SIZES = {("small", "little"): -1, ("large", "big"): 1}

#: The places in the picture, with their direction from its middle, right and up.
PLACES = {"on the left": (-1, 0), "on the right": (1, 0), "at the top": (0, 1), "at the bottom": (0, -1)}

_NOUNS = [names for objects in OBJECTS.values() for names in objects]

#: The category of each noun, as ``CATEGORY["hound"]`` is ``"animal"``.
CATEGORY = {name: category for category, objects in OBJECTS.items() for names in objects for name in names}

#: The vocabulary; a word's place is its token. The full stop, token 0, is also the padding.
WORDS = (
    ".",
    *"a there is stands the on at left right top bottom".split(),
    *(name for names in (*SIZES, *COLOURS, *_NOUNS) for name in names),
)

_TOKEN = {word: k for k, word in enumerate(WORDS)}
_CHOICES = (len(_NOUNS), len(COLOURS), len(SIZES), len(PLACES))

# What is seen of each noun: which category it is of, and which object.
_SEEN = np.concatenate([np.eye(len(OBJECTS))[[k // 4 for k in range(16)]], np.eye(16)], axis=1)

#: The size of a picture's vector, which has 4 categories, 16 objects, 3 of colour, 1 of size and 2 of place.
FEATURES = 26


def scenes(n, *, rng):
    """Draw scenes: an object, its colour, its size and its place, each alike and independent of the others.

    Parameters
    ----------
    n : int
        How many.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    scenes : array of integers, shape (n, 4)
        Object from 0 to 15, colour from 0 to 3, size 0 or 1, place from 0 to 3, in the order of the tables above.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> scenes(2, rng=np.random.default_rng(0)).tolist()
    [[13, 2, 1, 1], [4, 0, 0, 0]]
    """
    check_sizes(n=n)
    check_generator(rng)
    return rng.integers(0, _CHOICES, (n, 4))


def picture_features(scenes, *, rng, noise=0.1, dtype=np.float64):
    """What is seen of each scene, as a vector with noise.

    Parameters
    ----------
    scenes : array of integers, shape (n, 4)
        From `scenes`.
    rng : numpy.random.Generator
        Draws the noise.
    noise : float
        Standard deviation of the Gaussian noise on each feature, at least 0.
    dtype : numpy dtype
        Of the vectors.

    Returns
    -------
    images : array, shape (n, 26)
        1 for the category of four and for the object of sixteen, else 0; the colour's red, green and blue; -1 or 1 for
        small and large; the place's direction right and up.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Made for this course, in the place of the 4,096 activations of a convolutional network in Chrupała, Kádár and
    Alishahi 2015.

    Examples
    --------
    >>> import numpy as np
    >>> image = picture_features(np.array([[1, 0, 0, 2]]), rng=np.random.default_rng(0), noise=0)[0]
    >>> image[:4].tolist(), int(image[4:20].argmax()), image[20:].tolist()  # a rabbit, red, small, at the top
    ([1.0, 0.0, 0.0, 0.0], 1, [1.0, 0.0, 0.0, -1.0, 0.0, 1.0])
    """
    _check_scenes(scenes)
    check_generator(rng)
    check_dtype(dtype)
    if not check_number("noise", noise) >= 0:
        raise ValueError(f"noise is {noise}; it should be at least 0")
    noun, colour, size, place = scenes.T
    seen = [
        _SEEN[noun],
        np.array(list(COLOURS.values()))[colour],
        np.array(list(SIZES.values()))[size][:, None],
        np.array(list(PLACES.values()))[place],
    ]
    images = np.concatenate(seen, axis=1)
    return (images + noise * rng.standard_normal(images.shape)).astype(dtype)


def describe(scenes, *, rng):
    """A sentence for each scene.

    A sentence names the object and its place, each under one of its names; size and colour are each left out half of
    the time, and the words come in one of three orders. Every noun stands in the same contexts, so a model of text
    alone cannot tell one category from another: what it learns of them it has seen.

    Parameters
    ----------
    scenes : array of integers, shape (n, 4)
        From `scenes`.
    rng : numpy.random.Generator
        Draws names and orders.

    Returns
    -------
    sentences : list of str
        Words with a space between, the full stop last.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> describe(np.array([[1, 0, 0, 2]] * 2), rng=np.random.default_rng(0))
    ['a bunny is at the top .', 'at the top stands a small red rabbit .']
    """
    _check_scenes(scenes)
    check_generator(rng)
    colours, sizes, places = list(COLOURS), list(SIZES), list(PLACES)
    sentences = []
    for noun, colour, size, place in scenes:
        which = rng.integers(0, 2, 3)
        said = rng.integers(0, 2, 2)
        thing = ["a"]
        if said[0]:
            thing.append(sizes[size][which[0]])
        if said[1]:
            thing.append(colours[colour][which[1]])
        thing = " ".join([*thing, _NOUNS[noun][which[2]]])
        where = places[place]
        orders = (f"{thing} is {where} .", f"there is {thing} {where} .", f"{where} stands {thing} .")
        sentences.append(orders[rng.integers(3)])
    return sentences


def pictures_and_sentences(B, *, rng, noise=0.1, dtype=np.float64):
    """A batch for `rnnlib.Imaginet`: sentences, and the picture that each describes.

    Parameters
    ----------
    B : int
        Scenes.
    rng : numpy.random.Generator
        Draws them, their noise and their sentences.
    noise : float
        As in `picture_features`.
    dtype : numpy dtype
        Of the pictures.

    Returns
    -------
    words : array of integers, shape (T, B)
        Tokens, a word's place in `WORDS`; without the full stop, and 0 where there is padding.
    targets : array of integers, shape (T, B)
        The word after each, the full stop at the sentence's end.
    lengths : array of integers, shape (B,)
        Words of each sentence, without the full stop.
    images : array, shape (B, 26)
        The pictures.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import Imaginet
    >>> rng = np.random.default_rng(0)
    >>> words, targets, lengths, images = pictures_and_sentences(8, rng=rng)
    >>> model = Imaginet(len(WORDS), 10, 12, FEATURES, alpha=0.1, rng=rng)
    >>> logits, imagined = model.forward(words, lengths)
    >>> imagined.shape == images.shape, bool(model.loss(logits, imagined, targets, images, lengths) > 0)
    (True, True)
    """
    check_sizes(B=B)
    drawn = scenes(B, rng=rng)
    images = picture_features(drawn, rng=rng, noise=noise, dtype=dtype)
    sentences = [sentence.split() for sentence in describe(drawn, rng=rng)]
    lengths = np.array([len(sentence) - 1 for sentence in sentences])
    tokens = np.zeros((lengths.max() + 1, B), dtype=np.int64)
    for b, sentence in enumerate(sentences):
        tokens[: len(sentence), b] = [_TOKEN[word] for word in sentence]
    return tokens[:-1], tokens[1:], lengths, images


def _check_scenes(scenes):
    if not isinstance(scenes, np.ndarray):
        raise TypeError(f"scenes is of type {type(scenes).__name__}; it should be a numpy array of integers")
    if scenes.ndim != 2 or scenes.shape[1] != 4 or scenes.dtype.kind not in "iu":
        raise ValueError(f"scenes has shape {scenes.shape} and dtype {scenes.dtype}; it should be (n, 4) and integers")
    if (scenes < 0).any() or (scenes >= _CHOICES).any():
        raise ValueError(f"scenes has an entry outside 0 to {[k - 1 for k in _CHOICES]}, the choices of its columns")
