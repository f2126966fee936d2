"""Tags, one-time pads and sealing at rest."""
