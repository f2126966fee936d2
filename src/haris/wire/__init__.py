"""One standard a file, messages only."""
