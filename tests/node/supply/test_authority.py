"""The operator's rules as an application meets them: refused, limited, told when to come back."""

from contextlib import asynccontextmanager

import pytest
from kme_lab import Lab

from haris.keys.policy import Rule


@asynccontextmanager
async def ruled(tmp_path, *rules, at=("bank", "exchange")):
    lab = Lab(tmp_path)
    try:
        for site in ("exchange", "bank"):
            lab.rules = rules if site in at else ()
            await lab.start(site)
        yield lab
    finally:
        await lab.close()


async def test_as_soon_as_there_is_a_rule_others_get_nothing(tmp_path):
    async with ruled(tmp_path, Rule(masters=("alice",), slaves=("bob",))) as lab:
        lab.seed("bank", "exchange", 8)
        assert (await lab.ask("alice", "bob/enc_keys")).status == 200
        for path in ("bob/enc_keys", "bob/status", "bob/enc_keys?number=2&size=512"):
            refused = await lab.ask("anna", path)
            assert (refused.status, refused.message) == (401, "SAE anna and SAE bob may not share keys here")
        body = {"number": 1, "additional_slave_SAE_IDs": ["bella"]}
        assert (await lab.ask("alice", "bob/enc_keys", body)).status == 401


async def test_the_slaves_site_has_a_say_too(tmp_path):
    async with ruled(tmp_path, Rule(masters=("anna",)), at=("exchange",)) as lab:
        lab.seed("bank", "exchange", 4)
        assert (await lab.ask("alice", "bob/enc_keys")).status == 503  # no key without the other site's word
        refused = await lab.ask("bob", "alice/dec_keys?key_ID=00000000-0000-0000-0000-000000000001")
        assert refused.status == 401


async def test_status_tells_the_limits_of_the_pair_and_they_hold(tmp_path):
    rule = Rule(max_keys_per_request=3, min_size_bits=128, max_size_bits=512)
    async with ruled(tmp_path, rule) as lab:
        lab.seed("bank", "exchange", 16)
        items = (await lab.ask("alice", "bob/status")).items
        names = ("max_key_per_request", "min_key_size", "key_size", "max_key_size")
        assert [items[name] for name in names] == [3, 128, 256, 512]
        assert (await lab.ask("alice", "bob/enc_keys?number=3")).status == 200
        for query in ("number=4", "size=64", "size=1024"):
            assert (await lab.ask("alice", f"bob/enc_keys?{query}")).status == 400


@pytest.mark.parametrize("size", [256, 512])  # from leases, and by an assignment
async def test_a_rate_is_refused_with_the_time_to_wait(tmp_path, size):
    rule = Rule(keys_per_s=0.1, burst_keys=4)
    async with ruled(tmp_path, rule) as lab:
        lab.seed("bank", "exchange", 16)
        assert (await lab.ask("alice", f"bob/enc_keys?number={4 * 256 // size}&size={size}")).status == 200
        refused = await lab.ask("alice", f"bob/enc_keys?size={size}")
        assert refused.status == 503
        assert 8 * size / 256 <= int(refused.headers["Retry-After"]) <= 10 * size / 256


async def test_a_days_quota_outlives_a_restart(tmp_path):
    async with ruled(tmp_path, Rule(keys_per_day=5)) as lab:
        lab.seed("bank", "exchange", 16)
        assert (await lab.ask("alice", "bob/enc_keys?number=4")).status == 200
        assert (await lab.ask("alice", "bob/enc_keys?number=2")).status == 503
    async with ruled(tmp_path, Rule(keys_per_day=5)) as lab:
        assert (await lab.ask("alice", "bob/enc_keys?number=1")).status == 200
        refused = await lab.ask("alice", "bob/enc_keys?number=1")
        assert refused.status == 503
        assert 0 < int(refused.headers["Retry-After"]) <= 86400


async def test_a_dry_pool_sends_the_higher_priority_back_sooner(tmp_path):
    rules = Rule(masters=("alice",), priority=7), Rule(masters=("anna",), priority=0)
    async with ruled(tmp_path, *rules) as lab:
        waits = {sae: (await lab.ask(sae, "bob/enc_keys")).headers["Retry-After"] for sae in ("alice", "anna")}
        assert int(waits["alice"]) < int(waits["anna"])


async def test_what_a_dry_pool_refused_counts_for_nothing(tmp_path):
    async with ruled(tmp_path, Rule(keys_per_day=3)) as lab:
        for _ in range(5):
            assert (await lab.ask("alice", "bob/enc_keys?number=3")).status == 503
        lab.seed("bank", "exchange", 4)
        assert (await lab.ask("alice", "bob/enc_keys?number=3")).status == 200
