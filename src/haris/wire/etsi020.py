"""The messages of ETSI GS QKD 020 V1.1.1: what the key managers of two operators say to each other.

Messages only: a server reads requests (Problem: its caller is wrong) and writes answers; a client writes requests and
reads answers (PeerError: the other key manager breaks the standard). Both ends are both, since acknowledgements and
voids run in either direction. Points that the standard leaves open are decided in
docs/decisions/0006-etsi020-open-points.md.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from haris.nouns.errors import PeerError
from haris.wire.etsi020_problem import Problem, ProblemType, invalid
from haris.wire.etsi020_values import (
    Extension,
    read_array,
    read_boolean,
    read_distinct,
    read_extension,
    read_json,
    read_key_id,
    read_message,
    read_object,
    read_octets,
    read_optional,
    read_required,
    read_sae_id,
    read_text,
    read_url,
)

CONTENT_TYPE = "application/json; charset=UTF-8"
VERSIONS_PATH = "/kmapi/versions"
EXT_KEYS_PATH = "/kmapi/v1/ext_keys"
ACK_PATH = "/kmapi/v1/ext_keys/ack"
VOID_PATH = "/kmapi/v1/ext_keys/void"
VERSION = "v1"
SYNCHRONOUS_MODE = "synchronous_mode"


class AckStatus(StrEnum):
    """What became of keys."""

    RELAYED = "relayed"
    FAILED = "failed"
    VOIDED = "voided"
    FAILED_TO_VOID = "failed to void"
    KEY_NOT_PRESENT = "key not present"


@dataclass(frozen=True, slots=True)
class VersionContainer:
    """The answer to versions."""

    versions: tuple[str, ...]
    capabilities: tuple[str, ...] = ()
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class ExtKey:
    """One key on its way to the other operator."""

    key_id: UUID
    octets: bytes = field(repr=False)
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class ExtKeyContainer:
    """Keys for target SAEs. ack_callback_url: where the acknowledgement is due; None: in the answer (synchronous)."""

    keys: tuple[ExtKey, ...]
    initiator_sae_id: str
    target_sae_ids: tuple[str, ...]
    ack_callback_url: str | None = None
    extension_mandatory: Extension | None = None
    extension_optional: Extension | None = None


@dataclass(frozen=True, slots=True)
class AckedKey:
    """A key that an acknowledgement is about."""

    key_id: UUID
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class AckContainer:
    """What became of keys of one set of SAEs."""

    keys: tuple[AckedKey, ...]
    status: AckStatus
    initiator_sae_id: str
    target_sae_ids: tuple[str, ...]
    message: str | None = None
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class VoidContainer:
    """Keys that shall not be delivered. No key_ids with all_confirmation: every key of this set of SAEs."""

    key_ids: tuple[UUID, ...]
    initiator_sae_id: str
    target_sae_ids: tuple[str, ...]
    ack_callback_url: str | None = None
    extension: Extension | None = None
    all_confirmation: bool = False


# Requests as a server reads them


def read_ext_keys(body: bytes) -> ExtKeyContainer:
    """The container of ext_keys."""
    items = read_object("the request body", read_json(body))
    return ExtKeyContainer(
        keys=read_distinct("keys", read_array("keys", read_required(items, "keys"), _ext_key), lambda key: key.key_id),
        initiator_sae_id=read_sae_id("initiator_sae_id", read_required(items, "initiator_sae_id")),
        target_sae_ids=_targets(items),
        ack_callback_url=read_optional(items, "ack_callback_url", read_url),
        extension_mandatory=read_optional(items, "extension_mandatory", read_extension),
        extension_optional=read_optional(items, "extension_optional", read_extension),
    )


def read_void(body: bytes) -> VoidContainer:
    """The container of void. What is wrong with its form is void-request-not-understood."""
    try:
        container = _void(read_object("the request body", read_json(body)))
    except Problem as problem:
        raise _understood_as(ProblemType.VOID_REQUEST_NOT_UNDERSTOOD, problem) from None
    if not container.key_ids and not container.all_confirmation:
        text = "key_ids is empty, which means every key of these SAEs, and all_confirmation is not true"
        raise Problem(ProblemType.NO_KEY_IDS_OR_CONFIRMATION, {"no_key_ids_or_confirmation": text})
    return container


def read_acks(body: bytes) -> tuple[AckContainer, ...]:
    """The containers of ack. What is wrong with their form is ack-not-understood."""
    try:
        return read_array("the body", read_json(body), _ack)
    except Problem as problem:
        raise _understood_as(ProblemType.ACK_NOT_UNDERSTOOD, problem) from None


# Requests and answers as they are written


def write_versions(container: VersionContainer) -> bytes:
    """The body of an answer to versions."""
    capabilities = container.capabilities or None
    return _write(versions=container.versions, capabilities=capabilities, extension=container.extension)


def write_ext_keys(container: ExtKeyContainer) -> bytes:
    """The body of ext_keys. It holds secrets: never log it."""
    keys = [
        _items(key_id=str(key.key_id), value=base64.b64encode(key.octets).decode(), extension=key.extension)
        for key in container.keys
    ]
    return _write(
        keys=keys,
        initiator_sae_id=container.initiator_sae_id,
        target_sae_ids=container.target_sae_ids,
        ack_callback_url=container.ack_callback_url,
        extension_mandatory=container.extension_mandatory,
        extension_optional=container.extension_optional,
    )


def write_void(container: VoidContainer) -> bytes:
    """The body of void."""
    return _write(
        key_ids=[str(key_id) for key_id in container.key_ids],
        initiator_sae_id=container.initiator_sae_id,
        target_sae_ids=container.target_sae_ids,
        ack_callback_url=container.ack_callback_url,
        extension=container.extension,
        all_confirmation=container.all_confirmation or None,
    )


def write_acks(containers: Sequence[AckContainer]) -> bytes:
    """The body of ack, and of a synchronous answer to ext_keys and void."""
    return msgspec.json.encode([_ack_items(container) for container in containers])


# Answers as a client reads them


def read_versions(body: bytes) -> VersionContainer:
    """The answer to versions; PeerError for another form."""
    try:
        items = read_object("the answer", read_json(body))
        return VersionContainer(
            _texts("versions", read_required(items, "versions")),
            read_optional(items, "capabilities", _texts) or (),
            read_optional(items, "extension", read_extension),
        )
    except Problem as problem:
        raise PeerError(f"the neighbour operator's KME answers in a wrong form: {problem}") from None


def read_acks_answer(body: bytes) -> tuple[AckContainer, ...]:
    """The acknowledgements in a synchronous answer; PeerError for another form."""
    try:
        return read_acks(body)
    except Problem as problem:
        raise PeerError(f"the neighbour operator's KME answers in a wrong form: {problem}") from None


def require_content_type(value: str | None) -> None:
    """Raise a Problem unless a body is declared as JSON in UTF-8."""
    media, _, parameters = (value or "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise invalid(f"Content-Type shall be {CONTENT_TYPE}")


# The parts


def _void(items: Mapping[str, Any]) -> VoidContainer:
    listed = read_array("key_ids", read_required(items, "key_ids"), read_key_id, at_least=0)
    return VoidContainer(
        key_ids=read_distinct("key_ids", listed, lambda key_id: key_id),
        initiator_sae_id=read_sae_id("initiator_sae_id", read_required(items, "initiator_sae_id")),
        target_sae_ids=_targets(items),
        ack_callback_url=read_optional(items, "ack_callback_url", read_url),
        extension=read_optional(items, "extension", read_extension),
        all_confirmation=bool(read_optional(items, "all_confirmation", read_boolean)),
    )


def _ack(name: str, value: Any) -> AckContainer:
    items = read_object(name, value)
    keys = read_array("key_id_container", read_required(items, "key_id_container"), _acked_key)
    return AckContainer(
        keys=read_distinct("key_id_container", keys, lambda key: key.key_id),
        status=_ack_status("ack_status", read_required(items, "ack_status")),
        initiator_sae_id=read_sae_id("initiator_sae_id", read_required(items, "initiator_sae_id")),
        target_sae_ids=_targets(items),
        message=read_optional(items, "message", read_message),
        extension=read_optional(items, "extension", read_extension),
    )


def _ack_items(container: AckContainer) -> dict[str, Any]:
    return _items(
        key_id_container=[_items(key_id=str(key.key_id), extension=key.extension) for key in container.keys],
        ack_status=container.status,
        initiator_sae_id=container.initiator_sae_id,
        target_sae_ids=container.target_sae_ids,
        message=container.message,
        extension=container.extension,
    )


def _ext_key(name: str, value: Any) -> ExtKey:
    items = read_object(name, value)
    key_id = read_key_id("key_id", read_required(items, "key_id"))
    octets = read_octets("value", read_required(items, "value"))
    return ExtKey(key_id, octets, read_optional(items, "extension", read_extension))


def _acked_key(name: str, value: Any) -> AckedKey:
    items = read_object(name, value)
    return AckedKey(
        read_key_id("key_id", read_required(items, "key_id")), read_optional(items, "extension", read_extension)
    )


def _targets(items: Mapping[str, Any]) -> tuple[str, ...]:
    listed = read_array("target_sae_ids", read_required(items, "target_sae_ids"), read_sae_id)
    if items.get("initiator_sae_id") in listed:
        raise invalid("target_sae_ids shall not name the initiator")
    return read_distinct("target_sae_ids", listed, lambda sae: sae)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    return read_array(name, value, read_text)


def _ack_status(name: str, value: Any) -> AckStatus:
    try:
        return AckStatus(value)
    except ValueError:
        raise invalid(f"{name} shall be one of {', '.join(AckStatus)}") from None


def _understood_as(kind: ProblemType, problem: Problem) -> Problem:
    """A wrong value told in the type that the method has for it; an absent one stays missing-parameters."""
    if problem.kind is ProblemType.MISSING_PARAMETERS:
        return problem
    return Problem(kind, {kind.replace("-", "_"): "; ".join(problem.details.values())})


def _items(**items: Any) -> dict[str, Any]:
    return {name: value for name, value in items.items() if value is not None}


def _write(**items: Any) -> bytes:
    return msgspec.json.encode(_items(**items))
