"""The gateway to other operators."""
