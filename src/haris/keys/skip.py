"""SKIP (draft-cisco-skip-02) over the supply: what each method asks for or answers. Free of HTTP.

Each application entity is a system: its SAE ID, or the system ID that the operator gives it, names the key provider as
that encryptor sees it. A key is assigned to one remote system and fetched there once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from haris.keys.store import Fetch
from haris.keys.supply import Order, Supply
from haris.nouns.errors import ParameterError, Unauthorised
from haris.nouns.ids import require_name
from haris.wire.skip import Capabilities

MAX_ENTROPY_BITS = 8192


@dataclass(frozen=True, slots=True)
class Systems:
    """The system ID of each SAE that has another than its SAE ID. Raises ParameterError when two systems share one.

    saes: all of them; those of a directory may change.
    """

    of_sae: Mapping[str, str]
    saes: Collection[str]

    def __post_init__(self) -> None:
        names = [self.system(sae) for sae in self.saes]
        for name in names:
            require_name("a system ID", name)
        if len(set(names)) != len(names):
            raise ParameterError(f"two systems share an ID in {sorted(names)}")

    def system(self, sae: str) -> str:
        """The system ID of an SAE."""
        return self.of_sae.get(sae, sae)

    def sae(self, system: str) -> str:
        """The SAE of a system ID. Raises ParameterError for an unknown one."""
        for sae in tuple(self.saes):
            if self.system(sae) == system:
                return sae
        raise ParameterError(f"remoteSystemID {system} is not known here")


def capabilities(supply: Supply, systems: Systems, caller: str) -> Capabilities:
    """Get capabilities: with whom the caller can share keys."""
    supply.directory.require_caller(caller)
    remote = [sae for sae in tuple(systems.saes) if supply.directory.saes[sae] != supply.directory.site]
    return Capabilities(
        systems.system(caller), tuple(systems.system(sae) for sae in remote if _may_share(supply, caller, sae))
    )


def fresh_key(supply: Supply, systems: Systems, caller: str, remote_system: str, size_bits: int) -> Order:
    """What Get key asks for: one key that the remote system can fetch by its keyId."""
    remote = systems.sae(remote_system)
    supply.peer_site(caller, remote)
    limits = supply.limits_for(caller, remote)
    if size_bits % 8 or not limits.min_key_size <= size_bits <= limits.max_key_size:
        raise ParameterError(f"size shall be a multiple of 8 from {limits.min_key_size} to {limits.max_key_size}")
    return Order(caller, (remote,), 1, size_bits, interface="skip")


def known_key(supply: Supply, systems: Systems, caller: str, remote_system: str, key_id: UUID) -> Fetch:
    """What Get key asks for by the keyId under which the remote system took it."""
    return supply.fetch(systems.sae(remote_system), caller, key_id.bytes, "skip")


def entropy(supply: Supply, caller: str, min_entropy_bits: int, source: Callable[[int], bytes]) -> bytes:
    """Get entropy: whole octets that hold so many bits."""
    supply.directory.require_caller(caller)
    if min_entropy_bits > MAX_ENTROPY_BITS:
        raise ParameterError(f"minentropy shall be at most {MAX_ENTROPY_BITS}")
    return source(-(-min_entropy_bits // 8))


def _may_share(supply: Supply, caller: str, sae: str) -> bool:
    try:
        supply.admission.require(caller, (sae,))
    except Unauthorised:
        return False
    return True
