"""Two sites and one emulated fibre of continuous variables: keys in both stores, with the class of their proof."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from test_span import Rig, running

from haris.node.events import in_words
from haris.node.spans.plan import LightPlan
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.key_length import Security

LINK = Link(
    ModulatedLaser(1e8, 0.48),
    NoisyFibre(500.0, 0.2, excess_noise_snu=0.001),
    CoherentReceiver("homodyne", 0.8, 0.01),
    GaussianCV(2_100_000, 0.93, p_estimation=0.5),
    Security("leverrier2010", 1e-9, 1e-12, accepted_attacks="collective"),
)


async def test_quadratures_fill_the_pools_of_both_sites_with_keys_that_say_their_class(tmp_path: Path) -> None:
    rig = Rig(tmp_path, LINK)
    a, b = rig.stores["a"], rig.stores["b"]
    try:
        async with running(rig):
            await rig.until(lambda: bool(rig.blocks("a")) and bool(rig.blocks("b")))
        block = rig.blocks("a")[0]
        assert (block.aborted, block.qber_key, block.sifted_bits) == (None, None, 1_024_000)
        assert in_words(block).endswith(f"{block.secret_bits} secret bits from 1024000 reconciled")
        n = a.count_ready("b", "a")
        assert n == b.count_ready("a", "a") > 0
        ours, theirs = a.reserve("b", "a", n, "test"), b.reserve("a", "a", n, "test")
        assert [(key.key_id, key.secret) for key in ours] == [(key.key_id, key.secret) for key in theirs]
        for key in ours:
            proof = key.pedigree.proof
            assert (proof.attacks, proof.finite, str(key.pedigree.origin)) == ("collective", True, "emulated")
            assert proof.assumptions[0].startswith("no attacks but collective ones: accepted_attacks")
    finally:
        for store in rig.stores.values():
            store.close()


def test_sites_that_accept_different_classes_or_calibrations_do_not_meet() -> None:
    """What both ends must have alike is compared when they meet."""
    agreed = {
        LightPlan(link, Path("light")).agreed()
        for link in (
            LINK,
            replace(LINK, security=replace(LINK.security, epsilon_secrecy=1e-8)),
            replace(LINK, detector=CoherentReceiver("homodyne", 0.81, 0.01)),
            replace(LINK, detector=CoherentReceiver("homodyne", 0.8, 0.011)),
            replace(LINK, detector=CoherentReceiver("homodyne", 0.8, 0.01, trusted=False)),
            replace(LINK, source=ModulatedLaser(1e8, 0.481)),
        )
    }
    assert len(agreed) == 6
