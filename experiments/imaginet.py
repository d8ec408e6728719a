"""IMAGINET: what word vectors hold when a network has seen what sentences describe, and when it has not."""

import sys

import numpy as np

from experiments.comparison import difference
from experiments.harness import Experiment, main
from rnnlib import Imaginet
from rnnlib.optim import Adam, clip_by_global_norm
from rnnlib.tasks.pictures import CATEGORY, FEATURES, OBJECTS, WORDS, pictures_and_sentences

NOUNS = [name for objects in OBJECTS.values() for names in objects for name in names]
OBJECT = {name: names for objects in OBJECTS.values() for names in objects for name in names}
CANDIDATES = 256  # pictures among which the one that a sentence describes is looked for


def trial(setting, seed, device):
    """Train one network and look at its word vectors and at the pictures that it imagines.

    Parameters
    ----------
    setting : dict
        ``alpha``: the weight of the textual loss; ``embedding``, ``hidden``: E and H; ``scale``: by what the initial
        word vectors are multiplied; ``lr``, ``steps``, ``B``.
    seed : int
    device : str
        "cpu".

    Returns
    -------
    found : dict
        Of `word_vectors`, and ``rank``, ``first``: of `retrieval`; None for a network that saw no picture. ``nouns``:
        the nouns' vectors on their two main axes.
    """
    rng = np.random.default_rng([seed, 2015])
    options = {"alpha": setting["alpha"], "rng": rng, "dtype": np.float32}
    model = Imaginet(len(WORDS), setting["embedding"], setting["hidden"], FEATURES, **options)
    model.params["embedding.W_e"][:] *= np.float32(setting["scale"])
    optimizer = Adam(model.params, lr=setting["lr"])
    for step in range(setting["steps"]):
        optimizer.lr = setting["lr"] * (1 - step / setting["steps"])
        words, targets, lengths, images = pictures_and_sentences(setting["B"], rng=rng, dtype=np.float32)
        logits, pictures = model.forward(words, lengths)
        model.backward(*model.loss_backward(logits, pictures, targets, images, lengths))
        grads, _ = clip_by_global_norm(model.grads, 1.0)
        optimizer.step(grads)
    vectors = model.params["embedding.W_e"][[WORDS.index(noun) for noun in NOUNS]].astype(float)
    found = word_vectors(vectors)
    if setting["alpha"] < 1:
        words, _, lengths, images = pictures_and_sentences(CANDIDATES, rng=np.random.default_rng(99), dtype=np.float32)
        ranks = retrieval(model.forward(words, lengths)[1], images)
        found |= {"rank": float(np.mean(ranks)), "first": float(np.mean(ranks == 1))}
    centred = vectors - vectors.mean(axis=0)
    found["nouns"] = np.round(centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T, 3).tolist()
    return found


def word_vectors(vectors):
    """What the vectors of the nouns have of the categories, by cosine.

    Parameters
    ----------
    vectors : array, shape (32, E)
        In the order of `NOUNS`.

    Returns
    -------
    found : dict
        ``synonym``: the share of nouns whose nearest noun is the other name of the same thing. ``category``: the share
        whose nearest noun is of the same category, their other name left out. ``silhouette``: the mean of (b - a) /
        max(a, b), with a the mean distance, 1 minus the cosine, from the other things of a noun's category, and b that
        from the nearest other category.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    same_thing = np.array([[OBJECT[a] == OBJECT[b] for b in NOUNS] for a in NOUNS])
    categories = np.array([CATEGORY[noun] for noun in NOUNS])
    others = np.where(np.eye(len(NOUNS), dtype=bool), -np.inf, cosine).argmax(axis=1)
    other_things = np.where(same_thing, -np.inf, cosine).argmax(axis=1)
    widths = []
    for k, category in enumerate(categories):
        apart = {c: (1 - cosine[k])[(categories == c) & ~same_thing[k]].mean() for c in OBJECTS}
        a, b = apart.pop(category), min(apart.values())
        widths.append((b - a) / max(a, b))
    return {
        "synonym": float(np.mean([same_thing[k, other] for k, other in enumerate(others)])),
        "category": float(np.mean(categories[other_things] == categories)),
        "silhouette": float(np.mean(widths)),
    }


def retrieval(imagined, images):
    """The rank of each sentence's picture among all, by the cosine with what was imagined; the first is 1.

    Parameters
    ----------
    imagined, images : array, shape (B, I)

    Returns
    -------
    ranks : array of integers, shape (B,)
    """
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (imagined, images))
    cosine = a @ b.T
    return 1 + (cosine > np.diag(cosine)[:, None]).sum(axis=1)


def findings(trials):
    """What the paper says of word vectors and of pictures, and what came out."""
    of_both = trials["both pathways"]
    told = []
    for key, claim in (
        ("category", "word vectors learned from both pathways tell more of the categories than those of text alone"),
        ("synonym", "they bring the two names of one thing together, and text alone does not"),
    ):
        both, text = ([each[key] for each in trials[name]] for name in ("both pathways", "text only"))
        mean, error = difference(both, text)
        told.append(
            {
                "claim": claim,
                "here": f"the nearest noun is right for {np.mean(both):.0%} against {np.mean(text):.0%}: a difference "
                f"of {100 * mean:+.0f} ± {100 * error:.0f} points (standard error, {len(both)} seeds)",
                "agrees": bool(mean > 2 * error and mean > 0),
            }
        )
    told.append(
        {
            "claim": "from a sentence the visual pathway finds the picture",
            "here": f"mean rank {np.mean([each['rank'] for each in of_both]):.1f} of {CANDIDATES}, first in "
            f"{np.mean([each['first'] for each in of_both]):.0%}; by chance {(CANDIDATES + 1) / 2} and "
            f"{1 / CANDIDATES:.1%}",
            "agrees": bool(max(each["rank"] for each in of_both) < CANDIDATES / 10),
        }
    )
    return told


def of(alpha, **options):
    given = {"embedding": 24, "hidden": 48, "scale": 1.0, "lr": 0.01, "steps": 1500, "B": 64}
    return {"alpha": alpha, **given, **options}


ALPHAS = {"text only": 1.0, "both pathways": 0.1, "pictures only": 0.0}
SHORT = "vectors a tenth as long at first"

EXPERIMENT = Experiment(
    name="imaginet",
    title="Words learned from text and from pictures",
    source="Chrupała, Kádár and Alishahi 2015",
    settings={
        **{name: of(alpha) for name, alpha in ALPHAS.items()},
        **{f"{name}, {SHORT}": of(ALPHAS[name], scale=0.1) for name in ("text only", "both pathways")},
    },
    seeds=6,
    trial=trial,
    findings=findings,
    code=("experiments/comparison.py", "rnnlib/imaginet.py", "rnnlib/tasks/pictures.py"),
    quick={name: of(ALPHAS[name], steps=200, lr=0.02) for name in ("text only", "both pathways")},
    quick_seeds=2,
    published={"certainty": "quoted"},
)

if __name__ == "__main__":
    sys.exit(main("imaginet"))
