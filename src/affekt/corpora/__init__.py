"""Researchers' data: a corpus' folder → recordings with their gold → prepared clips on disk."""
