"""A module for each corpus' layout on disk, and what they share in walking folders and tables."""
