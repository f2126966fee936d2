"""One file per protocol: what both ends agree on."""
