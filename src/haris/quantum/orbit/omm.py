"""Orbit mean-elements messages (CCSDS 502.0-B-3) as JSON, XML or keywords and values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import Elements

_NUMBERS = {
    "mean_motion_rev_per_day": "MEAN_MOTION",
    "eccentricity": "ECCENTRICITY",
    "inclination_deg": "INCLINATION",
    "raan_deg": "RA_OF_ASC_NODE",
    "argument_of_perigee_deg": "ARG_OF_PERICENTER",
    "mean_anomaly_deg": "MEAN_ANOMALY",
    "bstar_per_radius": "BSTAR",
}
_MUST_BE = {
    "CENTER_NAME": ("EARTH",),
    "REF_FRAME": ("TEME",),
    "TIME_SYSTEM": ("UTC",),
    "MEAN_ELEMENT_THEORY": ("SGP4", "SGP/SGP4"),
    "EPHEMERIS_TYPE": ("0", ""),  # 4 is SGP4-XP
}
"""What SGP4 assumes, where a message says it."""


def read_omm(text: str) -> tuple[Elements, ...]:
    """Every message of a text, in order; the form is told from its first character.

    Raises ParameterError on a text that is none of the forms, a keyword that is missing or no number, another frame,
    time system or theory than SGP4's, or elements that are no orbit.
    """
    start = text.lstrip()[:1]
    messages = _from_json(text) if start in ("[", "{") else _from_xml(text) if start == "<" else _from_keywords(text)
    if not messages:
        raise ParameterError("no orbit mean-elements message in the text")
    return tuple(_elements(message) for message in messages)


def _from_json(text: str) -> Sequence[Mapping[str, str]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"not JSON: {error}") from None
    messages = value if isinstance(value, list) else [value]
    if not all(isinstance(message, dict) for message in messages):
        raise ParameterError("a list of messages holds something that is none")
    return [{key: str(v) for key, v in message.items() if v is not None} for message in messages]


def _from_xml(text: str) -> Sequence[Mapping[str, str]]:
    if "<!" in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL):  # declarations can make a small text endless
        raise ParameterError("an XML message must have no declarations")
    try:
        root = ElementTree.fromstring(text.lstrip())
    except (ElementTree.ParseError, ValueError) as error:
        raise ParameterError(f"not XML: {error}") from None
    found = root.iter("omm") if root.tag != "omm" else [root]
    return [{e.tag: (e.text or "").strip() for e in message.iter() if len(e) == 0} for message in found]


def _from_keywords(text: str) -> Sequence[Mapping[str, str]]:
    messages: list[dict[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.startswith("COMMENT"):
            continue
        if not equals:
            raise ParameterError(f"line {number}: not KEYWORD = value: {line.strip()[:40]!r}")
        if key == "CCSDS_OMM_VERS" or not messages:
            messages.append({})
        if key in messages[-1]:
            raise ParameterError(f"line {number}: {key} stands twice in a message")
        messages[-1][key] = re.sub(r"\s*\[[^]]*\]$", "", value)  # a unit may follow
    return messages


def _elements(message: Mapping[str, str]) -> Elements:
    name = message.get("OBJECT_NAME", "")
    about = f"message of {name or 'an unnamed object'}"
    for key, right in _MUST_BE.items():
        if key in message and message[key].upper() not in right:
            raise ParameterError(f"{about}: {key} must be {right[0]}, got {message[key][:40]!r}")
    values = {field: _number(about, key, message.get(key)) for field, key in _NUMBERS.items()}
    number = message.get("NORAD_CAT_ID", "0")
    if not re.fullmatch(r"[0-9]{1,9}", number):
        raise ParameterError(f"{about}: NORAD_CAT_ID must be a whole number, got {number!r}")
    try:
        return Elements(name or number, int(number), _epoch_s(about, message.get("EPOCH", "")), **values)
    except ParameterError as error:
        raise ParameterError(str(error) if str(error).startswith(about) else f"{about}: {error}") from None


def _number(about: str, key: str, text: str | None) -> float:
    if text is None:
        raise ParameterError(f"{about}: {key} is missing")
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"{about}: {key} must be a number, got {text!r}") from None


def _epoch_s(about: str, text: str) -> float:
    """Of 2016-12-18T21:38:11.5, or 2016-353T21:38:11.5, the day of the year."""
    try:
        by_day = re.fullmatch(r"([0-9]{4})-([0-9]{3})(T.*)", text)
        moment = datetime.fromisoformat(f"{by_day[1]}-01-01{by_day[3]}" if by_day else text)
        if by_day:
            moment += timedelta(days=int(by_day[2]) - 1)
            if moment.year != int(by_day[1]):
                raise ValueError(text)
    except (ValueError, OverflowError):
        raise ParameterError(f"{about}: EPOCH must be a time such as 2016-12-18T21:38:11.5, got {text!r}") from None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
