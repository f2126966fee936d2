"""Looks for keys in the memory of another process: raw, in hexadecimal, in base64, and any eight octets of one."""

import base64
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

WORD = 8
HEX_CHECKED = 16
"""Eight hexadecimal digits are only 32 bits: a match is one when so many digits agree."""
_MAX_REGION = 1 << 32
_STEP = 16 << 20


@dataclass(frozen=True)
class Find:
    """form: of which a part was found. key: its number. where: name of the mapping. address: of the part."""

    form: str
    key: int
    where: str
    address: int


def regions(pid):
    """(start, stop, name) of every readable mapping that is no device."""
    with open(f"/proc/{pid}/maps") as file:
        for line in file:
            span, mode, *_, inode_or_name = line.split(maxsplit=5)
            start, stop = (int(end, 16) for end in span.split("-"))
            name = inode_or_name.strip() if re.search(r"[/\[]", inode_or_name) else "anonymous"
            if mode.startswith("r") and name not in ("[vvar]", "[vsyscall]") and not name.startswith("/dev/"):
                yield start, stop, name


def pieces(pid):
    """(address, octets, name) of a process's memory, each overlapping the one before by what a word needs."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, stop, name in regions(pid):
            for at in range(start, min(stop, start + _MAX_REGION), _STEP):
                size = min(_STEP + HEX_CHECKED, stop - at)
                try:
                    memory.seek(at)
                    octets = memory.read(size)
                except (OSError, ValueError, OverflowError):
                    continue
                yield at, octets, name


class Scanner:
    """Knows every word of every form of the keys."""

    def __init__(self, keys):
        texts = {
            "raw": keys,
            "hex": [key.hex().encode() for key in keys],
            "HEX": [key.hex().upper().encode() for key in keys],
            "base64": [base64.b64encode(key) for key in keys],
        }
        self._known = {
            int.from_bytes(text[at : at + WORD], "little"): (form, number, text, at)
            for form, forms in texts.items()
            for number, text in enumerate(forms)
            for at in range(len(text) - WORD + 1)
        }
        self._words = np.array(sorted(self._known), np.uint64)
        self._filter = np.zeros(1 << 24, bool)
        self._filter[self._words & np.uint64(0xFFFFFF)] = True

    def scan(self, pid):
        """Every Find in the process's memory."""
        return [find for at, octets, name in pieces(pid) for find in self._scanned(at, octets, name)]

    def _scanned(self, at, octets, name):
        for offset in range(min(WORD, len(octets) - WORD + 1)):
            words = np.frombuffer(octets, "<u8", count=(len(octets) - offset) // WORD, offset=offset)
            likely = np.flatnonzero(self._filter[words & np.uint64(0xFFFFFF)])
            places = np.minimum(np.searchsorted(self._words, words[likely]), len(self._words) - 1)
            for i in likely[self._words[places] == words[likely]].tolist():
                form, key, text, part = self._known[int(words[i])]
                place = offset + WORD * i
                if form in ("raw", "base64") or self._agrees(octets, place, text, part):
                    yield Find(form, key, name, at + place)

    @staticmethod
    def _agrees(octets, place, text, part):
        low = max(0, min(part, part - (HEX_CHECKED - len(text[part:]))))
        wanted = text[low : low + HEX_CHECKED]
        begin = place - (part - low)
        return octets[begin : begin + HEX_CHECKED] == wanted


def summary(finds):
    """How many words of how many keys of each form lie where: what a failing test tells."""
    words, keys = Counter(), {}
    for find in finds:
        words[find.form, find.where] += 1
        keys.setdefault((find.form, find.where), set()).add(find.key)
    return "; ".join(
        f"{form} in {where}: {words[form, where]} words of {len(keys[form, where])} keys" for form, where in words
    )
