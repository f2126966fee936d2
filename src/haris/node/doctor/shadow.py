"""Shadow mode: haris beside an incumbent key manager, under the same requests at the same moments.

It asks both as an application of its own, with SAEs that serve for nothing else: no request of anybody is passed on,
and no key that either gives leaves this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from haris.keys.quarantine import SourceLied
from haris.keys.vendor import examine
from haris.manage.comparison import Comparison, Difference, Sample
from haris.manage.findings import Findings
from haris.node.doctor.calls import NO_KEY
from haris.node.doctor.exchange import Ends, read_keys
from haris.node.doctor.probe import Probe, Reply
from haris.node.pki.credentials import client_context
from haris.nouns.checks import require_positive
from haris.nouns.document import read_document
from haris.nouns.errors import ParameterError, PeerError
from haris.wire import etsi014


@dataclass(frozen=True, slots=True)
class SideTable:
    """[system] One of the two systems, by its key managers at both ends.

    url: the master's key manager, as https://HOST:PORT. peer_url: the slave's. sae: SAE ID of the master. peer: SAE ID
    of the slave. certificate, private_key: the master's, PEM files. peer_certificate, peer_private_key: the slave's.
    authority: PEM file of the authority of both key managers.
    """

    url: str
    peer_url: str
    sae: str
    peer: str
    certificate: Path
    private_key: Path
    peer_certificate: Path
    peer_private_key: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class PaceTable:
    """[pace] How often to ask. every_s: between two rounds; a round draws one key. key_bits: of each key."""

    every_s: float = 60.0
    key_bits: int = 256

    def __post_init__(self) -> None:
        require_positive("every_s", self.every_s)
        if self.key_bits < 8 or self.key_bits % 8:
            raise ParameterError(f"key_bits must be a multiple of 8, got {self.key_bits}")


@dataclass(frozen=True, slots=True)
class ShadowConfiguration:
    """The whole of SHADOW.toml."""

    incumbent: SideTable
    haris: SideTable
    pace: PaceTable = PaceTable()


def read_shadow(path: Path) -> ShadowConfiguration:
    """The configuration in a file. Raises ParameterError with file and line of what is wrong."""
    return read_document(path).root(ShadowConfiguration)


async def run_shadow(
    configuration: ShadowConfiguration,
    n_rounds: int | None,
    comparison: Comparison,
    tell: Callable[[Difference], None],
) -> None:
    """Rounds at the configured pace, for ever when n_rounds is None. tell: hears of each difference at once.

    Raises ParameterError for certificates and URLs that cannot be used.
    """
    async with AsyncExitStack() as stack:
        sides = [await _open(stack, side) for side in (configuration.incumbent, configuration.haris)]
        done = 0
        while True:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            rounds = [_round(side, configuration.pace.key_bits) for side in sides]
            async for request, incumbent, haris in _abreast(*rounds):
                if (difference := comparison.add(at, request, incumbent, haris)) is not None:
                    tell(difference)
            done += 1
            if n_rounds is not None and done >= n_rounds:
                return
            await asyncio.sleep(configuration.pace.every_s)


async def _open(stack: AsyncExitStack, side: SideTable) -> Ends:
    now = datetime.now(UTC)
    near = client_context(side.certificate, side.private_key, side.authority, now)
    far = client_context(side.peer_certificate, side.peer_private_key, side.authority, now)
    return Ends(
        await stack.enter_async_context(Probe(side.url, near)),
        side.sae,
        await stack.enter_async_context(Probe(side.peer_url, far)),
        side.peer,
    )


Step = tuple[str, Sample]


async def _abreast(one: AsyncIterator[Step], other: AsyncIterator[Step]) -> AsyncIterator[tuple[str, Sample, Sample]]:
    """Both rounds step by step, each step at the same moment."""
    while True:
        steps = await asyncio.gather(anext(one, None), anext(other, None))
        if steps[0] is None or steps[1] is None:
            return
        yield steps[0][0], steps[0][1], steps[1][1]


async def _round(ends: Ends, key_bits: int) -> AsyncIterator[Step]:
    """What is asked of each system once: always the same requests, whatever it answers."""
    enc, dec = etsi014.path(ends.far_sae, "enc_keys"), etsi014.path(ends.near_sae, "dec_keys")
    status = await ends.near.get(etsi014.path(ends.far_sae, "status"))
    yield "status", _sample(status, _judge_status(status))
    given = await ends.near.post(enc, {"number": 1, "size": key_bits})
    keys = read_keys(given, "", Findings()) if given.status == 200 else None
    verdict = "no key container" if given.status == 200 and keys is None else ""
    if keys is not None:
        verdict = _judge_keys(lambda: examine(keys, key_bits, 1)) or ("" if keys else "no key")
    yield "enc_keys", _sample(given, verdict)
    query = f"{dec}?key_ID={keys[0].name if keys else NO_KEY}"
    fetched = await ends.far.get(query)
    theirs = read_keys(fetched, "", Findings()) if fetched.status == 200 else None
    yield "dec_keys", _sample(fetched, "other bytes" if fetched.status == 200 and theirs != keys else "")
    yield "dec_keys again", _sample(await ends.far.get(query))
    yield "enc_keys of size 7", _sample(await ends.near.post(enc, {"size": 7}))
    yield "enc_keys of no number", _sample(await ends.near.post(enc, {"number": "two"}))
    yield "dec_keys of no UUID", _sample(await ends.far.get(f"{dec}?key_ID=none"))


def _sample(reply: Reply, verdict: str = "") -> Sample:
    silent = reply.status >= 400 and reply.message is None
    return Sample(reply.status, reply.took_s, verdict or ("without a message" if silent else ""))


def _judge_status(reply: Reply) -> str:
    if reply.status != 200:
        return ""
    try:
        etsi014.read_status(reply.body)
    except PeerError:
        return "items are missing"
    return ""


def _judge_keys(judge: Callable[[], None]) -> str:
    try:
        judge()
    except SourceLied as lie:
        return str(lie.lie)
    return ""
