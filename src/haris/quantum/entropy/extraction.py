"""Seeded extraction: raw bits of a source, block by block, to bits that are uniform and unknown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.block_toeplitz import MOST_BLOCK_BITS, BlockToeplitz
from haris.kernels.toeplitz import MOST_BITS, Workspace, toeplitz_packed
from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.entropy.certificate import Certificate

Octets = NDArray[np.uint8]


class Extractor:
    """A Toeplitz matrix over GF(2) that hashes every block of n_in raw bits to n_out bits.

    seed: n_in + n_out - 1 uniform bits, packed, the least significant bit of an octet first. It may be public, but must
    be independent of the source: drawn elsewhere, and not told to whoever makes or may still influence raw bits.
    n_in: 1 to 2^28. n_out: 1 to n_in; hashed_bits() says how many a block's smooth min-entropy allows.
    workspace: that extractors of one thread share. Raises ParameterError on other sizes.

    Toeplitz matrices are two-universal (Mansour, Nisan, Tiwari, STOC 1990; Krawczyk, CRYPTO 1994), so the leftover hash
    lemma holds against quantum side information: a block's output together with the seed is within epsilon of uniform
    and independent (Tomamichel, Schaffner, Smith, Renner, IEEE Trans. Inf. Theory 57, 5524 (2011)).
    One seed serves block after block: the output of earlier blocks is side information of the next, whose min-entropy
    must hold beside all earlier samples; then the errors add, and that of the seed counts once (Frauchiger, Renner,
    Troyer, "True randomness from realistic quantum devices", arXiv 1311.4547 (2013)). See summed_epsilon.
    Blocks are hashed apart: this is no hash of them all as one long block.
    """

    def __init__(self, n_in: int, n_out: int, seed: Octets | bytes, workspace: Workspace | None = None) -> None:
        if not 1 <= n_in <= MOST_BITS:
            raise ParameterError(f"n_in must be 1 to {MOST_BITS}, got {n_in}")
        if not 1 <= n_out <= n_in:
            raise ParameterError(f"n_out must be 1 to n_in = {n_in}, got {n_out}")
        self.n_in, self.n_out = n_in, n_out
        octets = np.frombuffer(seed, np.uint8) if isinstance(seed, bytes) else seed
        if len(octets) != seed_octets(n_in, n_out):
            raise ParameterError(f"seed must have {seed_octets(n_in, n_out)} octets, got {len(octets)}")
        self._short = BlockToeplitz(octets, n_in, n_out) if n_in <= MOST_BLOCK_BITS else None
        self._seed = octets.copy() if self._short is None else np.empty(0, np.uint8)
        self._workspace = Workspace() if workspace is None else workspace

    def extract(self, raw: Octets, n_blocks: int) -> Octets:
        """The hashes of n_blocks blocks, which lie bit behind bit in packed octets, as the hashes then do.

        raw: ceil(n_blocks n_in / 8) octets, result: ceil(n_blocks n_out / 8), its unused bits 0.
        Raises ParameterError on other sizes.
        """
        if self._short is not None:
            return self._short.hash(raw, n_blocks)
        if n_blocks < 0 or len(raw) != -(-n_blocks * self.n_in // 8):
            raise ParameterError(
                f"raw must have {-(-n_blocks * self.n_in // 8)} octets for {n_blocks} blocks, got {len(raw)}"
            )
        whole = self.n_out % 8 == 0
        hashes = [np.empty(0, np.uint8)]
        for block in range(n_blocks):
            key = _cut(raw, block * self.n_in, self.n_in)
            octets = toeplitz_packed(key, self.n_in, self._seed, self.n_out, workspace=self._workspace)
            hashes.append(octets if whole else np.unpackbits(octets, count=self.n_out, bitorder="little"))
        joined = np.concatenate(hashes)
        return joined if whole else np.packbits(joined, bitorder="little")


def seed_octets(n_in: int, n_out: int) -> int:
    """Octets of a seed of n_in + n_out - 1 bits."""
    return -(-(n_in + n_out - 1) // 8)


def certified_extractor(found: Certificate, seed: Octets | bytes) -> Extractor:
    """For the blocks of a certificate. Raises ParameterError where it certifies nothing."""
    if found.out_bits < 1:
        raise ParameterError(f"certificate must allow bits to be taken, got {found.out_bits} a block")
    return Extractor(found.raw_bits, found.out_bits, seed)


def summed_epsilon(epsilon_block: float, n_blocks: float, epsilon_seed: float = 0.0) -> float:
    """Distance from ideal of the outputs of n_blocks blocks together that one seed hashed, at most 1.

    epsilon_block: of one block, smoothing and hash. epsilon_seed: the seed's own distance from uniform, counted once.
    Source: Frauchiger, Renner, Troyer, arXiv 1311.4547 (2013): the triangle inequality, block by block.
    """
    require_probability("epsilon_block", epsilon_block)
    require_probability("epsilon_seed", epsilon_seed)
    return min(1.0, epsilon_seed + n_blocks * epsilon_block)


def _cut(octets: Octets, first: int, n_bits: int) -> Octets:
    """Bits first to first + n_bits - 1 of packed octets, packed from their own beginning."""
    part = octets[first // 8 : -(-(first + n_bits) // 8)]
    if first % 8 == 0:
        return part
    bits = np.unpackbits(part, bitorder="little")[first % 8 : first % 8 + n_bits]
    return np.packbits(bits, bitorder="little")
