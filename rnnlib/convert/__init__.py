"""Weights to and from other libraries, by what `rnnlib.convert.conventions` says of each.

Each library has a module of its own, which alone imports it: `rnnlib.convert.torch`, `rnnlib.convert.keras` and
`rnnlib.convert.onnx`.
"""
