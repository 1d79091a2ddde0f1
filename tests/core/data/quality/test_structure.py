"""Every way in which messages can be wrong gets its code; what is sound becomes an Example."""

from __future__ import annotations

from typing import Any

import pytest

from core.data.quality import structure

U = {"role": "user", "content": "q"}
A = {"role": "assistant", "content": "a"}
S = {"role": "system", "content": "s"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "content": "42", "tool_call_id": "c1"}


def codes(raw: Any) -> list[str]:
    return [item.code for item in structure.parse(raw, line=7).findings]


SOUND: list[list[dict[str, Any]]] = [
    [U, A],
    [S, U, A, U, A],
    [U, CALLING, RESULT, A],
    [U, {**A, "weight": 0}, U, {**A, "weight": 1, "name": "bob"}],
    [U, {**A, "content": "  padded  "}],
]


@pytest.mark.parametrize("raw", SOUND)
def test_sound_messages(raw: list[dict[str, Any]]) -> None:
    checked = structure.parse(raw, line=7, source="src")
    assert checked.findings == ()
    assert checked.example is not None
    assert [(message.role, message.content) for message in checked.example.messages] == [
        (item["role"], item["content"] or "") for item in raw
    ]
    assert (checked.example.source, checked.example.source_line) == ("src", 7)


ERRORS: list[tuple[Any, str]] = [
    (None, "messages_invalid"),
    ([], "messages_invalid"),
    ("text", "messages_invalid"),
    ([U, "text"], "messages_invalid"),
    ([U, {**A, "name": 3}], "messages_invalid"),
    ([U, {"role": "bot", "content": "a"}, A], "role_unknown"),
    ([{"role": "User", "content": "a"}, U, A], "role_unknown"),
    ([{"content": "a"}, U, A], "role_unknown"),
    ([{"role": ["user"], "content": "a"}, U, A], "role_unknown"),
    ([U], "assistant_missing"),
    ([A], "user_missing"),
    ([S], "user_missing"),
    ([U, {**A, "content": ""}], "content_empty"),
    ([U, {**A, "content": " \n\t"}], "content_empty"),
    ([U, {**A, "content": None}], "content_not_text"),
    ([U, {"role": "assistant"}], "content_not_text"),
    ([U, {**A, "content": 3}], "content_not_text"),
    ([U, {**A, "content": [{"type": "text", "text": "x"}]}], "content_not_text"),
    ([U, {**A, "weight": 2}], "weight_invalid"),
    ([U, {**A, "weight": 0.5}], "weight_invalid"),
    ([U, {**A, "weight": True}], "weight_invalid"),
    ([{**U, "weight": 1}, A], "weight_invalid"),
    ([U, {**CALLING, "tool_calls": ["f"]}, A], "tool_call_invalid"),
    ([U, {**CALLING, "tool_calls": "f"}, A], "tool_call_invalid"),
    ([{**U, "tool_calls": [CALL]}, A], "tool_call_invalid"),
    ([U, {**CALLING, "tool_calls": [{**CALL, "function": {"arguments": "{}"}}]}, RESULT, A], "tool_call_invalid"),
    ([U, {**CALLING, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{x"}}]}, RESULT, A],
     "arguments_not_json"),
    ([U, {**CALLING, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {"x": 1}}}]}, RESULT, A],
     "arguments_not_json"),
    ([U, RESULT, A], "tool_result_orphan"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "code"), ERRORS)
def test_errors_reject(raw: Any, code: str) -> None:
    checked = structure.parse(raw, line=7)
    assert checked.example is None
    assert code in [item.code for item in checked.findings if item.severity == "error"]
    assert all(item.line == 7 and item.remedy for item in checked.findings)


WARNINGS: list[tuple[list[dict[str, Any]], str]] = [
    ([A, U, A], "assistant_first"),
    ([U, U, A], "role_repeated"),
    ([U, A, A], "role_repeated"),
    ([U, A, S, U, A], "system_late"),
    ([U, A, U], "last_not_assistant"),
    ([U, CALLING, A], "tool_call_unanswered"),
    ([U, {**A, "refusal": None}], "keys_extra"),
    ([U, {**A, "weight": 0}], "all_masked"),
    ([U, {**A, "content": "zero\u200bwidth"}], "invisible_characters"),
    ([U, {**A, "content": "\u202egnp.exe"}], "invisible_characters"),
    ([U, {**A, "content": "x" * 8_193}], "over_length"),
]


def test_a_call_at_the_end_is_the_output_and_needs_no_result() -> None:
    assert structure.parse([U, CALLING], line=7).findings == ()


@pytest.mark.parametrize(("raw", "code"), WARNINGS)
def test_warnings_keep_the_example(raw: list[dict[str, Any]], code: str) -> None:
    checked = structure.parse(raw, line=7)
    assert checked.example is not None
    assert [item.code for item in checked.findings] == [code]


@pytest.mark.parametrize(
    "token",
    ["<|im_end|>", "<|fim_suffix|>", "<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<start_of_turn>", "<|eot_id|>",
     "<bos>", "<|endoftext|>", "[TOOL_CALLS]", "<｜begin▁of▁sentence｜>"],
)  # fmt: skip
def test_control_tokens_are_found(token: str) -> None:
    assert codes([U, {**A, "content": f"before {token} after"}]) == ["special_tokens"]


@pytest.mark.parametrize("text", ["a < b | c > d", "<span>", "[link]", "{{name}}", "<|", "👨‍👩‍👧 family", "s> x <s"])
def test_other_text_is_left_alone(text: str) -> None:
    assert codes([U, {**A, "content": text}]) == []


def test_the_wrong_case_is_named() -> None:
    found = structure.parse([{"role": "Assistant", "content": "a"}, U, A]).findings[0]
    assert found.remedy == "Write 'assistant'."
    assert found.field == "messages[0].role"
