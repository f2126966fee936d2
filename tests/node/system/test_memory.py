"""What a process that holds keys does with its memory."""

import json
import os
import resource
import subprocess
import sys

import pytest

from haris.node.system import memory

LOOK = """
import os, resource, sys
from haris.node.system.memory import overwrite_what_is_freed, protect_memory
overwrite_what_is_freed(["node", "x.toml"])
failed = protect_memory()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
import json, ctypes
print(json.dumps({
    "failed": failed, "core": resource.getrlimit(resource.RLIMIT_CORE), "malloc": os.environ.get("PYTHONMALLOC"),
    "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), "locked": int(status["VmLck"].split()[0]),
    "tunables": os.environ.get("GLIBC_TUNABLES"), "argv": sys.argv[1:],
}))
"""


def looked(*words, environment=None):
    command = [sys.executable, "-c", LOOK, *words]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, **(environment or {})})
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is protected by Linux")
def test_a_node_is_not_dumped_not_swapped_and_overwrites_what_it_frees():
    found = looked("node", "x.toml", "--json")
    assert found["core"] == [0, 0]
    assert found["dumpable"] == 0
    assert found["argv"] == ["node", "x.toml", "--json"]
    if not found["failed"]:
        assert found["locked"] > 0
    else:
        assert all("swap" in word for word in found["failed"])
    assert found["malloc"] == "malloc"
    assert "glibc.malloc.perturb=" in found["tunables"]
    assert "glibc.malloc.tcache_count=0" in found["tunables"]


def test_another_command_does_not_begin_anew_and_choices_by_hand_stay():
    assert looked("light", "x.toml")["malloc"] is None
    chosen = {"PYTHONMALLOC": "debug", "GLIBC_TUNABLES": "glibc.malloc.perturb=1:glibc.malloc.arena_max=2"}
    found = looked("node", "x.toml", environment=chosen)
    assert found["malloc"] == "debug"
    wanted = "glibc.malloc.perturb=1:glibc.malloc.arena_max=2:glibc.malloc.tcache_count=0"
    assert found["tunables"] == wanted


def test_a_limit_on_locked_memory_is_told_and_stops_nothing(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (65536, 65536))
    monkeypatch.setattr(memory, "Path", lambda path: type("Gone", (), {"exists": lambda self: False})())
    assert not memory._may_lock()
