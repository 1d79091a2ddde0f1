"""What pandas and Hugging Face write about the columns of a Parquet file: index columns, and the names of labels."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.data.issues import finding
from core.messages import Finding

Names = Callable[[Any], Any]  # a value with numbers -> the same value with names

_INDEX = re.compile(r"__index_level_\d+__")


def index_columns(names: Sequence[str], metadata: Mapping[bytes, bytes] | None) -> tuple[str, ...]:
    """The columns that are nothing but pandas' row numbers: index columns that were never given a name."""
    about = _json(metadata, b"pandas")
    listed = about.get("index_columns")
    known = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    return tuple(name for name in names if name in known and _INDEX.fullmatch(name))


def label_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, Names]:
    """For each column with numbers of labels, how its values become the names that Hugging Face's metadata lists."""
    info = _json(metadata, b"huggingface").get("info")
    features = info.get("features") if isinstance(info, Mapping) else None
    if not isinstance(features, Mapping):
        return {}
    found = {str(name): _names_of(feature) for name, feature in features.items()}
    return {name: names for name, names in found.items() if names is not None}


def findings_about(index: Sequence[str], labels: Mapping[str, Names]) -> list[Finding]:
    """What a user is told about both."""
    found = []
    if index:
        listed = ", ".join(repr(name) for name in index)
        what = "Column" if len(index) == 1 else "Columns"
        found.append(finding("parquet_index", f"{what} {listed}: pandas' row numbers, not used."))
    for name in labels:
        text = f"The numbers in {name!r} are read as the names of their labels, from the Hugging Face metadata."
        found.append(finding("class_labels", text, field=name))
    return found


def _json(metadata: Mapping[bytes, bytes] | None, key: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads((metadata or {}).get(key, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}


def _names_of(feature: object) -> Names | None:
    """How a value of this feature is read; None where it has no labels."""
    if isinstance(feature, list) and len(feature) == 1:
        return _each(_names_of(feature[0]))
    if not isinstance(feature, Mapping):
        return None
    kind, names = feature.get("_type"), feature.get("names")
    if kind == "ClassLabel":
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return None
        return _by_number(names)
    if kind is None:
        return _keys({str(key): _names_of(inner) for key, inner in feature.items()})
    return _each(_names_of(feature.get("feature")))


def _by_number(names: Sequence[str]) -> Names:
    def name(value: Any) -> Any:
        if not isinstance(value, int):
            return value
        return names[value] if 0 <= value < len(names) else None if value == -1 else value  # -1: not labeled

    return name


def _each(inner: Names | None) -> Names | None:
    if inner is None:
        return None
    # An older sequence of objects is stored as an object of lists.
    return lambda value: [inner(item) for item in value] if isinstance(value, list) else inner(value)


def _keys(inner: Mapping[str, Names | None]) -> Names | None:
    named = {key: names for key, names in inner.items() if names is not None}
    if not named:
        return None

    def rename(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {key: _listed(named[key], item) if key in named else item for key, item in value.items()}

    return rename


def _listed(names: Names, value: Any) -> Any:
    return [names(item) for item in value] if isinstance(value, list) else names(value)
