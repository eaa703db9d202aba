"""Files in, text with structure out; hostile input is parsed in a child process."""
