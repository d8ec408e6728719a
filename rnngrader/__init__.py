"""What an instructor runs: release and grade the assignments through nbgrader, with nothing lost on the way."""
