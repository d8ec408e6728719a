"""Data: sequences to learn from."""
