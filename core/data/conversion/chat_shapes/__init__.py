"""Chat shapes: rows that are examples already and only need to be recognized.

Names are compared without case. A list in a cell of a CSV or Parquet file may be written as JSON text.
A new shape is one file here and one line below; the order is the order of recognition.
"""

from __future__ import annotations

from core.data.conversion.chat_shapes.alpaca import ALPACA, ALPACA_RESPONSE
from core.data.conversion.chat_shapes.base import CHAT_SHAPES, SAMPLE, ChatShape, detect
from core.data.conversion.chat_shapes.messages import MESSAGES
from core.data.conversion.chat_shapes.pairs import INPUT_OUTPUT, PROMPT_COMPLETION, PROMPT_RESPONSE, QUESTION_ANSWER
from core.data.conversion.chat_shapes.roles import ROLES
from core.data.conversion.chat_shapes.sharegpt import SHAREGPT, SHAREGPT_SINGLE

CHAT_SHAPES.add(MESSAGES)
CHAT_SHAPES.add(SHAREGPT)
CHAT_SHAPES.add(SHAREGPT_SINGLE)
CHAT_SHAPES.add(ALPACA)
CHAT_SHAPES.add(ALPACA_RESPONSE)
CHAT_SHAPES.add(PROMPT_COMPLETION)
CHAT_SHAPES.add(PROMPT_RESPONSE)
CHAT_SHAPES.add(QUESTION_ANSWER)
CHAT_SHAPES.add(INPUT_OUTPUT)
CHAT_SHAPES.add(ROLES)

__all__ = ["CHAT_SHAPES", "SAMPLE", "ChatShape", "detect"]
