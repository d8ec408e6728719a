"""Question 12 in the GRU cell: the reset gate, what it reads and what it multiplies."""

from cells import gru, sheet_of
from style import save

save(sheet_of(gru(), lit={"x_t", "h_{t-1}", "r_t", "W_{hn}", "reset"}), __file__)
