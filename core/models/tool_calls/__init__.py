"""The ways in which models write tool calls. A new one is one file here and one line below."""

from __future__ import annotations

from core.models.tool_calls.bare import BARE
from core.models.tool_calls.base import (
    CALL_SYNTAXES as CALL_SYNTAXES,
    CallReader as CallReader,
    of_template as of_template,
)
from core.models.tool_calls.mistral import MISTRAL
from core.models.tool_calls.starter import STARTER
from core.models.tool_calls.tagged import TAGGED

CALL_SYNTAXES.add(STARTER)
CALL_SYNTAXES.add(TAGGED)
CALL_SYNTAXES.add(MISTRAL)
CALL_SYNTAXES.add(BARE)
