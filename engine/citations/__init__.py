"""Markers in a stream of text, their numbering, and how well a passage supports a sentence."""
