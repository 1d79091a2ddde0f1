"""The formats that a version can be exported to. A new one is one file here and one line below."""

from __future__ import annotations

from typing import Final

from core.data.versions.exports.alpaca import ALPACA
from core.data.versions.exports.base import LOSSES, ExportFormat
from core.data.versions.exports.csv import CSV
from core.data.versions.exports.dpo import DPO
from core.data.versions.exports.jsonl import JSONL
from core.data.versions.exports.parquet import PARQUET
from core.data.versions.exports.sharegpt import SHAREGPT
from core.registry import Registry

EXPORTS: Final = Registry[ExportFormat]("export format")
EXPORTS.add(JSONL)
EXPORTS.add(PARQUET)
EXPORTS.add(CSV)
EXPORTS.add(SHAREGPT)
EXPORTS.add(ALPACA)
EXPORTS.add(DPO)
