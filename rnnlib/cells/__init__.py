"""The cells: one family a file, its equations forward and its equations backward."""

from rnnlib.cells.by_hand import ByHand
from rnnlib.cells.cell import Cell
from rnnlib.cells.deep_transition import DeepTransitionRNN
from rnnlib.cells.elman import Elman
from rnnlib.cells.gated_feedback import GatedFeedback
from rnnlib.cells.gru import GRU
from rnnlib.cells.lstm import LSTM
from rnnlib.cells.lstm1997 import LSTM1997
from rnnlib.cells.multiplicative import MultiplicativeRNN
from rnnlib.cells.mut import MUT1, MUT2, MUT3
from rnnlib.cells.peephole_lstm import PeepholeLSTM

__all__ = [
    "GRU",
    "LSTM",
    "LSTM1997",
    "MUT1",
    "MUT2",
    "MUT3",
    "ByHand",
    "Cell",
    "DeepTransitionRNN",
    "Elman",
    "GatedFeedback",
    "MultiplicativeRNN",
    "PeepholeLSTM",
]
