"""The papers' experiments, run again with rnnlib: `python -m experiments.NAME`, one file each."""
