"""Agents that key VPNs."""
