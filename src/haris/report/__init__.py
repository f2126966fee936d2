"""Figures and documents from values."""
