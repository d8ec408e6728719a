"""What a forward step of an exercise keeps for its backward step: the named tuples that the student's code fills."""

from typing import NamedTuple

import numpy as np


class LSTMCache(NamedTuple):
    """What `lstm_step_backward` needs of an LSTM's step: every entry but `x` is of shape (B, H)."""

    x: np.ndarray  #: the input, (B, D)
    h_prev: np.ndarray  #: the state before
    c_prev: np.ndarray  #: the memory before
    i: np.ndarray  #: input gate
    f: np.ndarray  #: forget gate
    g: np.ndarray  #: candidate
    o: np.ndarray  #: output gate
    tanh_c: np.ndarray  #: tanh of the new memory


class GRUCache(NamedTuple):
    """What `gru_step_backward` needs of a GRU's step: every entry but `x` is of shape (B, H)."""

    x: np.ndarray  #: the input, (B, D)
    h_prev: np.ndarray  #: the state before
    r: np.ndarray  #: reset gate
    z: np.ndarray  #: update gate
    n: np.ndarray  #: candidate
    h_n: np.ndarray  #: the candidate's recurrent product ``h_prev @ W_hn``, before the reset gate acts on it


class MUT1Cache(NamedTuple):
    """What `mut1_step_backward` needs of a MUT1 step: every entry is of shape (B, H), for D is H."""

    x: np.ndarray  #: the input
    h_prev: np.ndarray  #: the state before
    r: np.ndarray  #: reset gate
    z: np.ndarray  #: update gate
    n: np.ndarray  #: candidate
    tanh_x: np.ndarray  #: tanh of the input
