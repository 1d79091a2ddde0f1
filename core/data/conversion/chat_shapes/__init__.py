"""Chat shapes: rows that are examples already and only need to be recognized.

Names are compared without case. A list in a cell of a CSV or Parquet file may be written as JSON text.
A new shape is one file here and one line below; the order is the order of recognition.
"""

from __future__ import annotations

from core.data.conversion.chat_shapes.alpaca import ALPACA_RESPONSE_SHAPE, ALPACA_SHAPE
from core.data.conversion.chat_shapes.base import CHAT_SHAPES, SAMPLE, ChatShape, detect
from core.data.conversion.chat_shapes.messages import MESSAGES_SHAPE
from core.data.conversion.chat_shapes.pairs import (
    INPUT_OUTPUT_SHAPE,
    PROMPT_COMPLETION_SHAPE,
    PROMPT_RESPONSE_SHAPE,
    QUESTION_ANSWER_SHAPE,
)
from core.data.conversion.chat_shapes.roles import ROLES_SHAPE
from core.data.conversion.chat_shapes.sharegpt import SHAREGPT_SHAPE, SHAREGPT_SINGLE_SHAPE

CHAT_SHAPES.add(MESSAGES_SHAPE)
CHAT_SHAPES.add(SHAREGPT_SHAPE)
CHAT_SHAPES.add(SHAREGPT_SINGLE_SHAPE)
CHAT_SHAPES.add(ALPACA_SHAPE)
CHAT_SHAPES.add(ALPACA_RESPONSE_SHAPE)
CHAT_SHAPES.add(PROMPT_COMPLETION_SHAPE)
CHAT_SHAPES.add(PROMPT_RESPONSE_SHAPE)
CHAT_SHAPES.add(QUESTION_ANSWER_SHAPE)
CHAT_SHAPES.add(INPUT_OUTPUT_SHAPE)
CHAT_SHAPES.add(ROLES_SHAPE)
