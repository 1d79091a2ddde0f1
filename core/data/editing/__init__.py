"""Operations on dataset versions: each a frozen set of parameters that describes itself and streams examples.

base       what an operation is, and the registry        rows       drop, edit, add, move, weigh, system message
choosing   filter, merge, dedupe, sample                 splitting  training and validation, nothing on both sides
text       redact, repair, neutralise                    building   an operation becomes the files of a version
"""

from core.data.editing.base import OPERATIONS, Effect, Operation, ResultExample, make, operation_of
from core.data.editing.choosing import Dedupe, Filter, Merge, SampleRows
from core.data.editing.rows import (
    AddedExample,
    AddExamples,
    DropRows,
    EditRows,
    Move,
    SetSystem,
    SetWeight,
    message_dicts,
)
from core.data.editing.splitting import GROUPINGS, Split
from core.data.editing.text import EscapeSpecialTokens, Redact, RepairText

__all__ = [
    "GROUPINGS",
    "OPERATIONS",
    "AddExamples",
    "AddedExample",
    "Dedupe",
    "DropRows",
    "EditRows",
    "Effect",
    "EscapeSpecialTokens",
    "Filter",
    "Merge",
    "Move",
    "Operation",
    "Redact",
    "RepairText",
    "ResultExample",
    "SampleRows",
    "SetSystem",
    "SetWeight",
    "Split",
    "make",
    "message_dicts",
    "operation_of",
]
