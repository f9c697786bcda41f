"""The OpenAPI 3.1 document, made from the operations and the models that the handlers use."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from daemon.web.api_input import USER_HEADER
from daemon.web.api_models import Fault
from daemon.web.api_route import Operation
from daemon.web.problem import CONTENT_TYPE

_REF = "#/components/schemas/{name}"
_READS = (400, 401, 421, 503)
_ACTS = (400, 401, 403, 408, 409, 413, 415, 421, 422, 503)
_USER = {
    "name": USER_HEADER,
    "in": "header",
    "required": False,
    "description": "Who acts, unless the body says it.",
    "schema": {"type": "string", "maxLength": 100},
}


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The whole document as plain data."""
    types = [one for operation in operations for one in (operation.answer, operation.body) if one is not None]
    _, schemas = msgspec.json.schema_components([*dict.fromkeys(types), Fault], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.full_path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin",
            "version": version,
            "description": "The local API of the private listener. Reads are open on loopback; acts need the"
            " administrator's token. Errors are problem+json.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _describe(operation: Operation) -> dict[str, Any]:
    parameters = [*_path_parameters(operation), *_query_parameters(operation)]
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{"token": []}] if operation.acts else [{}, {"token": []}],
        "responses": {str(operation.status): _answer(operation)} | _faults(operation),
    }
    if operation.body is not None:
        parameters.append(_USER)
        required = any(one.required for one in msgspec.structs.fields(operation.body))
        described["requestBody"] = {"required": required, "content": _json(operation.body)}
    if parameters:
        described["parameters"] = parameters
    return described


def _answer(operation: Operation) -> dict[str, Any]:
    return {"description": HTTPStatus(operation.status).phrase, "content": _json(operation.answer)}


def _json(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=kind.__name__)}}}


def _faults(operation: Operation) -> dict[str, Any]:
    statuses = {*(_ACTS if operation.acts else _READS), *((404,) if operation.id_form else ())}
    schema = {"$ref": _REF.format(name=Fault.__name__)}
    return {
        str(status): {"description": HTTPStatus(status).phrase, "content": {CONTENT_TYPE: {"schema": schema}}}
        for status in sorted(statuses)
    }


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    if not operation.id_form:
        return []
    schema = {"type": "string", "examples": [operation.id_form]}
    return [{"name": "id", "in": "path", "required": True, "schema": schema}]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    _, components = msgspec.json.schema_components([operation.query], ref_template=_REF)
    properties = components[operation.query.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": _inline(schema, components)}
        for name, schema in properties.items()
    ]


def _inline(schema: Any, components: dict[str, Any]) -> Any:
    """A schema with what it refers to put in its place, and without ``null``, which no query can say."""
    if isinstance(schema, list):
        return [_inline(one, components) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inline(components[schema["$ref"].rpartition("/")[2]], components)
    shown = {key: _inline(value, components) for key, value in schema.items() if not _is_null(key, value)}
    options = [one for one in shown.pop("anyOf", ()) if one != {"type": "null"}]
    return shown | options[0] if len(options) == 1 else shown | ({"anyOf": options} if options else {})


def _is_null(key: str, value: Any) -> bool:
    return key == "default" and value is None
