"""The LSTM whose gates also see the memory: the dotted wires are the peepholes (fig. 4.1)."""

from cells import peephole_lstm, sheet_of
from style import save

save(sheet_of(peephole_lstm()), __file__)
