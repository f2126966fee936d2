"""A back-up put back where its store belongs; what is void of it, node/store/witness.py says (restored)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from haris.nouns.errors import ParameterError


def put_back(backup: Path, path: Path) -> None:
    """Copy a back-up to a place that is free, whole on the disk on return. ParameterError when a store lies there."""
    for place in (path, path.with_name(path.name + "-wal")):
        if place.exists():
            raise ParameterError(f"{place} exists: stop the site and move its store away first")
    with backup.open("rb") as source:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
