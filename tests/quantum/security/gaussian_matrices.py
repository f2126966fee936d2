"""Gaussian states as covariance matrices, vacuum 1, quadratures in the order x p x p: set-up of tests."""

import numpy as np


def entropy(covariance):
    """Of a Gaussian state, from the moduli of the eigenvalues of i Omega V; quadratures in the order x p x p."""
    omega = np.kron(np.eye(len(covariance) // 2), [[0.0, 1.0], [-1.0, 0.0]])
    values = np.sort(np.abs(np.linalg.eigvals(1j * omega @ covariance)))[::2]
    photons = np.maximum((values - 1.0) / 2.0, 1e-300)
    return float(np.sum((photons + 1.0) * np.log2(photons + 1.0) - photons * np.log2(photons)))


def squeezed_pair(variance):
    c = np.sqrt(variance**2 - 1.0)
    return np.block([[variance * np.eye(2), c * np.diag([1, -1])], [c * np.diag([1, -1]), variance * np.eye(2)]])


def mixed(covariance, one, other, transmittance):
    """After a beam splitter between two modes."""
    n = len(covariance) // 2
    t, r = np.sqrt(transmittance), np.sqrt(1.0 - transmittance)
    splitter = np.eye(n)
    splitter[np.ix_([one, other], [one, other])] = [[t, r], [-r, t]]
    splitter = np.kron(splitter, np.eye(2))
    return splitter @ covariance @ splitter.T


def joined(*parts):
    out = np.zeros((sum(map(len, parts)),) * 2)
    at = 0
    for part in parts:
        out[at : at + len(part), at : at + len(part)] = part
        at += len(part)
    return out


def measured(covariance, quadratures):
    """Of the rest, after these quadratures were measured and their modes thrown away."""
    gone = sorted({2 * (q // 2) + k for q in quadratures for k in (0, 1)})
    left = [i for i in range(len(covariance)) if i not in gone]
    cross = covariance[np.ix_(left, quadratures)]
    return (
        covariance[np.ix_(left, left)] - cross @ np.linalg.inv(covariance[np.ix_(quadratures, quadratures)]) @ cross.T
    )
