"""Question 9 in the LSTM cell: the new memory: what it is added up from, and where it goes."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm(), lit={"keep", "let in", "add", "c_t", "c_t>"}), __file__)
