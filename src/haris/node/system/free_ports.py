"""Ports of this machine for servers that are about to start: nobody else takes them in the meantime."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

_RANGE = range(15_000, 32_000)
"""Below those that systems give to clients (Linux from 32768, others from 49152): a client could take one before us."""

_given: set[int] = set()


def free_ports(n_ports: int) -> list[int]:
    """Different ports of the loopback interface that nobody listens on, and that no other caller gets.

    They are this process's until it ends: it holds a lock for each, which every process of the same user asks for.
    Raises OSError when there are not so many.
    """
    ports: list[int] = []
    for port in random.SystemRandom().sample(_RANGE, len(_RANGE)):
        if port not in _given and _is_ours(port) and _is_free(port):
            _given.add(port)
            ports.append(port)
        if len(ports) == n_ports:
            return ports
    raise OSError(f"there are no {n_ports} free ports from {_RANGE.start} to {_RANGE.stop}")


def _is_ours(port: int) -> bool:
    """Lock the octet of this number in a file that all share; a lock ends with its process."""
    with contextlib.suppress(OSError):
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        return True
    return False


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        probe.bind(("127.0.0.1", port))
        return True
    return False


@cache
def _locks() -> int:
    """Never closed: closing would end every lock of this process."""
    path = Path(tempfile.gettempdir()) / f"haris-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
