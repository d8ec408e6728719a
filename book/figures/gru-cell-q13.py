"""Question 13 in the GRU cell: the new state, a mixture of the old one and the candidate."""

from cells import gru, sheet_of
from style import save

save(sheet_of(gru(), lit={"h_{t-1}", "n_t", "keep", "renew", "add", "h_t"}), __file__)
