"""The cells: one family a file, its equations forward and its equations backward."""
