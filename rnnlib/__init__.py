"""Recurrent neural networks by hand, in numpy: the package that the course's notebooks call."""

from rnnlib.checks import check
from rnnlib.layers import RNN, Dense, Network

__all__ = ["RNN", "Dense", "Network", "check"]
