"""The GRU cell, one time step: the reset gate on the way to the candidate, the update gate as a mixer (fig. 5.1)."""

from cells import gru, sheet_of
from style import save

save(sheet_of(gru()), __file__)
