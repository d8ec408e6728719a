"""Question 11 in the GRU cell: the update gate, what it reads and what it weighs."""

from cells import gru, sheet_of
from style import save

save(sheet_of(gru(), lit={"x_t", "h_{t-1}", "z_t", "z_t>", "keep", "1 −"}), __file__)
