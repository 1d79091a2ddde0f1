"""Two examples are the same or not, whichever way they are compared."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from core.data.examples import identity
from core.data.examples.columns import ExampleColumns
from core.data.examples.sets import ExampleSet
from core.data.quality.set_rules import check_set
from core.data.versions.files import EXAMPLES, read_rows
from core.data.versions.writer import VersionWriter
from core.messages import Example, Message
from tests.support.series import series

TEXTS = st.sampled_from(["a", "b", "", "é日本🙂", 'a "tool_calls" b', "\\", "line\nbreak", "\x00"])
ARGUMENTS = st.sampled_from(['{"a": 1, "b": [2, 3]}', '{"b":[2,3],"a":1}', '{"a": 2}', "{}", "no JSON", '{"a": 1.0}'])


@st.composite
def calls(draw: st.DrawFn) -> tuple[dict[str, Any], ...]:
    function = [("name", draw(st.sampled_from("fg"))), ("arguments", draw(ARGUMENTS))]
    call = [("id", "1"), ("type", "function"), ("function", dict(draw(st.permutations(function))))]
    return (dict(draw(st.permutations(call))),)


MESSAGES = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXTS),
    st.builds(Message, st.just("assistant"), TEXTS, weight=st.sampled_from([None, 0, 1])),
    st.builds(Message, st.just("assistant"), st.just(""), tool_calls=calls()),
    st.builds(Message, st.just("tool"), TEXTS, tool_call_id=st.just("1"), name=st.sampled_from([None, "f"])),
)
EXAMPLES_OF_MESSAGES = st.lists(MESSAGES, min_size=1, max_size=3).map(tuple)


def same(one: tuple[Message, ...], other: tuple[Message, ...]) -> bool:
    """The definition, spelled out: equal dictionaries, with the arguments of tool calls parsed."""

    def plain(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
        dicts = [json.loads(json.dumps(message.to_dict())) for message in messages]
        for call in (call for message in dicts for call in message.get("tool_calls", [])):
            try:
                arguments = json.loads(call["function"]["arguments"])
                call["function"]["arguments"] = ["JSON", json.dumps(arguments, sort_keys=True)]
            except ValueError:
                pass
        return dicts

    return plain(one) == plain(other)


@settings(max_examples=series(300), deadline=None)
@given(EXAMPLES_OF_MESSAGES, EXAMPLES_OF_MESSAGES)
def test_every_way_of_comparing_follows_the_one_definition(one: Any, other: Any) -> None:
    first, second = identity.stored(one), identity.stored(other)
    column = identity.seeded_keys(pa.array(["x", first, second], pa.string()).slice(1), 42)
    assert column != identity.seeded_keys(pa.array([first, second], pa.string()), 43)
    expected = same(one, other)
    assert (identity.identity_of(one) == identity.identity_of(other)) is expected
    assert (column[0] == column[1]) is expected
    assert (identity.quick_key(first) == identity.quick_key(second)) is expected
    assert (identity.decoded_key(Example(one)) == identity.decoded_key(Example(other))) is expected


def test_decoded_messages_and_columns_have_the_keys_of_their_examples() -> None:
    columns = ExampleColumns(("user", "assistant"), (["q", 'a "tool_calls"'], ["é", "\\"]), [1, 2])
    examples = [columns.example(0).messages, columns.example(1).messages]
    column = columns.messages_json()
    stored = column.to_pylist()
    assert stored == [identity.stored(messages) for messages in examples]
    for part in (column, column.slice(1), column.slice(2)):
        keys, seeded = identity.keys_without_calls(part, 42)
        assert keys.tolist() == [identity.quick_key(text) for text in part.to_pylist()]
        assert seeded.tolist() == identity.seeded_keys(part, 42)
    decoded = [tuple(identity.PLAIN_MESSAGES[m.role](m.content) for m in messages) for messages in examples]
    assert identity.decoded_keys(decoded) == [identity.decoded_key(Example(messages)) for messages in examples]


def test_a_space_or_a_weight_makes_another_example() -> None:
    first = (Message("user", "q"), Message("assistant", "a"))
    assert not same(first, (Message("user", "q "), Message("assistant", "a")))
    assert identity.identity_of(first) != identity.identity_of((Message("user", "q "), Message("assistant", "a")))
    assert identity.identity_of(first) != identity.identity_of((Message("user", "q"), Message("assistant", "a", 0)))


def call(number: int, *, reordered: bool) -> Example:
    arguments = json.dumps({"city": f"City {number}", "unit": "C"})
    function = {"name": "weather", "arguments": arguments}
    made: dict[str, Any] = {"id": "1", "type": "function", "function": function}
    if reordered:
        arguments = json.dumps({"unit": "C", "city": f"City {number}"}, separators=(",", ":"))
        made = {"function": {"arguments": arguments, "name": "weather"}, "type": "function", "id": "1"}
    return Example(
        (
            Message("user", f"The weather in {number}?"),
            Message("assistant", "", tool_calls=(made,)),
            Message("tool", "20", tool_call_id="1"),
            Message("assistant", "It is warm."),
        ),
        source_line=number + 1,
    )


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_hold_out_never_separates_what_the_leakage_check_calls_the_same(tmp_path: Any, share: float) -> None:
    with VersionWriter(tmp_path / "v", hold_out=share) as out:
        for number in range(60):
            out.add(call(number, reordered=False))
            out.add(call(number, reordered=True))
        written = out.finish()
    assert written.validation_examples == round(120 * share)
    seen = ExampleSet()
    for row in read_rows(tmp_path / "v" / EXAMPLES):
        seen.feed_stored(row["messages"], row["source_line"], row["split"])
    codes = {item.code for item in check_set(seen)}
    assert "duplicate_examples" in codes
    assert "validation_overlap" not in codes
