"""Characters and tokens that do not belong into the text of an example."""

from __future__ import annotations

import re
from typing import Final

# Special tokens of the chat templates of Llama, ChatML/Qwen, Mistral, Gemma, Phi and GPT-2 style models.
SPECIAL_TOKENS: Final = re.compile(
    r"<\|[A-Za-z0-9_▁]{1,40}\|>|<\uff5c[^\uff5c<>]{1,40}\uff5c>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|"
    r"<(?:bos|eos|pad|unk|mask)>|\[/?(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]"
)
# Zero-width characters and those that change the writing direction. U+200D, which joins emoji, and a leading U+FEFF
# are common and harmless.
INVISIBLE: Final = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\u061c\u00ad]")
