"""Recordings decoded once: clips on disk, and how they are made and read."""
