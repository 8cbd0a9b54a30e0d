"""Predictions and gold, in whatever layout, brought to the same rows."""
