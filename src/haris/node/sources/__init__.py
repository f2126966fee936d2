"""Makers' boxes that feed spans: one file an interface."""
