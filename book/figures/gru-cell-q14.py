"""Question 14 in the GRU cell: the candidate: the input, and the old state after the reset."""

from cells import gru, sheet_of
from style import save

save(sheet_of(gru(), lit={"x_t", "h_{t-1}", "W_{hn}", "reset", "r_t>", "n_t"}), __file__)
