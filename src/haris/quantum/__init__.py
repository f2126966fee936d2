"""The quantum layer."""
