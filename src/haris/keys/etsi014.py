"""ETSI GS QKD 014 V1.1.1 over the supply: what each method answers. Blocking, and free of HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haris.keys.store import Fetch
from haris.keys.supply import Order, Supply
from haris.nouns.errors import ParameterError
from haris.wire import etsi014
from haris.wire.etsi014 import KeyIDs, KeyRequest, Status

MAX_EPSILON = "haris_max_epsilon"
"""The one extension of a request that is understood: the greatest epsilon that a delivered key may have."""


def status(supply: Supply, caller: str, slave: str) -> Status:
    """Get status, asked by the master."""
    peer = supply.peer_site(caller, _require_id("slave", slave))
    return _status(supply, caller, slave, peer, supply.stored_key_count(peer, caller, slave))


def order(supply: Supply, caller: str, slave: str, request: KeyRequest) -> Order:
    """What Get key asks for, within what the status announces. Raises Unauthorised and ParameterError."""
    peer = supply.peer_site(caller, _require_id("slave", slave))
    asked = etsi014.resolve(request, _status(supply, caller, slave, peer, 0))
    assert asked.number is not None
    assert asked.size is not None
    mandatory, optional = _max_epsilon(request.extension_mandatory), _max_epsilon(request.extension_optional)
    if any(name != MAX_EPSILON for extension in request.extension_mandatory for name in extension):
        raise ParameterError(etsi014.MANDATORY_UNSUPPORTED)
    wanted = [each for each in (mandatory, optional) if each is not None]
    slaves = (slave, *asked.additional_slave_sae_ids)
    return Order(caller, slaves, asked.number, asked.size, min(wanted, default=None))


def unmet(request: KeyRequest) -> ParameterError:
    """What the standard says when there are keys, but none so close to ideal."""
    mandatory = _max_epsilon(request.extension_mandatory)
    return ParameterError(etsi014.OPTIONAL_UNHANDLED if mandatory is None else etsi014.MANDATORY_UNMET)


def fetch(supply: Supply, caller: str, master: str, asked: KeyIDs) -> Fetch:
    """What Get key with key IDs asks for. Raises Unauthorised and ParameterError."""
    _require_id("master", master)
    if asked.n_keys > supply.limits.max_key_per_request:
        raise ParameterError(f"key_IDs shall hold at most {supply.limits.max_key_per_request} IDs")
    return supply.fetch(master, caller, asked.octets)


def _status(supply: Supply, master: str, slave: str, peer: str, stored_key_count: int) -> Status:
    limits, kmes = supply.limits_for(master, slave), supply.directory.kmes
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
