"""The face of ETSI GS QKD 004 under new TLS files: asyncio binds a port to one context, and it is swapped within."""

import asyncio
import ssl

import pytest
from kme_lab import Authority

from haris.node.pki.identity import IdentityTable, identity_of
from haris.node.pki.mutual_tls import server_context
from haris.node.supply.etsi004_server import Etsi004Server
from haris.node.system.streams import close_stream
from haris.nouns.errors import Unauthorised


class NoCalls:
    """Nobody is answered here."""

    def detach(self, writer):
        """It is gone."""


def client(files, version):
    context = ssl.create_default_context(cafile=files.authority)
    context.load_cert_chain(files.certificate, files.private_key)
    context.maximum_version = context.minimum_version = version
    return context


async def lives(port, context, name):
    """(certificate number that the server shows, connection) if the server keeps the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    try:
        async with asyncio.timeout(0.3):
            await reader.read(1)
    except TimeoutError:
        serial = writer.get_extra_info("peercert")["serialNumber"]
        return serial, writer
    except BaseException:
        await close_stream(writer)
        raise
    await close_stream(writer)
    raise ConnectionError("closed")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_new_connections_see_new_files_and_only_the_new_authority(tmp_path, version):
    sides = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        authority = Authority(tmp_path / name)
        sides.append({each: authority.issue(each) for each in ("kme", "alice")})
    old, new = sides
    vetoed = set()

    async def vet(certificate):
        if certificate.der in vetoed:
            raise Unauthorised("revoked")

    def who(certificate):
        return identity_of(certificate.der, "common-name", IdentityTable())

    server = Etsi004Server(NoCalls(), server_context(old["kme"]), who, vet)
    port = await server.listen("127.0.0.1", 0)
    try:
        first, writer = await lives(port, client(old["alice"], version), "localhost")
        server.context = server_context(new["kme"])
        second, other = await lives(port, client(new["alice"], version), "localhost")
        assert first != second
        trusting_new = client(old["alice"], version)  # shows the old authority's certificate, and trusts the new one
        trusting_new.load_verify_locations(new["alice"].authority)
        with pytest.raises((OSError, ConnectionError)):
            await lives(port, trusting_new, "localhost")
        assert await server.vet_again() == 0
        vetoed.add(ssl.PEM_cert_to_DER_cert(old["alice"].certificate.read_text()))
        assert await server.vet_again() == 1
        for each in (writer, other):
            await close_stream(each)
    finally:
        await server.close()
