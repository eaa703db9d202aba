"""The road: events, journal, run lifecycle, dialects and frames."""
