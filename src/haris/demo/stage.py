"""The stage: every process of the demonstration, in the order in which they need each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from haris.demo.laboratory import FIBRES, RADIO_DEG, SAES, Laboratory
from haris.demo.processes import Process
from haris.demo.radio import Radio
from haris.demo.watch import Watch
from haris.demo.wiretap import Wiretap
from haris.node.spans.light import tap
from haris.node.spans.reach import Windows
from haris.nouns.errors import KeyUnavailable
from haris.quantum.space.contacts import contacts_of
from haris.quantum.space.scenario import Scenario

FIRST = next(iter(FIBRES.spans))
REKEY_SECONDS = 1.0
REKEY_BYTES = 1 << 20


class Stage:
    """A running laboratory. seed: of the light (None: fresh). eve: share of the first fibre that she taps at first."""

    def __init__(self, laboratory: Laboratory, seed: str | None = None, eve: float = 0.0) -> None:
        self.laboratory = laboratory
        self.watch = Watch({span: alice for span, (alice, _) in laboratory.plot.spans.items()})
        self.wiretap = Wiretap(laboratory.ports["wiretap"], laboratory.ports["tunnel listen"])
        self.radios = _radios(laboratory)
        self.started_at = time.monotonic()
        self._lights = {span: self._light(span, seed, eve if span == FIRST else 0.0) for span in laboratory.plot.spans}
        self.sites = {site: self._site(site) for site in laboratory.plot.sites}
        self._tunnel = [self._tunnel_end("listen"), self._gateway(), self._tunnel_end("connect")]

    async def start(self) -> None:
        """Start everything; returns when all listen."""
        self.started_at = time.monotonic()
        processes = [*self._lights.values(), *self.sites.values(), *self._tunnel]
        lines = self._lines()
        await asyncio.gather(*(line.start() for line in lines), *(process.start() for process in processes))

    async def stop(self) -> None:
        """End everything that was started."""
        await asyncio.gather(*(process.stop() for process in self._all()))
        for line in self._lines():
            await line.stop()

    async def until(self, condition: Callable[[], bool], patience_s: float, what: str) -> None:
        """Wait for a condition. KeyUnavailable when it has not come true in time, HarisError when a process ended."""
        async with asyncio.timeout(patience_s) as limit:
            try:
                while not condition():
                    self.check()
                    await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                if limit.expired():
                    raise KeyUnavailable(f"{what} did not come within {patience_s:g} s") from None
                raise

    def check(self) -> None:
        """Raise HarisError if a process has ended by itself."""
        for process in self._all():
            process.check()

    async def tap(self, fraction: float, span: str = FIRST) -> None:
        """Let Eve intercept and resend a share of the pulses of a span."""
        await tap(self.laboratory.light(span), fraction)

    def peak_memory_mb(self) -> dict[str, float]:
        """The most memory that each process ever held."""
        return {process.name: round(process.peak_memory_mb(), 1) for process in self._all()}

    def _lines(self) -> list[Wiretap | Radio]:
        return [self.wiretap, *self.radios.values()]

    def _all(self) -> list[Process]:
        return [*self._tunnel, *self.sites.values(), *self._lights.values()]

    def _log(self, name: str) -> Path:
        return self.laboratory.directory / f"{name.replace(' ', '-')}.log"

    def _light(self, span: str, seed: str | None, eve: float) -> Process:
        laboratory = self.laboratory
        arguments = ["haris.cli.main", "light", str(laboratory.links[span]), "--socket", str(laboratory.light(span))]
        if laboratory.plot.stations:
            arguments += ["--station", laboratory.plot.stations[span]]
        arguments += ["--seed", f"{seed} {span}"] if seed is not None else []
        arguments += ["--eve", str(eve)] if eve else []
        return Process(f"light {span}", arguments, self._log(f"light {span}"), lambda line: None)

    def _site(self, site: str) -> Process:
        arguments = ["haris.cli.main", "node", str(self.laboratory.configuration(site)), "--json"]
        return Process(f"node {site}", arguments, self._log(f"node {site}"), self.watch.hear_site)

    def _gateway(self) -> Process:
        arguments = ["haris.demo.gateway", str(self.laboratory.ports["gateway"])]
        return Process("gateway", arguments, self._log("gateway"), lambda line: None)

    def _tunnel_end(self, end: str) -> Process:
        ports, pki = self.laboratory.ports, self.laboratory.pki
        near, far = ("bank", "exchange") if end == "connect" else ("exchange", "bank")
        near_sae, far_sae = (next(sae for sae, home in SAES.items() if home == site) for site in (near, far))
        options = {
            "--listen": f"127.0.0.1:{ports[f'tunnel {end}']}",
            "--to": f"127.0.0.1:{ports['wiretap' if end == 'connect' else 'gateway']}",
            "--kme": self.laboratory.kme_url(near),
            "--peer-sae": far_sae,
            "--sae-cert": str(pki(f"{near_sae}.crt")),
            "--sae-key": str(pki(f"{near_sae}.key")),
            "--ca": str(pki("ca.crt")),
            "--sign-cert": str(pki(f"{near}.mldsa.crt")),
            "--sign-key": str(pki(f"{near}.mldsa.key")),
            "--sign-ca": str(pki("mldsa-ca.crt")),
            "--peer-name": far,
            "--rekey-seconds": str(REKEY_SECONDS),
            "--rekey-bytes": str(REKEY_BYTES),
        }
        arguments = ["haris.cli.main", "tunnel", end, *(word for option in options.items() for word in option)]
        hear = self.watch.hear_tunnel if end == "connect" else lambda line: None
        return Process(f"tunnel {end}", [*arguments, "--json"], self._log(f"tunnel {end}"), hear)


def _radios(laboratory: Laboratory) -> dict[str, Radio]:
    """The radio of each span of a satellite that is reached in contacts only."""
    radios: dict[str, Radio] = {}
    if laboratory.plot.in_contacts:
        for span, station in laboratory.plot.stations.items():
            windows = Windows(contacts_of(Scenario.read(laboratory.links[span]), station), RADIO_DEG)
            radios[span] = Radio(laboratory.radio_lines(span), lambda windows=windows: windows.lasts)  # type: ignore[misc]
    return radios
