"""Whether an answer is one that the OpenAPI description of its face has."""

import re
from functools import cache
from pathlib import Path

import jsonschema_rs
import yaml

REFERENCE = Path(__file__).parents[2] / "docs/reference"
OF_HTTP = (404, 405, 413, 408, 414, 417, 431)
"""Broken rules of HTTP, on any path."""


@cache
def description(face):
    return yaml.safe_load((REFERENCE / f"openapi-{face}.yaml").read_text())


def require_described(face, method, path, answer):
    """answer: with status, items (None without a body) and headers."""
    document = description(face)
    described = described_answer(document, method, path, answer.status)
    if "$ref" in described:
        described = document["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
    if "content" not in described:
        assert answer.items is None, f"{method} {path} {answer.status} has a body"
        return
    schema = {**described["content"]["application/json"]["schema"], "components": document["components"]}
    jsonschema_rs.validate(schema, answer.items)
    assert "Retry-After" in answer.headers or answer.status != 503


def described_answer(document, method, path, status):
    for template, methods in document["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]*", template), path) and method.lower() in methods:
            responses = methods[method.lower()]["responses"]
            if str(status) in responses:
                return responses[str(status)]
    assert status in OF_HTTP, f"{method} {path}: {status} is not described"
    return {"$ref": "#/components/responses/refused"}
