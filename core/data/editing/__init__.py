"""Operations on dataset versions: each a frozen set of parameters that describes itself and streams examples.

base       what an operation is, and the registry        rows       drop, edit, add, move, weigh, system message
choosing   filter, merge, dedupe, sample                 splitting  training and validation, nothing on both sides
text       redact, repair, neutralise                    building   an operation becomes the files of a version
"""

from core.data.editing.base import OPERATIONS, Effect, Made, Operation, make, operation_of, register
from core.data.editing.choosing import Dedupe, Filter, Merge, Sample
from core.data.editing.rows import (
    AddedExample,
    AddExamples,
    DropRows,
    EditRows,
    Move,
    SetSystem,
    SetWeight,
    messages_of,
)
from core.data.editing.splitting import GROUPINGS, Split
from core.data.editing.text import NeutraliseSpecialTokens, Redact, RepairText

__all__ = [
    "GROUPINGS",
    "OPERATIONS",
    "AddExamples",
    "AddedExample",
    "Dedupe",
    "DropRows",
    "EditRows",
    "Effect",
    "Filter",
    "Made",
    "Merge",
    "Move",
    "NeutraliseSpecialTokens",
    "Operation",
    "Redact",
    "RepairText",
    "Sample",
    "SetSystem",
    "SetWeight",
    "Split",
    "make",
    "messages_of",
    "operation_of",
    "register",
]
