"""Recurrent neural networks by hand, in numpy: the package that the course's notebooks call."""

from rnnlib.checks import check
from rnnlib.layers import Dense
from rnnlib.network import Network
from rnnlib.recurrent import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN", "Dense", "Network", "check"]
