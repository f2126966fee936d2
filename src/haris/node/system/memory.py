"""Memory of a process that holds keys: kept from core dumps and swap, and overwritten when it is freed.

Buffers of our own are wiped after use. What libraries and the interpreter copy beside is overwritten by the C library
when it is freed, which needs settings that glibc and Python read at their start: the process begins anew with them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path

_M_ARENA_MAX = -8
_PR_SET_DUMPABLE = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14
_OVERWRITING = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0"}
"""malloc: Python's own allocator does not give back what it frees. perturb: freed octets are overwritten. tcache_count:
but not those in a thread's cache of freed memory, which is therefore off (glibc manual, Memory Allocation Tunables)."""


def share_one_arena() -> None:
    """Have all threads allocate from one arena of the C library (glibc; elsewhere nothing happens).

    A block's arrays are large and short-lived, and are freed by another thread as often as not: with an arena for each
    thread a site keeps a third more memory than it uses.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def overwrite_what_is_freed(words: Sequence[str]) -> None:
    """Begin this process anew, once, with an allocator that overwrites what is freed. Returns where that cannot be.

    words: of the command line, so that only the process that was started by it begins anew. It costs a seventh of the
    speed of the key manager.
    """
    environment = dict(os.environ)
    started_so = all(word in sys.orig_argv for word in words)
    if not started_so or platform.libc_ver()[0] != "glibc" or not _set_overwriting(environment):
        return
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def protect_memory() -> list[str]:
    """No core dumps, and no page of this process in swap. Returns in words what the system does not allow."""
    failed = []
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
            failed.append(f"the kernel may dump this process: {os.strerror(ctypes.get_errno())}")
        if not _may_lock():
            failed.append("keys may be swapped out: locking memory needs CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK")
        elif libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT):
            failed.append(f"keys may be swapped out: {os.strerror(ctypes.get_errno())}")
    except (OSError, AttributeError) as error:
        failed.append(f"this system does not keep memory from dumps and swap: {error}")
    return failed


def _set_overwriting(environment: MutableMapping[str, str]) -> bool:
    """Add what is missing; whether anything was. An allocator or a tunable that was chosen by hand stays."""
    before = dict(environment)
    environment.setdefault("PYTHONMALLOC", _OVERWRITING["PYTHONMALLOC"])
    tunables = [each for each in environment.get("GLIBC_TUNABLES", "").split(":") if each]
    chosen = {each.partition("=")[0] for each in tunables}
    added = [each for each in _OVERWRITING["GLIBC_TUNABLES"].split(":") if each.partition("=")[0] not in chosen]
    environment["GLIBC_TUNABLES"] = ":".join([*tunables, *added])
    return environment != before


def _may_lock() -> bool:
    """Whether all memory may be locked for good: under a limit, some later allocation would fail."""
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        return True
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    effective = next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
    return bool(effective >> _CAP_IPC_LOCK & 1)
