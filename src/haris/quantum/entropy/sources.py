"""The sources that there are, and the SOURCE.toml that describes one."""

from __future__ import annotations

from pathlib import Path

from haris.nouns.document import Document, read_document
from haris.quantum.entropy.assessed import ASSESSED
from haris.quantum.entropy.beam_splitter import BEAM_SPLITTER
from haris.quantum.entropy.heterodyne import HETERODYNE
from haris.quantum.entropy.mdi_qrng import MDI_QRNG
from haris.quantum.entropy.phase_diffusion import PHASE_DIFFUSION
from haris.quantum.entropy.source import EntropySource, Extraction, Source
from haris.quantum.entropy.source_independent import SOURCE_INDEPENDENT
from haris.quantum.entropy.squeezed import SQUEEZED
from haris.quantum.entropy.vacuum import VACUUM

_ALL: tuple[Source, ...] = (
    VACUUM,
    PHASE_DIFFUSION,
    BEAM_SPLITTER,
    HETERODYNE,
    SQUEEZED,
    SOURCE_INDEPENDENT,
    MDI_QRNG,
    ASSESSED,
)
SOURCES: dict[str, Source] = {source.name: source for source in _ALL}
"""By the tag in SOURCE.toml: [source] name."""


def read_source(path: Path | str) -> EntropySource:
    """The source of a SOURCE.toml. Raises ParameterError, with the line, on whatever is wrong in it."""
    return source_of(read_document(path))


def source_of(document: Document) -> EntropySource:
    """The source that tables [source] and [extraction] describe; the latter may be left out."""
    document.only("source", "extraction")
    source = document.chosen("source", "name", SOURCES)
    parameters = document.choice("source", "name", {source.name: source.parameters})
    extraction = document.table("extraction", Extraction) if "extraction" in document.values else Extraction()
    return EntropySource(source, parameters, extraction)
