"""Spans: two neighbouring sites, one connection, blocks of key made together."""
