"""From SUPPLY.toml to a supply that can be started."""

from __future__ import annotations

from collections.abc import Callable

from haris.node.entropy.hashing import SeededHash
from haris.node.entropy.pipeline import NOT_STARTED, Pipeline
from haris.node.entropy.pool import Pool
from haris.node.entropy.supply import RandomSupply
from haris.node.entropy.supply_toml import SupplyConfiguration
from haris.nouns.alarms import Alarm
from haris.quantum.entropy.health import HealthTests, health_tests


def open_supply(configuration: SupplyConfiguration, tell: Callable[[Alarm], None]) -> RandomSupply:
    """A supply of this device and source. tell: takes alarms, in the pipeline's thread.

    Raises ParameterError for what is wrong in the configuration, KeyUnavailable when the bound leaves no bit.
    """
    source, table = configuration.source, configuration.supply
    device, bits = configuration.device.device(source), int(source.parameters.bits)

    def tests() -> HealthTests:
        return health_tests(source)

    pool = Pool(table.pool_octets, NOT_STARTED)
    hashing = SeededHash(source.block_samples * bits, table.seed)
    pipeline = Pipeline(device, source, tests, hashing, pool, tell)
    return RandomSupply(table, source.source.title, device.name, pool, pipeline)
