"""Certificates and the private keys behind them: read, judged, made, revoked."""
