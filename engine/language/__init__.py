"""Rules about text that need no I/O: words, stop words, sentences."""
