"""The cells: one family a file, its equations forward and its equations backward."""

from rnnlib.cells.cell import Cell
from rnnlib.cells.elman import Elman
from rnnlib.cells.gru import GRU
from rnnlib.cells.lstm import LSTM

__all__ = ["GRU", "LSTM", "Cell", "Elman"]
