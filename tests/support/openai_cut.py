"""The part of OpenAI's description that training speaks, cut out by lines: parsing all of it takes ten seconds.

python -m tests.support.openai_cut FOLDER TARGET      writes it as JSON, for Prism
"""

from __future__ import annotations

import json
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.support.openai_contract import modern

PATHS = (
    "/models", "/files", "/files/{file_id}", "/files/{file_id}/content", "/uploads", "/uploads/{upload_id}/parts",
    "/uploads/{upload_id}/complete", "/fine_tuning/jobs", "/fine_tuning/jobs/{fine_tuning_job_id}",
    "/fine_tuning/jobs/{fine_tuning_job_id}/cancel", "/fine_tuning/jobs/{fine_tuning_job_id}/pause",
    "/fine_tuning/jobs/{fine_tuning_job_id}/resume", "/fine_tuning/jobs/{fine_tuning_job_id}/events",
    "/fine_tuning/jobs/{fine_tuning_job_id}/checkpoints",
)  # fmt: skip
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REFERENCE = re.compile(r"#/components/schemas/([\w.-]+)")


@lru_cache(maxsize=1)
def cut(folder: Path) -> dict[str, Any]:
    """The description with these paths, and the schemas that they need."""
    lines = (folder / "contracts" / "openai" / "openapi.yaml").read_text(encoding="utf-8").split("\n")
    paths = _blocks(lines, _section(lines, "paths:"), 2)
    first, last = _section(lines, "components:")
    schemas = _blocks(lines, _section(lines, "  schemas:", first, last), 4)
    kept = {path: _parsed(paths[path]) for path in PATHS}
    needed: dict[str, Any] = {}
    waiting = _REFERENCE.findall("\n".join(paths[path] for path in PATHS))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = _parsed(schemas[name])
            waiting += _REFERENCE.findall(schemas[name])
    scheme = {"ApiKeyAuth": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "OpenAI: training", "version": "1"},
        "servers": [{"url": "https://api.openai.com/v1"}],
        "security": [{"ApiKeyAuth": []}],
        "paths": kept,
        "components": {"schemas": modern(needed), "securitySchemes": scheme},
    }


def _section(lines: list[str], head: str, first: int = 0, last: int | None = None) -> tuple[int, int]:
    """The lines below a key, up to the next one of its depth."""
    begin = lines.index(head, first, last if last is not None else len(lines)) + 1
    depth = len(head) - len(head.lstrip())
    end = begin
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > depth):
        end += 1
    return begin, end


def _blocks(lines: list[str], section: tuple[int, int], depth: int) -> dict[str, str]:
    """The entries of a section with their lines."""
    head = re.compile(rf"^ {{{depth}}}(['\"]?)([^\s'\"].*?)\1:\s*$")
    blocks: dict[str, list[str]] = {}
    name = ""
    for line in lines[slice(*section)]:
        if found := head.match(line):
            name = found[2]
            blocks[name] = []
        elif name:
            blocks[name].append(line)
    return {name: "\n".join(block) for name, block in blocks.items()}


def _parsed(block: str) -> Any:
    return yaml.load(block, Loader=_LOADER)


class Contract:
    """Compares requests and responses with the description."""

    def __init__(self, folder: Path) -> None:
        self._description = cut(folder)

    def problems(
        self, method: str, path: str, query: dict[str, str], body: Any, form: set[str], status: int, answer: Any
    ) -> list[str]:
        """Where one exchange differs. `path` is below /v1; `body` is JSON, or None where `form` names the fields."""
        template, operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path} is not described"]
        found = self._query(operation, query)
        asked = operation.get("requestBody", {}).get("content", {})
        if "application/json" in asked:
            found += self._differences(asked["application/json"]["schema"], body)
        elif asked:
            schema = self._resolved(asked["multipart/form-data"]["schema"])
            missing, unknown = set(schema["required"]) - form, form - set(schema["properties"])
            found += [f"form fields missing {missing}, unknown {unknown}"] if missing or unknown else []
        elif body not in (None, {}):
            found.append("a body where none is described")
        responses = {str(code): response for code, response in operation["responses"].items()}  # 200, or "200"
        described = responses.get(str(status), {}).get("content", {}).get("application/json")
        if status < 300 and described and answer is not None:
            found += self._differences(described["schema"], answer)
        return [f"{method} {template}: {text}" for text in found]

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any] | None]:
        for template, operations in self._description["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in operations:
                return template, operations[method.lower()]
        return path, None

    def _query(self, operation: dict[str, Any], query: dict[str, str]) -> list[str]:
        known = {one["name"]: one["schema"] for one in operation.get("parameters", []) if one["in"] == "query"}
        names = {name.partition("[")[0] for name in query}
        found = [f"unknown parameters {names - set(known)}"] if names - set(known) else []
        integers = [name for name, schema in known.items() if schema.get("type") == "integer" and name in query]
        return found + [f"{name} is {query[name]!r}" for name in integers if not query[name].isdecimal()]

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        name = schema.get("$ref", "").rpartition("/")[2]
        return self._description["components"]["schemas"][name] if name else schema

    def _differences(self, schema: dict[str, Any], value: Any) -> list[str]:
        root = {**modern(schema), "components": {"schemas": self._description["components"]["schemas"]}}
        errors = Draft202012Validator(root).iter_errors(value)
        return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(cut(Path(sys.argv[1]))), encoding="utf-8")
