"""Tool calls as the families of models write them."""

from __future__ import annotations

import pytest

from core.errors import DataError
from core.models.base_models.starter import CHAT_TEMPLATE
from core.models.chat_template import text_of
from core.models.tool_calls import CALL_SYNTAXES, CallReader, of_template
from core.models.tool_calls.base import Call
from tests.support import chat_templates

ENDS = ("<|im_end|>", "<|end|>", "<|eot_id|>", "</s>")
WEATHER = ("weather", '{"city": "Ulm"}')
CASES: list[tuple[str, str, list[Call]]] = [
    ("tagged", '<tool_call>\n{"name": "weather", "arguments": {"city": "Ulm"}}\n</tool_call>', [WEATHER]),
    ("tagged", '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Ulm\\"}"}</tool_call>', [WEATHER]),
    ("tagged", '<tool_call>{"name": "a"}</tool_call>\n<tool_call>{"name": "b", "arguments": {}}</tool_call>',
     [("a", "{}"), ("b", "{}")]),
    ("tagged", '<tool_call>{"name": "weather", "arguments": {"city": "Ulm"}}', [WEATHER]),
    ("starter", '<|call|>{"name": "weather", "arguments": {"city": "Ulm"}}', [WEATHER]),
    ("mistral", '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Ulm"}}]', [WEATHER]),
    ("mistral", '[TOOL_CALLS]weather[ARGS]{"city": "Ulm"}[TOOL_CALLS]b[ARGS]{}', [WEATHER, ("b", "{}")]),
    ("bare", '{"name": "weather", "parameters": {"city": "Ulm"}}', [WEATHER]),
    ("bare", '[{"name": "weather", "parameters": {"city": "Ulm"}}]', [WEATHER]),
    ("bare", '{"name": "a", "parameters": {}}; {"name": "b", "parameters": {}}', [("a", "{}"), ("b", "{}")]),
]  # fmt: skip


def read(syntax: str, text: str, size: int = 3) -> tuple[str, list[Call]]:
    reader, shown = CallReader(CALL_SYNTAXES.get(syntax)), ""
    for start in range(0, len(text), size):
        shown += reader.add(text[start : start + size])
    rest, calls = reader.rest()
    return shown + rest, calls


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(("syntax", "text", "calls"), CASES)
def test_calls_are_read_however_they_arrive(syntax: str, text: str, calls: list[Call], size: int) -> None:
    assert read(syntax, text, size) == ("", calls)


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        ("tagged", "A plain answer with a < b."),
        ("tagged", "It ends like <tool_"),
        ("tagged", "<tool_call>not JSON</tool_call>"),
        ("tagged", '<tool_call>{"name": 5}</tool_call>'),
        ("tagged", '<tool_call>{"name": "a", "arguments": [1]}</tool_call>'),
        ("mistral", "[TOOL_CALLS]"),
        ("mistral", '[TOOL_CALLS]a[ARGS]{"half": '),
        ("bare", '{"city": "Ulm"}'),
        ("bare", "  {not JSON"),
        ("bare", ""),
    ],
)
def test_what_is_not_a_call_remains_text(syntax: str, text: str) -> None:
    assert read(syntax, text) == (text, [])


def test_text_before_a_call_is_shown_at_once() -> None:
    reader = CallReader(CALL_SYNTAXES.get("tagged"))
    assert reader.add("I look it up. ") == "I look it up. "
    assert reader.add('<tool_call>{"name": "a"}</tool_call>') == ""
    assert reader.rest() == ("", [("a", "{}")])


def test_what_a_template_writes_is_read_back() -> None:
    """Every template of TRL with a known way of writing calls, and the starter's."""
    texts = {"starter": CHAT_TEMPLATE} | {name: chat_templates.template(name) for name in chat_templates.EVERY}
    call = {"type": "function", "id": "call12345", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}
    asked = {"role": "user", "content": "Rain?"}
    chat = {"messages": [asked, {"role": "assistant", "content": "", "tool_calls": [call]}], "tools": None}
    read_back = set()
    for name, template in texts.items():
        syntax = of_template(template)
        if syntax is None:
            continue
        try:
            text = text_of(template, chat, {"bos_token": "<s>", "eos_token": "</s>"})
        except DataError:
            continue
        tail = text[text.rindex(syntax.mark or '{"name"') :]
        end = next((place for mark in ENDS if (place := tail.find(mark)) >= 0), len(tail))
        assert syntax.read(tail[:end].strip()) == [WEATHER], name
        read_back.add(name)
    assert {"starter", "qwen3", "qwen2_5", "llama3_1"} <= read_back
