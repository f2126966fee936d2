"""What rsyslog, which is not ours, reads of an alarm over a counted stream (RFC 6587)."""

import asyncio
import json
import shutil

import pytest

from haris.manage.alarm_messages import alarm_message
from haris.manage.alarms import Change, What
from haris.node.configuration.operation import SyslogTable
from haris.node.operation.syslog import Syslog
from haris.node.system.free_ports import free_ports
from haris.nouns.alarms import AlarmKind, Severity, Standing

RSYSLOGD = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(RSYSLOGD is None, reason="needs Debian's rsyslog")

ALARM = Standing(17, AlarmKind.POOL_LOW, 'pool "x]y\\z"', Severity.MAJOR, "the pool – dry\nreally", 1, 2, 3)
CONFIGURATION = """
global(workDirectory="{folder}" parser.escapeControlCharactersOnReceive="off")
module(load="imtcp")
input(type="imtcp" port="{port}" address="127.0.0.1")
template(name="told" type="list" option.jsonf="on") {{
    property(outname="severity" name="syslogseverity-text" format="jsonf")
    property(outname="facility" name="syslogfacility-text" format="jsonf")
    property(outname="app" name="app-name" format="jsonf")
    property(outname="kind" name="msgid" format="jsonf")
    property(outname="data" name="structured-data" format="jsonf")
    property(outname="version" name="protocol-version" format="jsonf")
    property(outname="text" name="msg" format="jsonf")
}}
action(type="omfile" file="{folder}/told" template="told")
"""


async def test_rsyslog_reads_an_alarm(tmp_path):
    (port,) = free_ports(1)
    (tmp_path / "rsyslog.conf").write_text(CONFIGURATION.format(folder=tmp_path, port=port))
    options = ["-n", "-f", str(tmp_path / "rsyslog.conf"), "-i", str(tmp_path / "pid")]
    daemon = await asyncio.create_subprocess_exec(RSYSLOGD, *options)
    syslog = Syslog(SyslogTable(f"127.0.0.1:{port}", transport="tcp"))
    sending = asyncio.create_task(syslog.box.run())
    try:
        for change in (What.RAISED, What.CLEARED):
            syslog.box.put(alarm_message("bank", Change(change, ALARM), 10**18))
        told = tmp_path / "told"
        async with asyncio.timeout(30):
            while not told.exists() or told.read_text().count("\n") < 2:
                await asyncio.sleep(0.1)
    finally:
        sending.cancel()
        syslog.close()
        daemon.terminate()
        await daemon.wait()
    raised, cleared = (json.loads(line) for line in told.read_text().splitlines())
    assert (raised["severity"], raised["facility"], raised["app"], raised["kind"]) == (
        "crit",
        "local0",
        "haris",
        "alarm",
    )
    assert cleared["severity"] == "notice"
    assert raised["version"] == "1"
    assert raised["data"].startswith('[alarm resource="bank/pool \\"x\\]y\\\\z\\"" probableCause="thresholdCrossed"')
    assert raised["text"].endswith("the pool – dry really")
