"""`{"name": …, "parameters": {…}}` as the complete answer: Llama 3.1 and later."""

from __future__ import annotations

from core.models.tool_calls.base import Call, CallSyntax, calls_of, json_of


def _read(text: str) -> list[Call] | None:
    # Several calls are separated by semicolons or lines; Llama writes one as a rule.
    whole = json_of(text)
    if whole is not None:
        return calls_of(whole)
    return calls_of([json_of(part) for part in text.replace("};", "}\n").splitlines() if part.strip()])


BARE = CallSyntax("bare", "", lambda template: "ipython" in template and '"parameters"' in template, _read)
