"""The control layer: what the network looks like, and which way keys take through it."""
