"""The exercises: one module an assignment, whose list ``EXERCISES`` is found by itself."""
