"""From SUPPLY.toml to a supply that can be started."""

from __future__ import annotations

from collections.abc import Callable

from haris.node.entropy.hashing import SeededHash
from haris.node.entropy.pipeline import NOT_STARTED, Pipeline
from haris.node.entropy.pool import Pool
from haris.node.entropy.supply import RandomSupply
from haris.node.entropy.supply_toml import DeviceTable, SupplyConfiguration
from haris.nouns.alarms import Alarm
from haris.nouns.errors import ParameterError
from haris.quantum.entropy.health import HealthTests, health_tests
from haris.quantum.entropy.source import EntropySource


def open_supply(configuration: SupplyConfiguration, tell: Callable[[Alarm], None]) -> RandomSupply:
    """A supply of this device and source. tell: takes alarms, in the pipeline's thread.

    Raises ParameterError for what is wrong in the configuration, KeyUnavailable when the bound leaves no bit.
    """
    source, table = configuration.source, configuration.supply
    _require_checks(source, configuration.device)
    device, bits = configuration.device.device(source), int(source.parameters.bits)

    def tests() -> HealthTests:
        return health_tests(source)

    pool = Pool(table.pool_octets, NOT_STARTED)
    hashing = SeededHash(source.block_samples * bits, table.seed)
    pipeline = Pipeline(device, source, tests, hashing, pool, tell)
    return RandomSupply(table, source.source.title, device.name, pool, pipeline)


def _require_checks(source: EntropySource, device: DeviceTable) -> None:
    """ParameterError where the bound asks for more than the device gives: samples, and nothing beside them."""
    if device.kind == "emulated" or source.source.samples_tell is not None:
        return
    if source.emulate(1, 1).checks is not None:
        raise ParameterError(
            f"[device] kind = {device.kind!r} gives samples alone: the bound of {source.source.name} asks for what was "
            "checked beside them"
        )
