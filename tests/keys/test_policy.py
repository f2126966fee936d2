"""The operator's rules: who, how much, and what nobody thought of."""

import pytest

from haris.keys.admission import Admission
from haris.keys.policy import Policy, Rule, cost, require_within
from haris.keys.supply import Limits, narrowed
from haris.nouns.errors import ParameterError, Unauthorised

BANKS = Rule(masters=("sae-bank*",), slaves=("sae-exchange", "sae-clearing"), priority=6, customer="banks")
REST = Rule(masters=("sae-*",), slaves=("sae-*",), priority=1)


def test_without_rules_everybody_may_and_with_rules_only_who_is_named():
    assert Policy().rule("anyone", "anybody").priority == 3
    policy = Policy((BANKS,))
    assert policy.rule("sae-bank-7", "sae-clearing").customer == "banks"
    for pair in (("sae-exchange", "sae-bank"), ("sae-bank", "sae-exchange2"), ("bank", "sae-exchange")):
        with pytest.raises(Unauthorised, match=f"{pair[0]} and SAE {pair[1]}"):
            policy.rule(*pair)
    gate = Admission(policy)
    gate.require("sae-bank", ("sae-exchange", "sae-clearing"))
    with pytest.raises(Unauthorised):
        gate.require("sae-bank", ("sae-exchange", "sae-other"))  # every slave of a key must be allowed
    assert [gate.priority(sae, "sae-exchange") for sae in ("sae-bank", "stranger")] == [6, 0]


def test_the_first_rule_that_names_a_pair_governs_it():
    assert Policy((BANKS, REST)).rule("sae-bank", "sae-exchange").priority == 6
    assert Policy((REST, BANKS)).rule("sae-bank", "sae-exchange").priority == 1


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"masters": ()}, "masters"),
        ({"slaves": ("a*b",)}, "only at the end"),
        ({"priority": 8}, "0 to 7"),
        ({"keys_per_s": 0.0}, "above 0"),
        ({"burst_keys": 3}, "needs keys_per_s"),
        ({"keys_per_day": 0}, "at least 1"),
        ({"min_size_bits": 512, "max_size_bits": 256}, "at most max_size_bits"),
        ({"max_size_bits": 100}, "multiples of 8"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(wrong, text):
    with pytest.raises(ParameterError, match=text):
        Rule(**wrong)


def test_what_a_rule_can_never_grant_is_the_callers_fault():
    rule = Rule(max_keys_per_request=10, min_size_bits=128, max_size_bits=1024, keys_per_s=2.0, burst_keys=8)
    require_within(rule, 8, 256)
    require_within(rule, 2, 1024)
    for n_keys, size_bits in ((11, 256), (1, 64), (1, 2048), (9, 256), (3, 1024)):
        with pytest.raises(ParameterError):
            require_within(rule, n_keys, size_bits)
    assert cost(3, 264) == 6


def test_the_limits_of_a_pair_are_the_narrower_ones():
    rule = Rule(min_size_bits=512, max_size_bits=1024, max_keys_per_request=1000, keys_per_s=2.0, burst_keys=8)
    narrow = narrowed(Limits(), rule)
    assert (narrow.min_key_size, narrow.key_size, narrow.max_key_size) == (512, 512, 1024)
    assert narrow.max_key_per_request == 8
    assert narrowed(Limits(), Rule()) == Limits()
    with pytest.raises(ParameterError):
        narrowed(Limits(), Rule(min_size_bits=8192))


def test_accounts_do_not_move_with_the_order_of_the_rules():
    assert BANKS.account("sae-bank", "sae-exchange") == "sae-bank>sae-exchange"
    assert Rule(masters=("a*",), shared=True).account("a1", "b") == "a*>*"
