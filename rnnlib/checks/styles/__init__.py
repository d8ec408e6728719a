"""Right solutions in the styles that students write, one module an assignment: each must get full points."""
