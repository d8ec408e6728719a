"""Recurrent neural networks by hand, in numpy: the package that the course's notebooks call."""

from rnnlib.checks import check, hint, lend
from rnnlib.imaginet import Imaginet
from rnnlib.layers import Bidirectional, Dense, Embedding
from rnnlib.network import Network
from rnnlib.recurrent import (
    GRU,
    LSTM,
    LSTM1997,
    MUT1,
    MUT2,
    MUT3,
    RNN,
    DeepTransitionRNN,
    GatedFeedback,
    MultiplicativeRNN,
    PeepholeLSTM,
    by_hand,
)
from rnnlib.storage import load, save

__all__ = [
    "GRU",
    "LSTM",
    "LSTM1997",
    "MUT1",
    "MUT2",
    "MUT3",
    "RNN",
    "Bidirectional",
    "DeepTransitionRNN",
    "Dense",
    "Embedding",
    "GatedFeedback",
    "Imaginet",
    "MultiplicativeRNN",
    "Network",
    "PeepholeLSTM",
    "by_hand",
    "check",
    "hint",
    "lend",
    "load",
    "save",
]
