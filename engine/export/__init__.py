"""Documents out: a draft as a file for other programs, and the evidence behind it."""
