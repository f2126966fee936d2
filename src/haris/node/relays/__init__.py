"""Relay at one site: ways, shares, and the sessions of the end-to-end layer."""
