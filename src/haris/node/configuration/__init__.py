"""What people write for a site: NODE.toml, table by table."""
