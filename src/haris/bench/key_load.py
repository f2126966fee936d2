"""A load generator for two key managers: masters that draw keys at one, slaves that fetch the same ones at the other.

It shares its processors with those that it measures, and so does little: TLS over memory buffers, one epoll, requests
that are cut from what the answers hold. Every key is compared: what the slave's site gives must be what the master's
site gave.

Run as a process of its own: `python -m haris.bench.key_load`, a Task in JSON on its input, then a line to start; the
Result in JSON on its output.
"""

from __future__ import annotations

import select
import socket
import ssl
import sys
from array import array
from collections import deque
from dataclasses import dataclass
from time import perf_counter

import msgspec
import numpy as np

from haris.kernels.key_container import read_key_container, write_key_ids
from haris.nouns.errors import PeerError

_CHUNK = 64 * 1024
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"Content-Length: "


@dataclass(frozen=True, slots=True)
class End:
    """One site as one of its applications sees it. PEM files for mutual TLS; sae: whom the keys are shared with."""

    host: str
    port: int
    certificate: str
    private_key: str
    authority: str
    path: str


@dataclass(frozen=True, slots=True)
class Task:
    """master, slave: where keys are drawn and fetched; slave None: only draw, whatever the answer is.

    n_requests of n_keys over n_connections at each end. depth: answers that may wait for their slave.
    """

    master: End
    slave: End | None
    n_requests: int
    n_keys: int
    n_connections: int

    @property
    def depth(self) -> int:
        """Answers that may wait for a slave before the masters pause."""
        return 2 * self.n_connections


@dataclass(frozen=True, slots=True)
class Result:
    """n_keys: fetched by their slaves, and equal. elapsed_s: from the first request to the last key fetched.

    drawn_s: until the last answer to a master. latencies_s: of each enc_keys, sorted by time.
    """

    n_keys: int
    elapsed_s: float
    drawn_s: float
    latencies_s: list[float]


class Connection:
    """One connection, kept alive: one request, one answer, and so on."""

    def __init__(self, end: End, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=end.host)
        self._socket = socket.create_connection((end.host, end.port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer, self._parts = bytearray(_CHUNK), bytearray()
        self.sent_at, self.about = 0.0, b""
        self._shake_hands()
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """For epoll."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Send a request; its answer comes by receive."""
        self._tls.write(request)
        self._socket.sendall(self._outgoing.read())

    def receive(self) -> bytes | None:
        """The body of the answer, None while it is not whole. PeerError when it is not 200 or the connection ends."""
        try:
            octets = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        if not octets:
            raise PeerError("the key manager closed the connection")
        self._incoming.write(octets)
        while self._incoming.pending:
            try:
                self._parts += self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                break
        return self._whole()

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._socket.sendall(self._outgoing.read())
                self._incoming.write(self._socket.recv(_CHUNK))
            else:
                self._socket.sendall(self._outgoing.read())
                return

    def _whole(self) -> bytes | None:
        parts = self._parts
        head = parts.find(_HEAD_END)
        if head < 0:
            return None
        at = parts.find(_LENGTH) + len(_LENGTH)
        end = head + len(_HEAD_END) + int(parts[at : parts.find(b"\r", at)])
        if len(parts) < end:
            return None
        if not parts.startswith(b"HTTP/1.1 200"):
            raise PeerError(f"the key manager answered {bytes(parts[:400])!r}")
        body = bytes(parts[head + len(_HEAD_END) : end])
        del parts[:end]
        return body


class Load:
    """One task at work."""

    def __init__(self, task: Task) -> None:
        self._task, self._epoll = task, select.epoll()
        self._masters = self._connect(task.master)
        self._slaves = self._connect(task.slave) if task.slave is not None else []
        self._by_fd = {each.fileno(): each for each in (*self._masters, *self._slaves)}
        self._drawing = set(self._masters)
        self._idle, self._resting = deque(self._slaves), deque(self._masters)
        self._fetching: deque[bytes] = deque()
        self._latencies = array("d")
        self._key_ids: list[bytes] = []
        query = f"?number={task.n_keys}" if task.slave is not None else ""
        self._enc = f"GET {task.master.path}{query} HTTP/1.1\r\nHost: {task.master.host}\r\n\r\n".encode()

    def run(self) -> Result:
        """Draw and fetch all, then close the connections. Raises PeerError for any answer but the right one."""
        try:
            return self._run()
        finally:
            self._epoll.close()
            for connection in self._by_fd.values():
                connection.close()

    def _run(self) -> Result:
        began = drawn_at = perf_counter()
        left, fetched = self._task.n_requests, 0
        target = self._task.n_requests if self._slaves else 0
        while len(self._latencies) < self._task.n_requests or fetched < target:
            while left and self._resting and len(self._fetching) < self._task.depth:
                master = self._resting.popleft()
                master.sent_at = perf_counter()
                master.send(self._enc)
                left -= 1
            for fd, _ in self._epoll.poll(10):
                connection = self._by_fd[fd]
                body = connection.receive()
                if body is None:
                    continue
                if connection in self._drawing:
                    drawn_at = perf_counter()
                    self._latencies.append(drawn_at - connection.sent_at)
                    self._resting.append(connection)
                    if self._slaves:
                        self._fetching.append(body)
                else:
                    fetched += self._compared(connection.about, body)
                    self._idle.append(connection)
                while self._fetching and self._idle:
                    self._fetch(self._idle.popleft(), self._fetching.popleft())
        ended = perf_counter()
        self._require_distinct()
        return Result(fetched * self._task.n_keys, ended - began, drawn_at - began, self._latencies.tolist())

    def _connect(self, end: End) -> list[Connection]:
        context = ssl.create_default_context(cafile=end.authority)
        context.load_cert_chain(end.certificate, end.private_key)
        made = [Connection(end, context) for _ in range(self._task.n_connections)]
        for connection in made:
            self._epoll.register(connection, select.EPOLLIN)
        return made

    def _fetch(self, slave: Connection, drawn: bytes) -> None:
        """Ask for the keys that a master was given."""
        end = self._task.slave
        assert end is not None
        if self._task.n_keys == 1:
            at = drawn.find(b'"key_ID":"') + 10
            name = drawn[at : at + 36]
            self._key_ids.append(name)
            slave.send(b"GET %s?key_ID=%s HTTP/1.1\r\nHost: x\r\n\r\n" % (end.path.encode(), name))
        else:
            found = read_key_container(drawn)
            if found is None or len(found.key_ids) != 16 * self._task.n_keys:
                raise PeerError("the key manager gave other keys than it was asked for")
            self._key_ids.append(found.key_ids)
            body = write_key_ids(found.key_ids)
            head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (end.path.encode(), len(body))
            slave.send(head + body)
        slave.about = drawn

    def _compared(self, drawn: bytes, fetched: bytes) -> int:
        """1 when a slave was given what the master was. The texts are equal, but for the order of the keys."""
        if drawn != fetched:
            ours, theirs = read_key_container(drawn), read_key_container(fetched)
            if ours is None or theirs is None or (ours.key_ids, ours.secrets) != (theirs.key_ids, theirs.secrets):
                raise PeerError("the two sites gave different keys")
        return 1

    def _require_distinct(self) -> None:
        size = 36 if self._task.n_keys == 1 else 16
        names = np.frombuffer(b"".join(self._key_ids), np.dtype(f"V{size}"))
        if len(np.unique(names)) != len(names):
            raise PeerError("a key was delivered twice")


def main() -> None:
    """One task, from the input to the output."""
    load = Load(msgspec.json.decode(sys.stdin.readline(), type=Task))
    print("ready", flush=True)
    sys.stdin.readline()
    print(msgspec.json.encode(load.run()).decode(), flush=True)


if __name__ == "__main__":
    main()
