"""Operations on dataset versions: frozen parameters that describe themselves and stream examples.

base       what an operation is, and the registry     rows       drop, edit, add, move, set weights, system message
choosing   filter, merge, dedupe, sample              splitting  into training and validation
text       redact, repair, escape special tokens      building   an operation becomes the files of a version
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
