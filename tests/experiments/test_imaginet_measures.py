"""What IMAGINET is judged by: categories, synonyms and silhouettes of word vectors, and the rank of a picture."""

import numpy as np
import pytest

from experiments.imaginet import NOUNS, OBJECT, retrieval, word_vectors
from rnnlib.tasks.pictures import CATEGORY, OBJECTS

CATEGORIES, THINGS = list(OBJECTS), sorted(set(OBJECT.values()))


def vectors(category, thing, rng):
    """A direction for each category, for each thing and for each noun, of these lengths and 1."""
    own = np.eye(4 + 16 + 32)
    return np.array(
        [
            category * own[CATEGORIES.index(CATEGORY[noun])]
            + thing * own[4 + THINGS.index(OBJECT[noun])]
            + own[20 + k]
            + 1e-3 * rng.standard_normal(52)
            for k, noun in enumerate(NOUNS)
        ]
    )


def test_each_measure_sees_its_part(rng):
    both = word_vectors(vectors(2.0, 1.0, rng))
    assert both["synonym"] == both["category"] == 1
    assert both["silhouette"] == pytest.approx(1 - (2 / 6) / 1, abs=0.01)  # cosine 4/6 within a category, 0 without
    things = word_vectors(vectors(0.0, 3.0, rng))
    assert things["synonym"] == 1 and things["category"] < 0.6 and abs(things["silhouette"]) < 0.01
    categories = word_vectors(vectors(3.0, 0.0, rng))
    assert categories["category"] == 1 and categories["synonym"] < 0.6


def test_the_length_of_a_vector_does_not_count(rng):
    given = rng.standard_normal((32, 7))
    assert word_vectors(given * rng.uniform(0.1, 9, (32, 1))) == pytest.approx(word_vectors(given))


def test_the_rank_counts_the_pictures_that_are_nearer():
    images = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    imagined = np.array([[3.0, 0.1], [0.5, 0.4], [0.0, 1.0]])
    assert retrieval(imagined, images).tolist() == [1, 3, 2]


@pytest.fixture
def rng():
    return np.random.default_rng(0)
