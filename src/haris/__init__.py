"""haris: quantum key distribution from light to a protected transaction."""
