"""Question 8 in the LSTM cell: the old memory, and where it goes."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm(), lit={"c_{t-1}", "c_{t-1}>", "keep", "add"}), __file__)
