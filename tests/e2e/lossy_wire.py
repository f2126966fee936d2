"""A wire that loses, repeats and reorders packets: a TUN device of the test's own, which vanishes with its process.

What this machine sends to THERE comes back to it at HERE, as if THERE had sent it: source and destination change places
in every packet, which leaves all checksums as they are. So a site that calls THERE:port reaches HERE:port over packets
of which some are lost, some come twice and some come late. No kernel module for it is wanted, but root is.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import struct
import subprocess
from collections import Counter
from pathlib import Path

HERE, THERE = "198.18.0.1", "198.18.0.2"
"""Of the network that RFC 2544 keeps for trials."""

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_DEVICE = Path("/dev/net/tun")


class LossyWire:
    """The wire. p_lost, p_repeated, p_late: of each packet. happened: how many of each there were."""

    def __init__(self, chance: random.Random) -> None:
        self.p_lost = self.p_repeated = self.p_late = 0.0
        self.happened: Counter[str] = Counter()
        self._chance = chance
        self._file = -1

    @staticmethod
    def why_not() -> str | None:
        """Why there can be no such wire here; None when there can."""
        if os.geteuid() != 0:
            return "a TUN device wants root"
        return None if _DEVICE.exists() else f"there is no {_DEVICE}"

    def start(self) -> None:
        """Make the device; call it within the loop."""
        name = f"haris{os.getpid() % 100_000}"
        self._file = os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._file, _TUNSETIFF, struct.pack("16sH14x", name.encode(), _IFF_TUN | _IFF_NO_PI))
        subprocess.run(["ip", "addr", "add", f"{HERE}/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        asyncio.get_running_loop().add_reader(self._file, self._carry)

    def stop(self) -> None:
        if self._file >= 0:
            asyncio.get_running_loop().remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def trouble(self, p_lost: float, p_repeated: float, p_late: float) -> None:
        """From now on."""
        self.p_lost, self.p_repeated, self.p_late = p_lost, p_repeated, p_late

    def _carry(self) -> None:
        for _ in range(64):
            try:
                packet = os.read(self._file, 1 << 16)
            except BlockingIOError:
                return
            if packet[0] >> 4 == 4:
                self._pass(packet[:12] + packet[16:20] + packet[12:16] + packet[20:])

    def _pass(self, packet: bytes) -> None:
        self.happened["carried"] += 1
        if self._chance.random() < self.p_lost:
            self.happened["lost"] += 1
            return
        if self._chance.random() < self.p_repeated:
            self.happened["repeated"] += 1
            self._write(packet)
        if self._chance.random() < self.p_late:
            self.happened["reordered"] += 1
            asyncio.get_running_loop().call_later(self._chance.uniform(0.005, 0.1), self._write, packet)
        else:
            self._write(packet)

    def _write(self, packet: bytes) -> None:
        if self._file >= 0:
            try:
                os.write(self._file, packet)
            except BlockingIOError:
                self.happened["lost"] += 1
