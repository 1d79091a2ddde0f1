"""Chat shapes: rows that are examples already and only need to be recognized.

Names are compared without case. A list in a cell of a CSV or Parquet file may be written as JSON text.
A new shape is one file here and one line below; the order is the order of recognition.
"""

from __future__ import annotations

from core.data.conversion.chat_shapes.alpaca import ALPACA_RESPONSE_SHAPE, ALPACA_SHAPE
from core.data.conversion.chat_shapes.base import (
    CHAT_SHAPES,
    NOTES,
    SAMPLE,
    ChatShape,
    Gather,
    ShapeChoice,
    ShapedRow,
    detect,
)
from core.data.conversion.chat_shapes.dialogs import DIALOG_SHAPE, SEGMENTS_SHAPE
from core.data.conversion.chat_shapes.function_calls import FUNCTION_CALLS_SHAPE
from core.data.conversion.chat_shapes.judged import JUDGED_SHAPE
from core.data.conversion.chat_shapes.messages import MESSAGES_ANSWER_SHAPE, MESSAGES_OTHER_SHAPE, MESSAGES_SHAPE
from core.data.conversion.chat_shapes.pairs import (
    ANY_PAIR_SHAPE,
    INPUT_OUTPUT_SHAPE,
    PROMPT_COMPLETION_SHAPE,
    PROMPT_RESPONSE_SHAPE,
    QUESTION_ANSWER_SHAPE,
    REQUEST_SHAPE,
)
from core.data.conversion.chat_shapes.passages import PASSAGE_SHAPE, SQUAD_NESTED_SHAPE, SQUAD_SHAPE
from core.data.conversion.chat_shapes.preference import (
    OPENAI_PREFERENCE_SHAPE,
    OTHER_PREFERENCE_SHAPE,
    PREFERENCE_SHAPE,
)
from core.data.conversion.chat_shapes.rated import RATED_SCORE_SHAPE, RATED_SHAPE
from core.data.conversion.chat_shapes.roles import ROLES_SHAPE
from core.data.conversion.chat_shapes.sharegpt import GEMINI_SHAPE, SHAREGPT_SHAPES
from core.data.conversion.chat_shapes.transcripts import GLAIVE_SHAPE, TRANSCRIPT_SHAPE
from core.data.conversion.chat_shapes.translation import TRANSLATION_SHAPE
from core.data.conversion.chat_shapes.trees import TREE_ROWS_SHAPE, TREE_SHAPE

# What changes the meaning of an example comes first: two answers, a verdict, calls, a passage.
CHAT_SHAPES.add(OPENAI_PREFERENCE_SHAPE)
CHAT_SHAPES.add(PREFERENCE_SHAPE)
CHAT_SHAPES.add(OTHER_PREFERENCE_SHAPE)
CHAT_SHAPES.add(JUDGED_SHAPE)
CHAT_SHAPES.add(RATED_SHAPE)
CHAT_SHAPES.add(RATED_SCORE_SHAPE)
CHAT_SHAPES.add(MESSAGES_ANSWER_SHAPE)
CHAT_SHAPES.add(MESSAGES_OTHER_SHAPE)
CHAT_SHAPES.add(MESSAGES_SHAPE)
for shape in SHAREGPT_SHAPES:
    CHAT_SHAPES.add(shape)
CHAT_SHAPES.add(GEMINI_SHAPE)
CHAT_SHAPES.add(FUNCTION_CALLS_SHAPE)
CHAT_SHAPES.add(GLAIVE_SHAPE)
CHAT_SHAPES.add(TREE_SHAPE)
CHAT_SHAPES.add(TREE_ROWS_SHAPE)
CHAT_SHAPES.add(SEGMENTS_SHAPE)
CHAT_SHAPES.add(DIALOG_SHAPE)
CHAT_SHAPES.add(SQUAD_SHAPE)
CHAT_SHAPES.add(SQUAD_NESTED_SHAPE)
CHAT_SHAPES.add(PASSAGE_SHAPE)
CHAT_SHAPES.add(ALPACA_SHAPE)
CHAT_SHAPES.add(ALPACA_RESPONSE_SHAPE)
CHAT_SHAPES.add(PROMPT_COMPLETION_SHAPE)
CHAT_SHAPES.add(PROMPT_RESPONSE_SHAPE)
CHAT_SHAPES.add(QUESTION_ANSWER_SHAPE)
CHAT_SHAPES.add(INPUT_OUTPUT_SHAPE)
CHAT_SHAPES.add(ROLES_SHAPE)
CHAT_SHAPES.add(TRANSLATION_SHAPE)
CHAT_SHAPES.add(ANY_PAIR_SHAPE)
CHAT_SHAPES.add(REQUEST_SHAPE)
CHAT_SHAPES.add(TRANSCRIPT_SHAPE)
