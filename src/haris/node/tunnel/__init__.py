"""The two ends of a tunnel, as processes."""
