"""OpenAI's published description of its API, to compare responses with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator


def problems(folder: Path, schema: str, value: object) -> list[str]:
    """Where a value differs from a schema of the description.

    Args:
        folder: the real-world data; it contains the description.
    """
    root = {"$ref": f"#/components/schemas/{schema}", "components": _components(folder)}
    found = Draft202012Validator(root).iter_errors(value)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]


@lru_cache(maxsize=1)
def _components(folder: Path) -> dict[str, Any]:
    text = (folder / "contracts" / "openai" / "openapi.yaml").read_text(encoding="utf-8")
    described: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {"schemas": modern(described["components"]["schemas"])}


def modern(node: Any) -> Any:
    """Written for JSON Schema of today: `exclusiveMinimum: true` beside a minimum, and `nullable`, are from before."""
    if isinstance(node, list):
        return [modern(item) for item in node]
    if not isinstance(node, dict):
        return node
    changed = {name: modern(value) for name, value in node.items()}
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if changed.get(bound) is True:
            changed[bound] = changed.pop(limit)
        elif changed.get(bound) is False:
            del changed[bound]
    if changed.pop("nullable", False) is True:
        return {"anyOf": [changed, {"type": "null"}]}
    return changed
