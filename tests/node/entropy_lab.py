"""Noise sources for tests of what runs on them, and appliances as bad as they come, on the loopback interface."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from haris.node.pki.mutual_tls import TlsFiles, server_context
from haris.nouns.document import parse_document
from haris.quantum.entropy.source import EntropySource
from haris.quantum.entropy.sources import source_of


def VACUUM(bits: int) -> EntropySource:
    """Vacuum fluctuations that fill a converter of so many bits."""
    text = f"""
        [source]
        name = "vacuum"
        adc_bits = {bits}
        range_v = 1.0
        clock_hz = 100e6
        signal_rms_v = 0.25
        dark_rms_v = 0.05
        calibration_samples = 10000000
    """
    return source_of(parse_document(text))


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
