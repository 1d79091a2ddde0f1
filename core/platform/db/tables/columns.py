"""Kinds of columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Text
from sqlmodel import Field


def json_object(**kwargs: Any) -> Any:
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False, **kwargs))


def json_list(**kwargs: Any) -> Any:
    return Field(default_factory=list, sa_column=Column(JSON, nullable=False, **kwargs))


def big(**kwargs: Any) -> Any:
    """Bytes and tokens: PostgreSQL's INTEGER ends at 2.1 billion."""
    return Field(sa_type=BigInteger, **kwargs)


def text(default: str = "") -> Any:
    return Field(default=default, sa_column=Column(Text, nullable=False))
