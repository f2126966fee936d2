"""Published experiments as data, and their recomputation."""
