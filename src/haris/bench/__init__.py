"""Goals, and the peers measured in the same run."""
