"""One file per family: the product logic, read top to bottom."""
