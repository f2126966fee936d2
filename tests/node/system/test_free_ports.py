"""Ports for servers that are about to start."""

import json
import socket
import subprocess
import sys

import pytest

from haris.node.system import free_ports as module
from haris.node.system.free_ports import free_ports

HOLD = (
    "import json, sys; from haris.node.system.free_ports import free_ports; "
    "print(json.dumps(free_ports(500)), flush=True)"
)


def test_no_port_is_given_twice_to_one_process_or_to_two():
    command = [sys.executable, "-c", f"{HOLD}; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        theirs = json.loads(other.stdout.readline())
        ours = free_ports(500) + free_ports(500)
        other.stdin.close()
    assert len({*ours, *theirs}) == 1500
    assert max(*ours, *theirs) < 32_768


def test_a_port_that_somebody_listens_on_is_not_given(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(module, "_RANGE", range(port, port + 1))
        with pytest.raises(OSError, match="no 1 free ports"):
            free_ports(1)


def test_the_ports_of_a_process_that_ended_are_given_again(monkeypatch):
    ended = json.loads(subprocess.run([sys.executable, "-c", HOLD], capture_output=True, check=True).stdout)[0]
    monkeypatch.setattr(module, "_RANGE", range(ended, ended + 1))
    assert free_ports(1) == [ended]
