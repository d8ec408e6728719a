"""Question 1 in the LSTM cell: σ: the three gates, each between 0 and 1."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm(), lit={"f_t", "i_t", "o_t"}), __file__)
