"""Noise sources for tests of what runs on them, and appliances as bad as they come, on the loopback interface."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from haris.node.entropy.pipeline import Pipeline
from haris.node.entropy.pool import Pool
from haris.node.entropy.supply import RandomSupply
from haris.node.entropy.supply_toml import SupplyTable
from haris.node.pki.mutual_tls import TlsFiles, server_context
from haris.nouns.document import parse_document
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.source import Emission, EntropySource
from haris.quantum.entropy.sources import source_of
from haris.wire.randomness import Birth


def VACUUM(bits: int, extraction: str = "") -> EntropySource:
    """Vacuum fluctuations that fill a converter of so many bits. extraction: lines of its table."""
    text = f"""
        [source]
        name = "vacuum"
        adc_bits = {bits}
        range_v = 1.0
        clock_hz = 1e5
        signal_rms_v = 0.25
        dark_rms_v = 0.05
        calibration_samples = 10000000
        [extraction]
        {extraction}
    """
    return source_of(parse_document(text))


BAD = 255
"""A sample that CountedTests do not pass."""


@dataclass
class Found:
    detail: str


class CountedTests:
    """Passed after two reads; a sample of BAD fails, at once. detects_within: as a test may wish."""

    detects_within: Mapping[str, int] = {"bad": 1}

    def __init__(self) -> None:
        self.n_fed = 0

    @property
    def started(self) -> bool:
        return self.n_fed >= 2

    def feed(self, samples: RawSamples) -> Sequence[Found]:
        self.n_fed += 1
        return [Found("a bad sample")] if (samples.values == BAD).any() else []


class ScriptedDevice:
    """Reads by their number, from 1 on: all samples of a read are its number, or what script makes of it."""

    name = "scripted"

    def __init__(self, script: Callable[[int], int | Exception], birth: Birth = Birth.MEASURED) -> None:
        self.script, self.birth, self.n_read, self.n_opened = script, birth, 0, 0

    def open(self) -> None:
        self.n_opened += 1

    def read(self, n_samples: int) -> Emission:
        self.n_read += 1
        said = self.script(self.n_read)
        if isinstance(said, Exception):
            raise said
        return Emission(RawSamples(np.full(n_samples, said, np.uint8), 8))

    def close(self) -> None:
        pass


def first_samples(samples: RawSamples, n_blocks: int, out_bits: int) -> bytes:
    """No hash: so that a test sees which read an octet of the pool is from."""
    return samples.values[: n_blocks * out_bits // 8].tobytes()


def counted_octets(first: int, n_octets: int) -> bytes:
    """Octets of which no 16 in a row repeat: so that a test sees what is given twice."""
    return hashlib.shake_256(b"%d" % first).digest(n_octets)


class StillSupply:
    """A supply without a thread: fill and fail do what its pipeline would."""

    def __init__(self, birth: Birth = Birth.MEASURED, **table: Any) -> None:
        self.table = SupplyTable(**table)
        self.pool = Pool(self.table.pool_octets, "the start-up tests are not passed yet")
        pipeline = Pipeline(ScriptedDevice(int, birth), VACUUM(8), CountedTests, first_samples, self.pool, print)
        self.supply = RandomSupply(self.table, "vacuum", "scripted", self.pool, pipeline)
        self.n_filled = 0

    def fill(self, n_octets: int) -> bytes:
        """Bits of a healthy source."""
        if self.pool.reason:
            self.pool.open()
        self.n_filled += 1
        octets = counted_octets(self.n_filled, n_octets)
        assert self.pool.put(octets, 0.0) == n_octets
        return octets

    def fail(self, reason: str) -> None:
        """The source has failed."""
        self.pool.close(reason)


class Appliance:
    """What it gave and what it was asked. flaw: one of the words that are looked for below."""

    def __init__(self, flaw: str) -> None:
        self.flaw, self.given, self.url = flaw, b"", ""
        self.queries: list[dict[str, str]] = []


@contextmanager
def appliance_server(flaw: str = "", files: TlsFiles | None = None) -> Iterator[Appliance]:
    """An appliance at .url, and SKIP's /entropy beside it."""
    appliance = Appliance(flaw)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            appliance.queries.append(query)
            if flaw == "blocks":
                time.sleep(1.5)
            if parts.path == "/entropy":
                bits = int(query["minentropy"])
                octets = os.urandom(bits // 8 - (flaw == "less"))
                body = json.dumps({"randomStr": octets.hex(), "minentropy": 8 * len(octets)}).encode()
            else:
                octets = os.urandom(int(query["length"]) - (flaw == "short"))
                body = octets.hex().encode() if query["format"] == "HEX" else octets
            appliance.given += octets
            body = {"long": body + 1000 * b"0", "no hex": b"z" + body[1:]}.get(flaw, body)
            self.send_response({"error": 500, "moved": 302}.get(flaw, 200))
            self.send_header("Content-Length", str(len(body)))
            if flaw == "moved":
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            with suppress(OSError):  # who has waited enough goes away
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if files is not None:
        server.socket = server_context(files).wrap_socket(server.socket, server_side=True)
    appliance.url = f"{'https' if files else 'http'}://127.0.0.1:{server.server_port}/random"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield appliance
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
