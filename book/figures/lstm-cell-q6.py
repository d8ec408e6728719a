"""Question 6 in the LSTM cell: the input: four copies, of which one becomes the candidate."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm(), lit={"x_t", "x_t>", "g_t"}), __file__)
