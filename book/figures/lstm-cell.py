"""The LSTM cell, one time step: what each gate reads and what it multiplies (fig. 1.3)."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm()), __file__)
