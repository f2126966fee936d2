"""ETSI GS QKD 014 V1.1.1 over the supply: what each method answers. Blocking, and free of HTTP."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from haris.keys.supply import AskPeers, EpsilonUnmet, Order, PeerReply, Supply
from haris.nouns.errors import ParameterError
from haris.nouns.keys import DeliveredKey
from haris.wire import etsi014
from haris.wire.etsi014 import Key, KeyContainer, KeyIDs, KeyRequest, Status
from haris.wire.pedigree import write_pedigree

MAX_EPSILON = "haris_max_epsilon"
"""The one extension of a request that is understood: the greatest epsilon that a delivered key may have."""


def status(supply: Supply, caller: str, slave: str) -> Status:
    """Get status, asked by the master."""
    peer = supply.peer_site(caller, _require_id("slave", slave))
    return _status(supply, caller, slave, peer, supply.stored_key_count(peer))


def enc_keys(
    supply: Supply, caller: str, slave: str, request: KeyRequest
) -> Generator[AskPeers, tuple[PeerReply, ...], KeyContainer]:
    """Get key, asked by the master."""
    peer = supply.peer_site(caller, _require_id("slave", slave))
    asked = etsi014.resolve(request, _status(supply, caller, slave, peer, 0))
    assert asked.number is not None
    assert asked.size is not None
    mandatory, optional = _max_epsilon(request.extension_mandatory), _max_epsilon(request.extension_optional)
    if any(name != MAX_EPSILON for extension in request.extension_mandatory for name in extension):
        raise ParameterError(etsi014.MANDATORY_UNSUPPORTED)
    wanted = [each for each in (mandatory, optional) if each is not None]
    slaves = (slave, *asked.additional_slave_sae_ids)
    try:
        keys = yield from supply.enc_keys(Order(caller, slaves, asked.number, asked.size, min(wanted, default=None)))
    except EpsilonUnmet:
        text = etsi014.OPTIONAL_UNHANDLED if mandatory is None else etsi014.MANDATORY_UNMET
        raise ParameterError(text) from None
    return _container(keys)


def dec_keys(supply: Supply, caller: str, master: str, asked: KeyIDs) -> KeyContainer:
    """Get key with key IDs, asked by a slave."""
    _require_id("master", master)
    if len(asked.key_ids) > supply.limits.max_key_per_request:
        raise ParameterError(f"key_IDs shall hold at most {supply.limits.max_key_per_request} IDs")
    return _container(supply.dec_keys(master, caller, asked.key_ids))


def _status(supply: Supply, master: str, slave: str, peer: str, stored_key_count: int) -> Status:
    limits, kmes = supply.limits, supply.directory.kmes
    return Status(
        source_kme_id=kmes[supply.directory.site],
        target_kme_id=kmes[peer],
        master_sae_id=master,
        slave_sae_id=slave,
        key_size=limits.key_size,
        stored_key_count=stored_key_count,
        max_key_count=limits.max_key_count,
        max_key_per_request=limits.max_key_per_request,
        max_key_size=limits.max_key_size,
        min_key_size=limits.min_key_size,
        max_sae_id_count=limits.max_sae_id_count,
    )


def _container(keys: Sequence[DeliveredKey]) -> KeyContainer:
    return KeyContainer(tuple(Key(key.key_id, key.secret, write_pedigree(key.pedigree)) for key in keys))


def _require_id(role: str, sae: str) -> str:
    if not sae.strip():
        raise ParameterError(f"the {role} SAE ID in the path is blank")
    return sae


def _max_epsilon(extensions: Sequence[etsi014.Extension]) -> float | None:
    """The smallest maximum that the extensions ask for."""
    values: list[Any] = [extension[MAX_EPSILON] for extension in extensions if MAX_EPSILON in extension]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ParameterError(f"{MAX_EPSILON} shall be a number above 0")
    return min(map(float, values), default=None)
