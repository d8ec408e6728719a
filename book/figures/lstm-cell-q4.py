"""Question 4 in the LSTM cell: the forget gate, what it reads and what it multiplies."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm(), lit={"x_t", "h_{t-1}", "f_t", "c_{t-1}", "keep"}), __file__)
