"""Question 3 in the LSTM cell: the products entry by entry, and what meets in them."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm(), lit={"keep", "let in", "let out", ">keep", ">let in", ">let out"}), __file__)
