"""Fuzz a face by its OpenAPI description: `fuzz_http.py 014|020|randomness SECONDS [--seed N]`.

Two operators' networks run on the loopback interface, or a supply of random numbers. Requests that fit the description,
and such that do not, are made of it by schemathesis, half of them with names that the laboratory knows. Every answer
must be one that the description has, nothing wrong may be accepted, and in the end a key must still go from one
application to another, or bits from the source. Exits with 1 and the first failures otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.specs.openapi import checks as openapi_checks

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/node"))

from entropy_lab import VACUUM  # noqa: E402  (the laboratories of the tests)
from kme_lab import Authority  # noqa: E402
from operators_lab import OperatorsLab  # noqa: E402

from haris.node.entropy.client import SupplyClient  # noqa: E402
from haris.node.entropy.face import serve  # noqa: E402
from haris.node.entropy.opening import open_supply  # noqa: E402
from haris.node.entropy.supply_toml import (  # noqa: E402
    DeviceTable,
    ListenerTable,
    SupplyConfiguration,
    SupplyTable,
)
from haris.node.pki.credentials import client_context  # noqa: E402
from haris.nouns.errors import KeyUnavailable  # noqa: E402
from haris.wire.randomness import BitOrigin, RandomRequest  # noqa: E402

CHECKS = [
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.negative_data_rejection,
]
REJECTION = openapi_checks.negative_data_rejection
EXAMPLES_A_ROUND = 50
MAX_FAILURES = 5


class Over(Exception):  # noqa: N818  (what it is)
    """The time is up."""


class Laboratory:
    """Both networks, on an event loop in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.lab = OperatorsLab(folder, timeout_s=3.0)
        for network in ("A", "B"):
            self.do(self.lab.start_network(network))
        self.files, self.authority = self.lab.files, folder / "operators.crt"
        self.replenish()

    def do(self, work: Any) -> Any:
        """Run a coroutine there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def replenish(self) -> None:
        """Stock for all that ask."""
        for owner, peer in (("a1", "a2"), ("b1", "b2"), ("b1", "b3")):
            if self.lab.sites[owner].store.count_ready(peer, owner) < 1000:
                self.lab.seed(owner, peer, 2000)

    def exchange(self) -> None:
        """One key from alice of A to bob of B; a 503 means that there was none, which a busy machine may answer."""
        for _ in range(10):
            answer = self.do(self.lab.ask014("alice", "bob/enc_keys"))
            if answer.status != 503:
                break
            time.sleep(0.5)
        if answer.status != 200:
            raise AssertionError(f"no key goes from one operator to the other any more: {answer.status} {answer.items}")
        key = answer.items["keys"][0]
        found = self.do(self.lab.ask014("bob", f"alice/dec_keys?key_ID={key['key_ID']}"))
        if found.items["keys"][0]["key"] != key["key"]:
            raise AssertionError("the two applications got different keys")

    def target(self, face: str) -> tuple[str, str]:
        """URL of the face, and whose certificate asks there."""
        if face == "020":
            return self.lab.url("b1"), "kme-a2"
        return f"https://127.0.0.1:{self.lab.sites['a1'].kme.port}", "alice"

    def close(self) -> None:
        """End everything."""
        self.do(self.lab.close())
        self._loop.call_soon_threadsafe(self._loop.stop)


class SupplyLaboratory:
    """A supply of emulated light with a small pool, so that it is dry now and then."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        authority = Authority(folder)
        files, self.files = authority.issue("supply"), {"node": authority.issue("node")}
        self.authority = files.authority
        table = SupplyTable(pool_octets=2**14)
        configuration = SupplyConfiguration(DeviceTable("emulated"), VACUUM(8, "block_bits = 16384"), table)
        self._supply = open_supply(configuration, lambda alarm: None)
        self._supply.start()
        listener = ListenerTable("127.0.0.1:0", files.certificate, files.private_key, files.authority)
        self._listener = self.do(serve(self._supply, listener))

    def do(self, work: Any) -> Any:
        """Run a coroutine there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def replenish(self) -> None:
        """Its device does."""

    def exchange(self) -> None:
        """Bits of the source must come, as many as were asked for."""
        files = self.files["node"]
        context = client_context(files.certificate, files.private_key, files.authority, datetime.now(UTC))  # noqa: TID251
        client, until = SupplyClient(self.target("randomness")[0], context), time.monotonic() + 30.0
        while True:
            try:
                octets, origin, _ = client.random(RandomRequest(1000, source_only=True))
                break
            except KeyUnavailable:
                if time.monotonic() > until:
                    raise AssertionError("no bits of the source come any more") from None
                time.sleep(0.1)
        client.close()
        if len(octets) != 1000 or len(set(octets)) < 200 or origin is not BitOrigin.SOURCE:
            raise AssertionError("what came is no random number of the source")

    def target(self, face: str) -> tuple[str, str]:
        """URL of the face, and whose certificate asks there."""
        return f"https://127.0.0.1:{self._listener.port}", "node"

    def close(self) -> None:
        """End everything."""
        self._supply.close()
        self.do(self._listener.close())
        self._loop.call_soon_threadsafe(self._loop.stop)


def known(document: dict[str, Any], lab: OperatorsLab) -> dict[str, Any]:
    """The description with its requests narrowed to names that mean something in the laboratory, and to small ones."""
    asked = copy.deepcopy(document["components"]["schemas"])
    if "sae_id" in asked:
        asked["sae_id"] = {"enum": ["alice", "anna", "bob", "bella", "brian"]}
        asked["ack_callback_url"] = {"enum": [lab.callback_url("a2")]}
        asked["key_id"] = {"enum": [str(UUID(int=1 << 100 | n)) for n in range(40)]}
        values = [b64encode(bytes([n % 251]) * n).decode() for n in (8, 32, 33, 512, 513)]
        asked["key"]["properties"]["value"] = {"enum": values}
        asked["extension"] |= {"maxProperties": 2, "patternProperties": {"^E[1-9]_[a-z]{1,3}$": True}}
        asked["ext_key_container"]["properties"]["keys"]["maxItems"] = 3
        asked["ext_key_container"]["properties"]["initiator_sae_id"] = {"enum": ["alice", "anna", "bob"]}
        asked["ack_container"]["properties"]["key_id_container"]["maxItems"] = 3
        for name in ("target_sae_ids", "ack_containers"):
            asked[name]["maxItems"] = 3
    else:
        asked["SAE_ID"] = {"enum": ["gail", "bob", "bella", "alice"]}
    narrowed = copy.deepcopy(document)
    for methods in narrowed["paths"].values():
        for method in methods.values():
            if isinstance(method, dict) and "requestBody" in method:
                method["requestBody"] = renamed(method["requestBody"])
    if "parameters" in narrowed["components"]:
        narrowed["components"]["parameters"] = renamed(narrowed["components"]["parameters"])
    narrowed["components"]["schemas"] |= {f"asked_{name}": renamed(schema) for name, schema in asked.items()}
    return narrowed


def renamed(part: Any) -> Any:
    """A part of the description, its references led to the narrowed schemas."""
    return json.loads(json.dumps(part).replace("#/components/schemas/", "#/components/schemas/asked_"))


@contextmanager
def session(laboratory: Laboratory | SupplyLaboratory, name: str) -> Iterator[requests.Session]:
    """A client with a certificate."""
    with requests.Session() as made:
        files = laboratory.files[name]
        made.cert, made.verify = (str(files.certificate), str(files.private_key)), str(laboratory.authority)
        yield made


def run(face: str, seconds: float, first_seed: int) -> int:
    """Fuzz for so long. Returns the exit status."""
    document = yaml.safe_load((ROOT / f"docs/reference/openapi-{face}.yaml").read_text())
    counts: Counter[str] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        laboratory = SupplyLaboratory(Path(folder)) if face == "randomness" else Laboratory(Path(folder))
        url, name = laboratory.target(face)
        both = list(schemathesis.GenerationMode)
        schemas = [
            (schemathesis.openapi.from_dict(document), both),
        ]
        if isinstance(laboratory, Laboratory):
            narrowed = schemathesis.openapi.from_dict(known(document, laboratory.lab))
            schemas.insert(0, (narrowed, both[:1]))  # other names are not wrong
        until, round_ = time.monotonic() + seconds, 0
        with session(laboratory, name) as client:
            while time.monotonic() < until and len(failures) < MAX_FAILURES:
                for schema, modes in schemas:
                    for found in schema.get_all_operations():
                        for mode in modes:
                            round_ += 1
                            hit = once(found.ok(), mode, first_seed + round_, url, client, counts, until)
                            failures += [hit] if hit and hit not in failures else []
                laboratory.replenish()
                laboratory.exchange()
        laboratory.exchange()
        laboratory.close()
    print(f"{face}: {sum(counts.values())} requests in {seconds:g} s,", dict(sorted(counts.items())))
    for failure in failures:
        print(failure, "\n")
    return 1 if failures else 0


def once(
    operation: Any, mode: Any, number: int, url: str, client: requests.Session, counts: Counter[str], until: float
) -> str:
    """Some examples of one operation; the text of a failure, or none."""

    @seed(number)
    @settings(
        max_examples=EXAMPLES_A_ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if time.monotonic() > until:
            raise Over
        answer = case.call(base_url=url, session=client, timeout=30, allow_redirects=False, verify=client.verify)
        counts[f"{operation.label.split('/')[-1]} {answer.status_code}"] += 1
        rejected = answer.status_code == 413  # schemathesis does not count it among the refusals
        case.validate_response(answer, checks=[each for each in CHECKS if each is not REJECTION or not rejected])

    try:
        ask()
    except Over:
        pass
    except (Exception, BaseExceptionGroup) as error:
        if "Unsatisfiable" in type(error).__name__:
            return ""
        return f"{operation.label} ({mode.value}): {type(error).__name__}: {error}"[:3000]
    return ""


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("face", choices=["014", "020", "randomness"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    return run(arguments.face, arguments.seconds, arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
