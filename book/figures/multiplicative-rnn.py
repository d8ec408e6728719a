"""The multiplicative RNN, one time step: factors of the input multiply the recurrent path (fig. 2.1b)."""

from cells import multiplicative_rnn, sheet_of
from style import save

save(sheet_of(multiplicative_rnn(), above=110), __file__)
