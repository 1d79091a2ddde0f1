"""The description of the API (OpenAPI), and a page to read and try it, whose files are on this machine.

Schemas of settings, methods and editing operations are those of the forms: their classes are described at each request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from typing import Annotated, Any, Final

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, WithJsonSchema

from api.platform.problems import OPENAI, OPENAI_ERROR, PROBLEM
from api.platform.scopes import needs
from core.errors import NotFound
from core.services.data import conversion
from core.services.data.datasets import operations
from core.services.platform.api_keys import SCOPES
from core.services.training.choices import METHODS

DESCRIPTION: Final = "/api/openapi.json"
PAGE: Final = "/api/docs"
_MARK: Final = "x-one-of"
_REF: Final = "#/components/schemas/{model}"
# What is described by the classes of a registry, by the word that marks it in the schema of a request.
_KINDS: Final[Mapping[str, Callable[[], Iterable[type[BaseModel]]]]] = {
    "methods": lambda: METHODS,
    "operations": lambda: operations.OPERATIONS,
    "template options": lambda: [template.Options for template in conversion.templates()],
}
_FILES: Final = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
_START: Final = f"""window.ui = SwaggerUIBundle({{
  url: {json.dumps(DESCRIPTION)}, dom_id: "#docs", deepLinking: true, persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis], syntaxHighlight: false, validatorUrl: null,
}});
"""
_HTML: Final = f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>SFT Studio API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{PAGE}/favicon.png"><link rel="stylesheet" href="{PAGE}/swagger-ui.css"></head>
<body><main id="docs"></main><script src="{PAGE}/swagger-ui-bundle.js"></script>
<script src="{PAGE}/start.js"></script></body></html>"""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

MethodSettings = Annotated[dict[str, Any], WithJsonSchema({_MARK: "methods", "title": "Method settings"})]
EditOperation = Annotated[dict[str, Any], WithJsonSchema({_MARK: "operations", "title": "Editing operation"})]
Options = Annotated[dict[str, Any], WithJsonSchema({_MARK: "template options", "title": "Template options"})]

router: Final = APIRouter(tags=["Description"], dependencies=[needs(*SCOPES)])


@router.get(DESCRIPTION, include_in_schema=False)
def description(request: Request) -> dict[str, Any]:
    """The description of all routes."""
    return describe(request.app)


@router.get(PAGE, include_in_schema=False)
def docs() -> HTMLResponse:
    """The page to read and try it."""
    return HTMLResponse(_HTML, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


@router.get(PAGE + "/{name}", include_in_schema=False)
def asset(name: str) -> Response:
    """A file of the page."""
    if name == "start.js":
        return Response(_START, media_type="text/javascript")
    if name not in _FILES:
        raise NotFound(f"The page has no file {name!r}.", f"Open {PAGE}.")
    content = files(fastapi_offline).joinpath("static", name).read_bytes()
    return Response(content, media_type=_FILES[name], headers={"Cache-Control": "max-age=86400"})


def describe(app: FastAPI) -> dict[str, Any]:
    """The description with the schemas of every registered method, operation and template."""
    found = get_openapi(
        title=app.title, version=app.version, description="docs/api.md is the guide.", routes=app.routes
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    names = {word: [_describe(one, schemas) for one in kind()] for word, kind in _KINDS.items()}
    for marked in _marked(found):
        choices = [{"$ref": _REF.format(model=name)} for name in names[marked.pop(_MARK)]]
        marked["anyOf"] = [*choices, {"type": "object"}]
    for path, operations_of in found["paths"].items():
        face = "openai" if path.startswith(f"{OPENAI}/") else "own"
        for operation in operations_of.values():
            operation["responses"].pop("422", None)  # what is wrong with a body is a 400 here
            operation["responses"] |= {"4XX": _error(face), "5XX": _error(face)}
    schemas |= {"Problem": PROBLEM, "OpenAIError": OPENAI_ERROR}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"key": []}, {}]
    return found


def _error(face: str) -> dict[str, Any]:
    kind, name = ("application/json", "OpenAIError") if face == "openai" else ("application/problem+json", "Problem")
    return {"description": "Refused", "content": {kind: {"schema": {"$ref": _REF.format(model=name)}}}}


def _describe(model: type[BaseModel], schemas: dict[str, Any]) -> str:
    schema = model.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    name = f"{getattr(model, 'id', '') or model.__qualname__}".replace(".", "_")
    schemas[name] = schema
    return name


def _marked(node: Any) -> list[dict[str, Any]]:
    """The schemas to be replaced by those of a registry's classes."""
    if isinstance(node, dict):
        own = [node] if _MARK in node else []
        return [*own, *(one for value in node.values() for one in _marked(value))]
    return [one for value in node for one in _marked(value)] if isinstance(node, list) else []
