"""A software token for tests: SoftHSM2, in a folder of its own. Skips where Debian's softhsm2 is not installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODULE = next(
    (p for p in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so")) if p.exists()), None
)
PIN = b"7531"
LABEL = "haris"

needs_softhsm = pytest.mark.skipif(
    MODULE is None or shutil.which("softhsm2-util") is None, reason="needs the package softhsm2"
)


def make_token(folder: Path) -> dict[str, str]:
    """A fresh token; the environment in which a process finds it."""
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    environment = {**os.environ, "SOFTHSM2_CONF": str(configuration)}
    command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN.decode()]
    command += ["--so-pin", "86420000"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return environment
