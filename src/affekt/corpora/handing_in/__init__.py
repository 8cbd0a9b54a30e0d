"""Predictions → files laid out as a corpus' own labels are, which is how challenges want them handed in."""
