"""After keys were delivered, none of them is in the memory of the key managers that delivered them."""

import base64
import json
import os
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from memory_image import Scanner, summary

from haris.bench import key_sites

N_KEYS = 1000
only_root = pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/proc/self/mem").exists(), reason="only root reads another process's memory"
)


@cache
def context_of(folder, sae):
    context = ssl.create_default_context(cafile=folder / "pki/ca.crt")
    context.load_cert_chain(folder / f"pki/{sae}.crt", folder / f"pki/{sae}.key")
    return context


def asked(folder, sae, port, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", data)
    with urllib.request.urlopen(request, context=context_of(folder, sae)) as answer:
        return json.loads(answer.read())


def drawn_and_fetched(folder, here, there, sizes, wish=""):
    """Keys that a master has drawn in answers of these sizes, and its slave has fetched. wish: more of the query."""
    keys = []
    for n_keys in sizes:
        path = f"/api/v1/keys/sae-{there.name}/enc_keys?number={n_keys}{wish}"
        answer = asked(folder, f"sae-{here.name}", here.port, path)
        named = {"key_IDs": [{"key_ID": key["key_ID"]} for key in answer["keys"]]}
        path = f"/api/v1/keys/sae-{here.name}/dec_keys"
        fetched = asked(folder, f"sae-{there.name}", there.port, path, named)
        assert [key["key"] for key in fetched["keys"]] == [key["key"] for key in answer["keys"]]
        keys += [base64.b64decode(key["key"]) for key in answer["keys"]]
    return keys


def processes(folder):
    """The pid of each site."""
    found = {}
    for path in list(Path("/proc").glob("[0-9]*/cmdline")):
        with suppress(OSError):  # another process has ended
            words = path.read_bytes().split(b"\0")
            found |= {site: int(path.parent.name) for site in key_sites.SITES if _toml(folder, site) in words}
    return found


def _toml(folder, site):
    return str(folder / f"{site}.toml").encode()


def test_no_delivered_key_is_left_in_memory(tmp_path):
    east, west = key_sites.two_sites(tmp_path)
    key_sites.preload(tmp_path, 3 * N_KEYS, np.random.default_rng(7))
    with key_sites.running(tmp_path, (east, west)):
        sizes = [1] * 60 + [20] * 22
        keys = drawn_and_fetched(tmp_path, east, west, sizes)  # from leases
        keys += drawn_and_fetched(tmp_path, west, east, sizes, "&size=512")  # by assignments
        assert len(set(keys)) == N_KEYS
        planted = os.urandom(32)
        for path in (planted.hex(), base64.urlsafe_b64encode(planted[:24]).decode()):
            with pytest.raises(urllib.error.HTTPError, match="404"):  # the path stays in a table of the server
                asked(tmp_path, "sae-east", east.port, f"/{path}")
        scanner, pids = Scanner([*keys, planted]), processes(tmp_path)
        finds = {site: scanner.scan(pids[site]) for site in pids}
    assert set(finds) == {"east", "west"}
    assert {find.form for find in finds["east"] if find.key == N_KEYS} >= {"hex"}
    leaked = {site: summary([f for f in finds[site] if f.key < N_KEYS]) for site in finds}
    assert leaked == {"east": "", "west": ""}


HOLDS = "import sys, base64; k = bytes.fromhex(sys.stdin.readline()); h = {}; print(flush=True); sys.stdin.readline()"


@contextmanager
def holding(form, key):
    """A process that keeps a key in some form."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", HOLDS.format(form)], stdin=pipe, stdout=pipe, text=True)
    process.stdin.write(bytes(255 - octet for octet in key).hex() + "\n")
    process.stdin.flush()
    process.stdout.readline()
    yield process.pid
    process.communicate("\n")


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("bytes(255 - o for o in k)", "raw"),
        ("bytes(255 - o for o in k)[13:21] + bytes(9)", "raw"),
        ("bytes(255 - o for o in k).hex()", "hex"),
        ("bytes(255 - o for o in k).hex().upper()", "HEX"),
        ("base64.b64encode(bytes(255 - o for o in k))", "base64"),
        ("None", None),
    ],
)
def test_the_scan_finds_a_planted_key_of_each_form(form, wanted):
    key = os.urandom(32)
    with holding(form, key) as pid:
        finds = Scanner([os.urandom(32), key]).scan(pid)
    assert {find.key for find in finds} == (set() if wanted is None else {1})
    assert wanted is None or wanted in {find.form for find in finds}
