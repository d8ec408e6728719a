"""IMAGINET: words that are learned from text and from pictures."""

import numpy as np

from rnnlib.layers import Composite, Dense, Embedding
from rnnlib.losses import cross_entropy, cross_entropy_backward, mean_squared_error, mean_squared_error_backward
from rnnlib.recurrent import GRU
from rnnlib.validation import check_number, check_sizes


class Imaginet(Composite):
    r"""Two GRUs over shared word vectors: one predicts the next word, one the picture that the sentence describes.

    .. math::

        x_t &= (W_e)_{k_t} \\
        h^{\text{text}}_t &= \mathrm{GRU}^{\text{text}}(x_t, h^{\text{text}}_{t-1}), &
        o_t &= h^{\text{text}}_t W_{\text{word}} + b_{\text{word}} \\
        h^{\text{vis}}_t &= \mathrm{GRU}^{\text{vis}}(x_t, h^{\text{vis}}_{t-1}), &
        v &= h^{\text{vis}}_T W_{\text{picture}} + b_{\text{picture}} \\
        L &= \alpha L^{\text{text}} + (1 - \alpha) L^{\text{vis}}

    :math:`L^{\text{text}}` is the cross-entropy of the next words, :math:`L^{\text{vis}}` the mean squared error of the
    picture's vector v, which is read off after the sentence's last word, T. With :math:`\alpha = 1` only the textual
    pathway learns, with :math:`\alpha = 0` only the visual; between them, the word vectors learn from both.

    The layers are ``parts["embedding"]``, ``["textual"]``, ``["visual"]``, ``["word"]`` and ``["picture"]``; parameters
    have names such as ``visual.W_h``.

    Parameters
    ----------
    vocabulary_size : int
        V, the number of words.
    embedding_size : int
        E, the size of a word's vector.
    hidden_size : int
        H, of each pathway.
    image_size : int
        I, the size of a picture's vector.
    alpha : float
        α, from 0 to 1: the weight of the textual loss.
    rng : numpy.random.Generator
        Draws the initial parameters.
    dtype : numpy dtype
        float64 or float32.

    Raises
    ------
    TypeError, ValueError
        When a size, the dtype or alpha is wrong; the message names it.

    Source
    ------
    Chrupała, Kádár and Alishahi 2015. The weights of the two losses, the squared error and the GRU (reset before the
    product, an update gate that renews, a tanh candidate) are those of the authors' code. There the gates are steeper,
    :math:`\sigma(3.75 a)`: the same cell, with the gates' weights 3.75 times as large. Their later code takes the
    cosine distance for :math:`L^{\text{vis}}` and the transposed word vectors in the place of :math:`W_{\text{word}}`.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib import Imaginet
    >>> rng = np.random.default_rng(0)
    >>> model = Imaginet(20, 8, 16, 5, alpha=0.1, rng=rng)
    >>> words = rng.integers(0, 20, (7, 3))
    >>> logits, pictures = model.forward(words[:-1], lengths=np.array([6, 2, 4]))
    >>> logits.shape, pictures.shape
    ((6, 3, 20), (3, 5))
    """

    def __init__(self, vocabulary_size, embedding_size, hidden_size, image_size, *, alpha, rng, dtype=np.float64):
        if not 0 <= check_number("alpha", alpha) <= 1:
            raise ValueError(f"alpha is {alpha}; it should be from 0 to 1")
        sizes = {"vocabulary_size": vocabulary_size, "embedding_size": embedding_size}
        sizes |= {"hidden_size": hidden_size, "image_size": image_size}
        check_sizes(**sizes)
        self.alpha, self.dtype = float(alpha), np.dtype(dtype)
        self.arguments = {**sizes, "alpha": self.alpha, "dtype": str(self.dtype)}
        self.parts = {
            "embedding": Embedding(vocabulary_size, embedding_size, rng=rng, dtype=dtype),
            "textual": GRU(embedding_size, hidden_size, rng=rng, dtype=dtype, reset="before", update="renew"),
            "visual": GRU(embedding_size, hidden_size, rng=rng, dtype=dtype, reset="before", update="renew"),
            "word": Dense(hidden_size, vocabulary_size, rng=rng, dtype=dtype),
            "picture": Dense(hidden_size, image_size, rng=rng, dtype=dtype),
        }

    def forward(self, tokens, lengths=None):
        """Read sentences.

        Parameters
        ----------
        tokens : array of integers, shape (T, B)
            The words, each from 0 to V - 1; any of them where there is padding.
        lengths : array of integers, shape (B,), optional
            How many words each sentence has; T when left out.

        Returns
        -------
        logits : array, shape (T, B, V)
            What the textual pathway expects after each word; 0 where there is padding.
        pictures : array, shape (B, I)
            What the visual pathway imagines after each sentence's last word.

        Raises
        ------
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong; the message names it.
        """
        xs, _ = self.parts["embedding"].forward(tokens, lengths=lengths)
        hs, _ = self.parts["textual"].forward(xs, lengths=lengths)
        logits, _ = self.parts["word"].forward(hs, lengths=lengths)
        _, h = self.parts["visual"].forward(xs, lengths=lengths)
        pictures, _ = self.parts["picture"].forward(h[None])
        return logits, pictures[0]

    def backward(self, dlogits, dpictures):
        """Gradients for the last `forward`, through both pathways into the word vectors; fills `grads`.

        Parameters
        ----------
        dlogits : array, shape (T, B, V)
            Gradient of the loss by the logits.
        dpictures : array, shape (B, I)
            Gradient of the loss by the pictures.

        Raises
        ------
        RuntimeError, TypeError, ValueError
            As the layers' own.
        """
        dhs, _ = self.parts["word"].backward(dlogits)
        dxs_textual, _ = self.parts["textual"].backward(dhs)
        dh, _ = self.parts["picture"].backward(dpictures[None])
        dxs_visual, _ = self.parts["visual"].backward(np.zeros_like(dhs), dh[0])
        self.parts["embedding"].backward(dxs_textual + dxs_visual)

    def loss(self, logits, pictures, targets, images, lengths=None):
        r"""The weighted loss.

        .. math:: L = \alpha L^{\text{text}} + (1 - \alpha) L^{\text{vis}}

        Parameters
        ----------
        logits, pictures : array
            From `forward`.
        targets : array of integers, shape (T, B)
            The word after each word, from 0 to V - 1; any of them where there is padding.
        images : array, shape (B, I)
            The vectors of the true pictures.
        lengths : array of integers, shape (B,), optional
            As given to `forward`.

        Returns
        -------
        loss : float

        Raises
        ------
        TypeError, ValueError
            When an argument's type, shape, dtype or an entry is wrong; the message names it.
        """
        textual = cross_entropy(logits, targets, lengths)
        visual = mean_squared_error(pictures, images)
        return self.alpha * textual + (1 - self.alpha) * visual

    def loss_backward(self, logits, pictures, targets, images, lengths=None):
        """Gradient of `loss`, to be given to `backward`.

        Parameters
        ----------
        logits, pictures : array
            From `forward`.
        targets, images, lengths : array
            As in `loss`.

        Returns
        -------
        dlogits : array, shape (T, B, V)
        dpictures : array, shape (B, I)

        Raises
        ------
        TypeError, ValueError
            As in `loss`.
        """
        dlogits = self.alpha * cross_entropy_backward(logits, targets, lengths)
        return dlogits, (1 - self.alpha) * mean_squared_error_backward(pictures, images)
