"""Question 5 in the LSTM cell: the output gate, what it reads and what it lets out."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm(), lit={"x_t", "h_{t-1}", "o_t", "let out", ">let out", "h_t"}), __file__)
