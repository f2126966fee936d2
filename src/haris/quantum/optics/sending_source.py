"""The transmitter of sending-or-not-sending: signal windows that send or stay dark, and decoy windows."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_not_negative, require_positive, require_simplex, require_weak
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class SendingSource:
    """Two equal lasers, one at each end: phase-randomised weak coherent pulses of three intensities and none.

    clock_hz: windows a second that carry quantum pulses; time that phase references take is not among them.
    signal_intensity: mean photon number of a signal that is sent. decoy_intensities: the stronger decoy y and the
    weaker x, above 0. p_signal: probability of a signal window. p_send: that a signal window sends.
    p_decoys: of y, x and an empty pulse in a decoy window, summing to 1.
    frequency_difference_hz: standard deviation of the lasers' difference in frequency that stays after compensation.
    linewidth_hz: sum of the two lasers' Lorentzian linewidths.
    Raises ParameterError on any other value.
    """

    clock_hz: float
    signal_intensity: float
    decoy_intensities: tuple[float, ...]
    p_signal: float
    p_send: float
    p_decoys: tuple[float, ...]
    frequency_difference_hz: float = 0.0
    linewidth_hz: float = 0.0

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_positive("signal_intensity", self.signal_intensity)
        require_weak("signal_intensity", (self.signal_intensity,))
        require_weak("decoy_intensities", self.decoy_intensities)
        for name in ("p_signal", "p_send"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ParameterError(f"{name} must lie strictly between 0 and 1, got {getattr(self, name)}")
        require_simplex("p_decoys", self.p_decoys)
        if len(self.p_decoys) != 3:
            raise ParameterError(f"p_decoys must be 3 numbers: of y, x and an empty pulse, got {self.p_decoys}")
        if len(self.decoy_intensities) != 2 or not self.decoy_intensities[0] > self.decoy_intensities[1] > 0.0:
            raise ParameterError(f"decoy_intensities must be y > x > 0, got {self.decoy_intensities}")
        require_not_negative("frequency_difference_hz", self.frequency_difference_hz)
        require_not_negative("linewidth_hz", self.linewidth_hz)

    @property
    def intensities(self) -> tuple[float, float, float]:
        """Mean photon numbers of the signal, y and x."""
        y, x = self.decoy_intensities
        return self.signal_intensity, y, x

    @property
    def p_decoy_kinds(self) -> tuple[float, ...]:
        """Probabilities of the window kinds oo, ox, xo, oy, yo.

        A signal window that did not send is an empty pulse too, where the other end has a decoy window: such windows
        make no key, and what was sent in them is told. Jiang, Yu, Hu, Wang, Phys. Rev. Applied 12, 024061 (2019).
        """
        decoy, dark = 1.0 - self.p_signal, self.p_signal * (1.0 - self.p_send)
        y, x, empty = (decoy * p for p in self.p_decoys)
        vacuum = empty * empty + 2.0 * empty * dark
        return vacuum, (empty + dark) * x, (empty + dark) * x, (empty + dark) * y, (empty + dark) * y

    @property
    def p_both_x(self) -> float:
        """Probability that both ends send the weaker decoy."""
        return ((1.0 - self.p_signal) * self.p_decoys[1]) ** 2

    @property
    def p_signal_kinds(self) -> tuple[float, float, float, float]:
        """Probabilities that in a signal window of both ends nobody, Alice, Bob or both send."""
        both, send = self.p_signal**2, self.p_send
        return both * (1.0 - send) ** 2, both * send * (1.0 - send), both * send * (1.0 - send), both * send**2
