"""Small sources that are checked, for tests: each gives bits from a frame that takes milliseconds."""

from haris.quantum.entropy.mdi_qrng import MDI_QRNG, MdiQrng
from haris.quantum.entropy.source import EntropySource, Extraction
from haris.quantum.entropy.source_independent import SOURCE_INDEPENDENT, SourceIndependent
from haris.quantum.entropy.squeezed import SQUEEZED, SqueezedLight

SQUEEZED_LIGHT = EntropySource(
    SQUEEZED,
    SqueezedLight(
        adc_bits=8,
        range_v=1.2,
        round_hz=1e6,
        signal_rms_v=0.1,
        dark_rms_v=0.02,
        calibration_samples=10**9,
        p_check=0.3,
        squeezing_db=3.0,
        antisqueezing_db=4.0,
        frame_blocks=64,
    ),
    Extraction(8192),
)
QUBITS = EntropySource(SOURCE_INDEPENDENT, SourceIndependent(1e6, 0.9, 0.02, 0.002, p_double=0.001), Extraction(50_000))
STATES = EntropySource(MDI_QRNG, MdiQrng(1e6, 0.5, 0.01, 0.99, 1e-4, 1e-3), Extraction(400_000))
CHECKED = {"squeezed": SQUEEZED_LIGHT, "source-independent": QUBITS, "mdi": STATES}
