"""Question 2 in the LSTM cell: tanh: of the candidate, and of the memory on its way out."""

from cells import lstm, sheet_of
from style import save

save(sheet_of(lstm(), lit={"g_t", "tanh"}), __file__)
