"""Notifications of both versions as Net-SNMP's snmptrapd, which is not ours, reads them."""

import asyncio
import shutil

import pytest

from haris.manage.alarm_messages import alarm_trap
from haris.manage.alarms import Change, What
from haris.node.configuration.operation import SnmpTable
from haris.node.operation.snmp import Snmp
from haris.node.system.free_ports import free_ports
from haris.nouns.alarms import AlarmKind, Severity, Standing
from haris.nouns.errors import ParameterError
from haris.wire.snmp_trap import engine_id

TRAPD = shutil.which("snmptrapd", path="/usr/sbin:/usr/bin")
needs_trapd = pytest.mark.skipif(TRAPD is None, reason="needs Debian's snmptrapd")
ALARM = Standing(17, AlarmKind.POOL_LOW, "exchange", Severity.MAJOR, "the pool – dry", 1, 2, 3)
READS = (  # OIDs as HARIS-MIB numbers them
    ".1.3.6.1.6.3.1.1.4.1.0 = OID: .1.3.6.1.4.1.32473.14.0.1",
    '.1.3.6.1.4.1.32473.14.1.1.0 = STRING: "bank"',
    ".1.3.6.1.4.1.32473.14.1.2.0 = INTEGER: 17",
    '.1.3.6.1.4.1.32473.14.1.3.0 = STRING: "pool-low"',
    ".1.3.6.1.4.1.32473.14.1.5.0 = INTEGER: 4",
    ".1.3.6.1.4.1.32473.14.1.7.0 = INTEGER: 3",
)


@pytest.fixture
def phrases(tmp_path):
    for name in ("auth", "priv"):
        (tmp_path / name).write_text(f"{name} pass phrase\n")
        (tmp_path / name).chmod(0o600)
    return tmp_path / "auth", tmp_path / "priv"


async def received(tmp_path, configuration, send):
    """What snmptrapd prints of the traps that send(port) makes."""
    (port,) = free_ports(1)
    (tmp_path / "trapd.conf").write_text(configuration)
    environment = {"SNMP_PERSISTENT_DIR": str(tmp_path / "state"), "MIBS": ""}
    options = ["-f", "-Lo", "-On", "-C", "-c", str(tmp_path / "trapd.conf"), f"udp:127.0.0.1:{port}"]
    trapd = await asyncio.create_subprocess_exec(
        TRAPD, *options, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    lines = []
    try:
        async with asyncio.timeout(20):
            async for line in trapd.stdout:
                lines.append(line.decode())
                if "NET-SNMP version" in lines[-1]:
                    await send(port)
                if "32473.14.1.7.0" in lines[-1]:
                    return "".join(lines)
    except TimeoutError:
        pytest.fail("snmptrapd did not take the trap:\n" + "".join(lines))
    finally:
        trapd.terminate()
        await trapd.communicate()


async def send_with(table):
    snmp = Snmp(table, "bank")
    await snmp._send(alarm_trap("bank", Change(What.RAISED, ALARM)))
    snmp.close()


@needs_trapd
async def test_version_2c(tmp_path):
    text = await received(
        tmp_path,
        "authCommunity log public\n",
        lambda port: send_with(SnmpTable(f"127.0.0.1:{port}", "2c", community="public")),
    )
    for expected in READS:
        assert expected in text


@needs_trapd
async def test_version_3_authenticated_and_encrypted(tmp_path, phrases):
    user = f'createUser -e 0x{engine_id("bank").hex()} ops SHA-256 "auth pass phrase" AES "priv pass phrase"\n'
    table = {"user": "ops", "auth_key": phrases[0], "priv_key": phrases[1]}
    text = await received(
        tmp_path,
        user + "authUser log ops priv\n",
        lambda port: send_with(SnmpTable(f"127.0.0.1:{port}", "3", **table)),
    )
    for expected in READS:
        assert expected in text


def test_a_table_that_makes_no_sense_is_refused(phrases):
    with pytest.raises(ParameterError, match="2c takes a community"):
        SnmpTable("127.0.0.1:162", "2c", user="ops")
    with pytest.raises(ParameterError, match="3 takes user"):
        SnmpTable("127.0.0.1:162", "3", community="public")


def test_pass_phrases_are_kept_from_others(phrases):
    auth, priv = phrases
    table = SnmpTable("127.0.0.1:162", user="ops", auth_key=auth, priv_key=priv)
    priv.chmod(0o644)
    with pytest.raises(ParameterError, match="open to others"):
        Snmp(table, "bank")
    priv.write_text("short")
    with pytest.raises(ParameterError, match="shorter than 8"):
        Snmp(table, "bank")
    priv.unlink()
    with pytest.raises(ParameterError, match="cannot be read"):
        Snmp(table, "bank")
