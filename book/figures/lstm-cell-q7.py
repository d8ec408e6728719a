"""Question 7 in the LSTM cell: the input gate, what it reads and what it lets in."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm(), lit={"x_t", "h_{t-1}", "i_t", "let in", ">let in"}), __file__)
