"""The key management layer."""
