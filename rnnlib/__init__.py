"""Recurrent neural networks by hand, in numpy: the package that the course's notebooks call."""

from rnnlib.checks import check
from rnnlib.layers import GRU, LSTM, RNN, Dense, Network

__all__ = ["GRU", "LSTM", "RNN", "Dense", "Network", "check"]
