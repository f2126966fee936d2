"""The face of SKIP (draft-cisco-skip-02): four paths beside those of ETSI GS QKD 014, on the same port.

Encryptors without certificates have a port of their own, where each shows a pre-shared key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID

from haris.keys import skip as methods
from haris.keys.directory import Directory
from haris.keys.skip import Systems
from haris.keys.supply import Supply
from haris.node.configuration.node_toml import SkipTable
from haris.node.http.listener import HttpListener, listen
from haris.node.http.messages import Handler, Request, Response, Routes
from haris.node.http.tls_psk import PskKeys
from haris.node.supply.delivery import Deliveries
from haris.node.supply.routes import Face, FaceWatch, Report, refused
from haris.node.supply.server import Delivered
from haris.node.system.secret_file import read_secret_text
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError, StoreError, Unauthorised
from haris.nouns.key_batch import KeyBatch
from haris.wire import skip


def skip_routes(
    supply: Supply,
    systems: Systems,
    deliveries: Callable[[], Deliveries],
    entropy: Callable[[int], bytes],
    delivered: Delivered = lambda method, sae, peer, batches: None,
) -> Routes:
    """The methods of Table 2, for start_kme of supply/server.py. deliveries: those of the key manager, once it runs."""

    async def capabilities(request: Request) -> Response:
        return Response(skip.write_capabilities(methods.capabilities(supply, systems, request.caller)))

    async def fresh_key(request: Request) -> Response:
        caller, (remote, size_bits) = request.caller, skip.read_key_query(request.query)
        keys = await deliveries().order(methods.fresh_key(supply, systems, caller, remote, size_bits))
        return handed_over("enc_keys", caller, systems.sae(remote), keys)

    async def known_key(request: Request) -> Response:
        caller, remote = request.caller, skip.read_known_key_query(request.query)
        key_id = skip.read_key_id(request.params["key_id"])
        keys = await deliveries().fetch(methods.known_key(supply, systems, caller, remote, key_id))
        return handed_over("dec_keys", caller, systems.sae(remote), keys)

    def handed_over(method: str, caller: str, peer: str, keys: Sequence[KeyBatch]) -> Response:
        (batch,) = keys
        body = skip.write_key(UUID(bytes=batch.key_ids), batch.secrets)
        batch.wipe()
        delivered(method, caller, peer, keys)
        return Response(body)

    async def random_octets(request: Request) -> Response:
        bits = skip.read_entropy_query(request.query)
        return Response(skip.write_entropy(methods.entropy(supply, request.caller, bits, entropy)))

    return {
        "/capabilities": {"GET": capabilities},
        "/key": {"GET": _internal(fresh_key)},
        "/key/{key_id}": {"GET": _internal(known_key)},
        "/entropy": {"GET": random_octets},
    }


async def start_skip(
    table: SkipTable, routes: Routes, directory: Directory, report: Report, watch: FaceWatch | None = None
) -> tuple[HttpListener, ...]:
    """Serve the routes to encryptors that show a pre-shared key, where the table says so. Raises ParameterError."""
    if table.listen is None or table.keys is None:
        return ()
    keys, endpoint = read_psk_file(table.keys, directory), read_endpoint("listen", table.listen)
    try:
        return (await listen(Face(routes, report, watch), refused, keys, *endpoint),)
    except OSError as error:
        raise ParameterError(f"[skip] cannot listen on {table.listen}: {error}") from None


def read_psk_file(path: Path, directory: Directory) -> PskKeys:
    """The pre-shared keys in a file: a line `SAE_ID:KEY` for each, the key in hexadecimal, as stunnel has them.

    Raises ParameterError for a file that is missing, open to others, or of another form, and for an SAE that this site
    does not serve.
    """
    keys: dict[str, bytes] = {}
    for number, line in enumerate(read_secret_text("the pre-shared keys", path).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        sae, _, digits = line.strip().rpartition(":")
        try:
            directory.require_caller(sae)
            key = bytes.fromhex(digits)
        except (Unauthorised, ValueError):
            raise ParameterError(
                f"{path}:{number}: a line is SAE_ID:KEY, an SAE of this site and hexadecimal"
            ) from None
        if sae in keys:
            raise ParameterError(f"{path}:{number}: SAE {sae} has a key before")
        keys[sae] = key
    return PskKeys(keys)


def _internal(handler: Callable[[Request], Awaitable[Response]]) -> Handler:
    """A store that is out of order is 500 in Table 7."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except StoreError:
            return refused(500, "the key store is out of order")

    return answer
