"""The Markdown of record: closed blocks of a growing text, and their safe HTML."""
