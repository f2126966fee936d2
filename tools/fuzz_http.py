"""Fuzz a face of the key manager by its OpenAPI description: `fuzz_http.py 014|020 SECONDS [--seed N]`.

Two operators' networks run on the loopback interface. Requests that fit the description, and such that do not, are made
of it by schemathesis, half of them with names that the laboratory knows. Every answer must be one that the description
has, nothing wrong may be accepted, and in the end a key must still go from one application to another. Exits with 1 and
the first failures otherwise.
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

from operators_lab import OperatorsLab  # noqa: E402  (the laboratory of the tests)

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
def session(lab: OperatorsLab, name: str) -> Iterator[requests.Session]:
    """A client with a certificate."""
    with requests.Session() as made:
        made.cert = (str(lab.files[name].certificate), str(lab.files[name].private_key))
        made.verify = str(lab.folder / "operators.crt")
        yield made


def run(face: str, seconds: float, first_seed: int) -> int:
    """Fuzz for so long. Returns the exit status."""
    document = yaml.safe_load((ROOT / f"docs/reference/openapi-{face}.yaml").read_text())
    counts: Counter[str] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        laboratory = Laboratory(Path(folder))
        url, name = laboratory.target(face)
        both = list(schemathesis.GenerationMode)
        schemas = [
            (schemathesis.openapi.from_dict(known(document, laboratory.lab)), both[:1]),  # other names are not wrong
            (schemathesis.openapi.from_dict(document), both),
        ]
        until, round_ = time.monotonic() + seconds, 0
        with session(laboratory.lab, name) as client:
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
    parser.add_argument("face", choices=["014", "020"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    return run(arguments.face, arguments.seconds, arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
