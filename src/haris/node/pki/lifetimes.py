"""When the certificates of a node expire, for its metrics; node/pki/expiry.py makes the alarms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from haris.node.pki.credentials import read_certificates
from haris.nouns.errors import ParameterError


def expiries_s(files: Mapping[str, Path]) -> dict[str, float]:
    """When the first certificate in each PEM file to expire does, seconds since 1970; a file without is left out."""
    found = {}
    for name, path in files.items():
        try:
            found[name] = min(each.not_valid_after_utc.timestamp() for each in read_certificates(path))
        except ParameterError:
            continue
    return found
