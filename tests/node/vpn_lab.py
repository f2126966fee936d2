"""Two VPN ends on one machine: a network namespace each, a cable between them, and the userland daemons within.

Everything made here is ended by its process id or by the name of a namespace that was made here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

CHARON = next((p for p in ("/usr/sbin/charon-systemd", "/usr/libexec/ipsec/charon") if Path(p).exists()), "")
PLUGINS = Path("/usr/lib/ipsec/plugins")
END_S = 5.0
_CLONE_NEWNET = 0x40000000


def lacking(vpn: str) -> str:
    """Why a VPN of this kind ("ipsec", "wireguard") cannot be tried here; "" when it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not Path("/dev/net/tun").exists():
        return "this machine has no /dev/net/tun"
    if vpn == "ipsec":
        if not CHARON.endswith("charon-systemd") or not (PLUGINS / "libstrongswan-kernel-libipsec.so").exists():
            return "Debian packages charon-systemd and libcharon-extra-plugins are absent"
        tools = {"ip": "iproute2", "ping": "iputils-ping"}
    else:
        tools = {"ip": "iproute2", "ping": "iputils-ping", "wg": "wireguard-tools", "wireguard-go": "wireguard-go"}
    absent = [package for tool, package in tools.items() if shutil.which(tool) is None]
    if absent:
        return f"Debian packages {', '.join(absent)} are absent"
    made = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "" if made.returncode == 0 else "network namespaces cannot be made here"


class End:
    """One end: a namespace, its address on the cable, and the address of the network behind it (on its loopback)."""

    def __init__(self, lab: VpnLab, name: str, number: int) -> None:
        self.namespace = f"hv{os.getpid()}{name}"
        self.folder = lab.folder / name
        self.folder.mkdir()
        self.outer, self.inner = f"10.91.0.{number}", f"10.91.{number}.1"
        self.cable = f"hv{os.getpid() % 100000}{name}"

    def command(self, *words: str) -> list[str]:
        """The command line that runs words within this namespace."""
        return ["ip", "netns", "exec", self.namespace, *words]

    def run(self, *words: str) -> str:
        """Run words within this namespace to their end; their output."""
        return call(*self.command(*words))

    def ip(self, *words: str) -> str:
        """ip, in this namespace."""
        return call("ip", "-n", self.namespace, *words)

    def within(self, make: Callable[[], socket.socket]) -> socket.socket:
        """A socket of this process that lives in this namespace: where the thread was that made it."""
        made: list[socket.socket | OSError] = []

        def enter() -> None:
            with open(f"/run/netns/{self.namespace}") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET):
                    made.append(OSError(ctypes.get_errno(), "setns"))
                else:
                    made.append(make())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]


class VpnLab:
    """Ends a and b, joined by a cable. A context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.a, self.b = End(self, "a", 1), End(self, "b", 2)

    def __enter__(self) -> VpnLab:
        try:
            for end in self.ends:
                call("ip", "netns", "add", end.namespace)
            call("ip", "link", "add", self.a.cable, "netns", self.a.namespace, "type", "veth",
                 "peer", "name", self.b.cable, "netns", self.b.namespace)  # fmt: skip
            for end in self.ends:
                end.ip("addr", "add", f"{end.outer}/24", "dev", end.cable)
                end.ip("addr", "add", f"{end.inner}/32", "dev", "lo")
                end.ip("link", "set", "lo", "up")
                end.ip("link", "set", end.cable, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            end_process(process)
        for end in self.ends:
            subprocess.run(["ip", "netns", "del", end.namespace], capture_output=True, check=False)

    @property
    def ends(self) -> tuple[End, End]:
        """Both."""
        return self.a, self.b

    def start(self, end: End, *words: str, log: str = "", **options: object) -> subprocess.Popen[bytes]:
        """Start a daemon at an end. log: name of a file in its folder for what it says."""
        with (end.folder / (log or f"{Path(words[0]).name}.log")).open("ab") as out:
            process = subprocess.Popen(end.command(*words), stdout=out, stderr=out, **options)  # type: ignore[call-overload]
        self.processes.append(process)
        return process  # type: ignore[no-any-return]

    def start_charon(self, end: End) -> Path:
        """Start strongSwan at an end; its vici socket."""
        vici = end.folder / "vici"
        plugins = ("random", "nonce", "openssl", "pem", "pkcs1", "pkcs8", "pubkey", "x509", "constraints", "kdf",
                   "kernel-libipsec", "kernel-netlink", "socket-default", "vici")  # fmt: skip
        (end.folder / "strongswan.conf").write_text(
            f"""charon-systemd {{
  load = {" ".join(plugins)}
  journal {{
    default = -1
  }}
  filelog {{
    main {{
      path = {end.folder / "charon.log"}
      default = 1
      time_format = %H:%M:%S
      time_add_ms = yes
      flush_line = yes
    }}
  }}
  retransmit_tries = 3
  retransmit_timeout = 1.0
  plugins {{
    vici {{
      socket = unix://{vici}
    }}
  }}
}}
"""
        )
        environment = {**os.environ, "STRONGSWAN_CONF": str(end.folder / "strongswan.conf")}
        self.start(end, CHARON, log="charon.out", env=environment)
        wait_until(vici.exists, "charon opens its vici socket")
        return vici

    def start_wireguard(self, end: End, other: End) -> str:
        """Start WireGuard at an end, without a peer as yet; the interface's name."""
        name = f"hw{os.getpid() % 1000000}{end.folder.name}"
        self.start(end, "wireguard-go", "-f", name, env={**os.environ, "LOG_LEVEL": "error"})
        wait_until(Path(f"/var/run/wireguard/{name}.sock").exists, "wireguard-go opens its socket")
        secret = end.run("wg", "genkey").strip()
        (end.folder / "private").write_text(secret)
        end.run("wg", "set", name, "private-key", str(end.folder / "private"), "listen-port", "51820")
        end.ip("link", "set", name, "up")
        end.ip("route", "add", f"{other.inner}/32", "dev", name, "src", end.inner)
        return name


class Wiretap:
    """Hears every packet on an end's cable. clear: those that name both inner addresses where anybody can read them."""

    def __init__(self, end: End, other: End) -> None:
        self.n_packets = self.n_clear = 0
        self._inner = [socket.inet_aton(address) for address in (end.inner, other.inner)]

        def tap() -> socket.socket:
            tapped = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
            tapped.bind((end.cable, 0))
            return tapped

        self._socket = end.within(tap)
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def close(self) -> None:
        """Hear no more."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _hear(self) -> None:
        packet = self._socket.recv(1 << 16)
        self.n_packets += 1
        self.n_clear += all(address in packet for address in self._inner)


class Forwarder:
    """A port on an end's loopback interface that leads to a port of this process's own one."""

    def __init__(self, end: End, port: int, to: int) -> None:
        self._listening = end.within(lambda: socket.create_server(("127.0.0.1", port)))
        self._to = to
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Forwarder:
        self._server = await asyncio.start_server(self._serve, sock=self._listening)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, towards = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, towards), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        try:
            while octets := await reader.read(1 << 16):
                writer.write(octets)
                await writer.drain()
        finally:
            writer.close()


def call(*words: str) -> str:
    """Run a command to its end; its output. AssertionError with what it says when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()}"
    return done.stdout


def end_process(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """End a process that was started here, and wait for it."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def wait_until(condition: object, what: str, within_s: float = 10.0) -> None:
    """Wait for a condition, at most within_s."""
    end = time.monotonic() + within_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, f"not in {within_s:g} s: {what}"
        time.sleep(0.02)
