"""Cost that must not grow faster than the work: one function for each row, in any module of this package."""
