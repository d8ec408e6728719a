"""Question 10 in the GRU cell: 1 −, the other half of the mixture."""

from cells import gru, sheet_of
from style import save

save(sheet_of(gru(), lit={"z_t", "z_t>", "1 −", "keep", "renew", "add"}), __file__)
