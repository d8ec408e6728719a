"""Experiments on characters: a text in three parts, and a network that reads it on and on and is judged in bits."""

import numpy as np

from experiments.comparison import largest_within
from experiments.training import InTorch, Trainer
from rnnlib.losses import cross_entropy, cross_entropy_backward
from rnnlib.optim import clip_by_global_norm
from rnnlib.tasks.text import CharText

BLOCKS = 50  # of a text; of every ten, eight are to train on, the ninth to choose by, the tenth to judge by
PASSAGES, LENGTH = (
    64,
    400,
)  # at most so many passages, each of so many characters, stand for a part to choose or judge by
LOOKS = 12  # at the validation part in the course of a training


class Parts:
    """A text, cut into blocks of equal length that go to three parts.

    Parameters
    ----------
    text : str
        What is not printable ASCII is left out.

    The validation and the test part are judged by passages of 400 characters at equal distances, at most 64.

    Raises
    ------
    ValueError
        When the text is so short that its tenth part holds no passage.
    """

    def __init__(self, text):
        text = "".join(c for c in text if c == "\n" or " " <= c <= "~")
        vocabulary = "".join(sorted(set(text)))
        n = len(text) // BLOCKS
        blocks = [text[k * n : (k + 1) * n] for k in range(BLOCKS)]
        self.train = CharText("".join(block for k, block in enumerate(blocks) if k % 10 < 8), vocabulary)
        self.valid, self.test = (
            self._passages(CharText("".join(blocks[place::10]), vocabulary).tokens) for place in (8, 9)
        )

    @property
    def classes(self):
        """K, the number of different characters."""
        return len(self.train.vocabulary)

    def batches(self, T, B, rng):
        """Batches that continue each other, of the training part from a place that `rng` draws; see `CharText`."""
        text = self.train.decode(np.roll(self.train.tokens, -rng.integers(len(self.train.tokens))))
        return CharText(text, self.train.vocabulary).batches(T, B, np.float32)

    def _passages(self, tokens):
        passages = min(PASSAGES, (len(tokens) - 1) // LENGTH)
        if passages < 1:
            raise ValueError(f"text leaves {len(tokens)} characters to judge by; it should leave more than {LENGTH}")
        places = np.arange(passages) * ((len(tokens) - 1) // passages) + np.arange(LENGTH)[:, None]
        return np.eye(self.classes, dtype=np.float32)[tokens[places]], tokens[places + 1]


class Reader(Trainer):
    """Trains a network on batches that continue each other: the state is carried on, the gradient stops.

    Parameters
    ----------
    network, lr, max_norm, device : see `experiments.training.Trainer`
        The loss is that of classes.
    """

    def __init__(self, network, lr, max_norm=1.0, device="cpu"):
        super().__init__(network, "classes", lr, max_norm, device)
        self.states = None
        if device != "cpu":
            self._side = CarriedInTorch(network, "classes", lr, max_norm, self._side.device)

    def step(self, xs, targets):
        """Take one step on the batch that comes next.

        Parameters
        ----------
        xs : array, shape (T, B, K)
        targets : array of integers, shape (T, B)

        Returns
        -------
        loss : float
            Before the step, in nats a character.
        """
        if self.device != "cpu":
            return self._side.step(xs, targets, None)
        logits, self.states = self.network.forward(xs, self.states)
        self.network.backward(cross_entropy_backward(logits, targets))
        grads, _ = clip_by_global_norm(self.network.grads, self.max_norm)
        self.optimizer.step(grads)
        return cross_entropy(logits, targets)

    def set_rate(self, lr):
        """Go on with another learning rate."""
        if self.device == "cpu":
            self.optimizer.lr = lr
        else:
            self._side.optimizer.param_groups[0]["lr"] = lr


class CarriedInTorch(InTorch):
    """The same in torch; parameters as of `Reader`. Where no gradient is asked for, the state before is 0."""

    states = None

    def forward(self, xs, lengths):
        """Logits as a tensor."""
        xs, training = self.torch.as_tensor(xs, device=self.device), self.torch.is_grad_enabled()
        before = self.states if training and self.states else [None] * len(self.layers)
        after = []
        for module, state in zip(self.layers, before, strict=True):
            if isinstance(module, self.torch.nn.Linear):
                xs = module(xs)
            else:
                state = state or (xs.new_zeros(xs.shape[1], module.hidden_size),) * module.states
                xs, state = module(xs, state, lengths)
                state = tuple(array.detach() for array in state)
            after.append(state)
        if training:
            self.states = after
        return xs


def train(build, parts, setting, seed, device):
    """Choose a learning rate by short trainings, then train with it, and judge by the test part.

    Every training begins with the same weights and reads the same batches, and its rate falls in a straight line to 0.

    Parameters
    ----------
    build : callable
        ``build(units, K, rng)`` gives a network.
    parts : Parts
    setting : dict
        ``weights``, at most; ``rates``; ``steps``, and ``short``, those of a training that tries a rate; ``T``, ``B``.
    seed : int
    device : str

    Returns
    -------
    found : dict
        ``units``, ``weights``, ``rate``; ``tried``, the bits a character on the validation part after each short
        training; ``valid``, the same in the course of the long one; ``test``, the bits a character in the end.
    """
    K = parts.classes
    units = largest_within(lambda H: build(H, K, np.random.default_rng(0)), setting["weights"])

    def run(rate, steps, looks):
        rng = np.random.default_rng([seed, 2015])
        network = build(units, K, rng)
        reader = Reader(network, rate, device=device)
        batches, valid = parts.batches(setting["T"], setting["B"], rng), []
        for step in range(steps):
            reader.set_rate(rate * (1 - step / steps))
            reader.step(*next(batches))
            if (step + 1) % (steps // looks) == 0:
                valid.append(round(reader.evaluate(*parts.valid) / np.log(2), 4))
        return network, reader, valid

    tried = [run(rate, setting["short"], 1)[2][-1] for rate in setting["rates"]]
    rate = setting["rates"][int(np.argmin(np.nan_to_num(tried, nan=np.inf)))]
    network, reader, valid = run(rate, setting["steps"], LOOKS)
    test = round(reader.evaluate(*parts.test) / np.log(2), 4)
    return {
        "units": units,
        "weights": network.count_parameters(),
        "rate": rate,
        "tried": tried,
        "valid": valid,
        "test": test,
    }
