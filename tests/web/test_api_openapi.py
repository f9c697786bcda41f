"""The OpenAPI document: valid, complete, and true to what the handlers answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator

from daemon.web.api_openapi import document
from daemon.web.api_route import PREFIX
from tests.web.api_rig import office
from tests.web.test_api_access import filled

DOC = Path(__file__).parents[2] / "docs" / "api.md"


async def test_the_document_is_valid_openapi(tmp_path: Path) -> None:
    """By the specification's own schema, references resolved."""
    async with office(tmp_path) as here:
        found = (await here.get("/openapi.json")).json
        assert [str(error) for error in OpenAPIV31SpecValidator(found).iter_errors()] == []
        assert found["openapi"] == "3.1.0"


async def test_every_route_is_described(tmp_path: Path) -> None:
    """Method by method, each with its path parameters, and in docs/api.md."""
    async with office(tmp_path) as here:
        paths = (await here.get("/openapi.json")).json["paths"]
        text = DOC.read_text(encoding="utf-8")
        for route in here.rig.listener._app.router.routes():
            path = route.resource.canonical if route.resource is not None else ""
            if not path.startswith(PREFIX) or route.method == "HEAD":
                continue
            assert f"`{route.method} {path.removeprefix(PREFIX)}`" in text
            if path.endswith("openapi.json"):
                continue
            described = paths[path][route.method.lower()]
            named = {one["name"] for one in described.get("parameters", ()) if one["in"] == "path"}
            assert named == ({"id"} if "{id}" in path else set())


async def test_every_key_is_in_the_manual(tmp_path: Path) -> None:
    """Each key that a body or a query takes is named in docs/api.md."""
    async with office(tmp_path) as here:
        text = DOC.read_text(encoding="utf-8")
        for operation in here.api.operations:
            for model in (operation.query, operation.body):
                for name in getattr(model, "__struct_encode_fields__", ()):
                    assert f"`{name}`" in text, f"{operation.path} takes {name}"


async def test_answers_fit_the_document(tmp_path: Path) -> None:
    """What the handlers answer is what the document says, for a list, a whole incident and an error."""
    async with office(tmp_path) as here:
        await here.open()
        await here.house.forward(121)
        whole = document(here.api.operations, "1")
        reads = [one for one in here.api.operations if not one.acts]
        answers = [(one.path, one.answer.__name__) for one in reads]
        for path, name in answers:
            answer = await here.get(filled(path))
            assert answer.status == 200
            _fits(whole, name, answer.json)
        _fits(whole, "Done", (await here.act("/incidents/INC-1/update", text="Words.")).json)
        _fits(whole, "Fault", (await here.get("/incidents/INC-7")).json)


def _fits(whole: dict[str, Any], name: str, answer: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": whole["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer)
