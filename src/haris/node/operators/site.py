"""A site's gateway to other operators, wired from its configuration."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

from haris.keys.export import Exporting
from haris.keys.foreign import GatewayStore
from haris.keys.interworking import Interworking
from haris.keys.supply import Supply
from haris.node.configuration.interworking import InterworkingTable, OperatorEntry
from haris.node.http.listener import HttpListener
from haris.node.http.messages import Certificate
from haris.node.operators.etsi020_client import Etsi020Client, interworking_context
from haris.node.operators.etsi020_face import interworking_server_context, listen_to_operators
from haris.node.operators.interworking import Gateway, GatewayConfig
from haris.node.pki.identity import IdentityTable, identity_of
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.supply.peers import KmePeers
from haris.node.supply.request_watch import Denied
from haris.node.supply.server import PeerHandler, reporter, vetting
from haris.node.supply.trust import knowing
from haris.nouns.alarms import Alarm
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError
from haris.wire import kme


class GatewaySite:
    """The gateway of one site, from before its key manager starts until after that has ended."""

    def __init__(
        self,
        table: InterworkingTable,
        entries: Sequence[OperatorEntry],
        tls: TlsFiles,
        supply: Supply,
        store: GatewayStore,
        file_alarm: Callable[[Alarm], None],
        identity: IdentityTable | None = None,
        denied: Denied = lambda *told: None,
    ) -> None:
        """tls: of the key manager; its certificate serves unless the table has another. ParameterError for files.

        identity: which field of a certificate names a key manager. denied: told of every refusal to an operator.
        """
        self._denied, self._report = denied, reporter(file_alarm)
        self._table, self._identity = table, identity or IdentityTable()
        certificate, private_key = table.certificate or tls.certificate, table.private_key or tls.private_key
        self._tls = TlsFiles(certificate, private_key, table.authority, table.revocation.crls)
        self._revocation = knowing(table.revocation, table.authority, file_alarm)
        self._kmes = {entry.name: entry.kme for entry in entries}
        operators = {entry.name: entry.operator for entry in entries}
        self._clients = {
            name: Etsi020Client(
                each.url, interworking_context(self._tls, each.kme, self._identity), timeout_s=table.timeout_s
            )
            for name, each in operators.items()
        }
        self._gateway = Gateway(
            Interworking(supply, store, operators),
            Exporting(store, supply.directory, table.enterprise_number),
            self._clients,
            GatewayConfig(table.callback_url, table.timeout_s),
            file_alarm,
        )
        self._face: HttpListener | None = None
        self._gateway.recover()

    def handlers(self) -> dict[str, PeerHandler]:
        """The verbs of the peer face that mean more at a gateway."""
        return {kme.ASSIGN: self._gateway.exports.assign, kme.VOID: self._gateway.exports.void_assigned}

    async def start(self, peers: KmePeers) -> int:
        """Serve other operators, and settle what is owed. Returns the port. ParameterError when it cannot listen."""
        for client in self._clients.values():
            await client.__aenter__()
        await self._gateway.start(peers)
        host, port = read_endpoint("listen", self._table.listen)
        try:
            self._face = await listen_to_operators(
                self._gateway,
                self._tls,
                host,
                port,
                self._report,
                identify=self._who,
                vet=vetting(self._revocation),
                denied=self._denied,
            )
        except OSError as error:
            raise ParameterError(f"[interworking] cannot listen on {self._table.listen}: {error}") from None
        return self._face.port

    @property
    def files(self) -> TlsFiles:
        """Of TLS towards other operators."""
        return self._tls

    def renew(self) -> None:
        """Read the files anew, for connections to come. ParameterError, with all as before, for a bad one."""
        context, towards = interworking_server_context(self._tls), self._contexts()
        if self._revocation is not None:
            self._revocation.load()
        for name, client in self._clients.items():
            client.renew(towards[name])
        if self._face is not None:
            self._face.context = context

    async def vet_again(self) -> int:
        """Drop every connection whose certificate has been revoked; returns how many."""
        return 0 if self._face is None else await self._face.vet_again()

    def _contexts(self) -> dict[str, ssl.SSLContext]:
        """TLS as a client of each operator's key manager."""
        return {name: interworking_context(self._tls, kme, self._identity) for name, kme in self._kmes.items()}

    def _who(self, certificate: Certificate | None) -> str:
        return identity_of(None if certificate is None else certificate.der, self._identity.kmes, self._identity)

    async def close(self) -> None:
        """Take no more requests, end what runs."""
        if self._face is not None:
            await self._face.close()
        await self._gateway.close()
        if self._revocation is not None:
            await self._revocation.close()
