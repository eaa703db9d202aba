"""Whoever writes: the extractive writer and language models, behind one seam."""
