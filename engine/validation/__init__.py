"""Whether a formatted text keeps to its form: rules for plain text, with no I/O and no model."""
