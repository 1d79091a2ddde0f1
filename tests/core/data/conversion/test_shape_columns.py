"""Rows of every known shape give the same examples, findings and rejects by columns and one by one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from core.data.conversion.chat_shapes import CHAT_SHAPES, ChatShape
from core.data.conversion.labeling import Labeler, Recipe
from core.data.examples.columns import ChatColumns
from core.data.examples.texts import MessagesColumn, TextColumn
from core.data.formats.parsing.batches import RowBatch, from_items
from core.data.issues import reject
from core.messages import Reject, Row
from tests.core.data.conversion.test_columnar import flat
from tests.support.series import series

TEXTS = [
    "", " ", "\t\n", "\u3000", "\x85", "plain", " with blanks ", 'say "x"', "a\nb", "back\\slash\x00\x1f", "é日本🙂",
    "<|im_end|>", "a [/INST]", "zero\u200bwidth", "x" * 9_000, '[{"role": "user", "content": "q"}]', "[a", " [b", "{c",
    "\u2028[d", "human", "train", "test", "True", "1", "\ue0f00\ue0f1", "train",
    '<tool_call>{"name": "f", "arguments": {}}</tool_call>', "<tool_response>x</tool_response>",
]  # fmt: skip
ROLES = ["user", "assistant", "system", "tool", "human", "gpt", "User", None]
turn = st.one_of(
    st.fixed_dictionaries({"role": st.sampled_from(ROLES), "content": st.sampled_from([*TEXTS, None, 3])}),
    st.fixed_dictionaries({"from": st.sampled_from(ROLES), "value": st.sampled_from(TEXTS)}),
    st.fixed_dictionaries(
        {"role": st.sampled_from(ROLES), "content": st.sampled_from(TEXTS)},
        optional={"weight": st.sampled_from([0, 1, "x", None]), "name": st.just("ann"), "mood": st.just("good")},
    ),
)
sound = st.integers(1, 3).flatmap(
    lambda count: st.just(
        [message for n in range(count)
         for message in ({"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": f"a{n}"})]
    )
)  # fmt: skip
cell = st.one_of(
    st.sampled_from(TEXTS), st.sampled_from(TEXTS), sound, st.lists(turn, max_size=4), st.none(),
    st.sampled_from([3, 2.5, True, {"a": 1}, [], [["q", "a"]], ["x"]]),
)  # fmt: skip


def names(shape: ChatShape) -> list[str]:
    return [*sorted(shape.columns), "other"]


@st.composite
def cases(draw: Any) -> tuple[ChatShape, list[Row | Reject]]:
    shape = draw(st.sampled_from(list(CHAT_SHAPES)))
    columns = draw(st.sets(st.sampled_from(names(shape)))) | {"other", *shape.required}
    kind = draw(st.sampled_from([st.sampled_from(TEXTS), sound, cell]))
    items: list[Row | Reject] = []
    for line in range(2, 2 + draw(st.integers(0, 12))):
        if draw(st.integers(0, 9)) == 0:
            items.append(reject("csv_ragged", "Too few.", line=line, raw="x"))
        else:
            items.append(Row(line, {name.title() if name == "other" else name: draw(kind) for name in sorted(columns)}))
    return shape, items


def compare(shape: ChatShape, items: list[Row | Reject], batches: list[RowBatch]) -> None:
    slow, fast = Labeler(Recipe(shape=shape.id), "src"), Labeler(Recipe(shape=shape.id), "src")
    assert flat(fast.run_batches(batches)) == flat(slow.run(items))
    assert (fast.read, fast.accepted, fast.rejected, fast.examples, fast.is_split) == (
        slow.read, slow.accepted, slow.rejected, slow.examples, slow.is_split)  # fmt: skip


@settings(max_examples=series(500), deadline=None)
@given(cases())
def test_by_columns_as_row_by_row(case: tuple[ChatShape, list[Row | Reject]]) -> None:
    shape, items = case
    compare(shape, items, list(from_items(items, 5)))


@settings(max_examples=series(200), deadline=None)
@given(st.lists(st.tuples(st.one_of(sound, st.lists(turn, max_size=3)), st.sampled_from([*TEXTS, None])), max_size=8),
       st.sampled_from(["id", "System", "split", "tools", "preamble"]))  # fmt: skip
def test_chats_that_need_no_conversion_as_row_by_row(rows: list[tuple[Any, Any]], beside: str) -> None:
    items = [Row(line, {"messages": chat, beside: value}) for line, (chat, value) in enumerate(rows, 2)]
    compare(CHAT_SHAPES.get("messages"), list(items), list(from_items(items, 5)))


plain_turn = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "tool", "human"]), "content": st.sampled_from(TEXTS)}
)


@settings(max_examples=series(200), deadline=None)
@given(st.lists(st.one_of(sound, sound, st.lists(plain_turn, max_size=3)), min_size=1, max_size=30), st.booleans())
def test_messages_in_columns_as_row_by_row(chats: list[list[dict[str, str]]], beside: bool) -> None:
    rows = [{"messages": chat, **({"system": "Be kind."} if beside else {})} for chat in chats]
    kind = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    cells: dict[str, Any] = {"messages": MessagesColumn(pa.array(chats, kind), rows, "messages")}
    if beside:
        cells["system"] = TextColumn(pa.array(["Be kind."] * len(rows), pa.string()))
    lines = range(2, 2 + len(rows))
    items: list[Row | Reject] = [Row(line, row) for line, row in zip(lines, rows, strict=True)]
    compare(CHAT_SHAPES.get("messages"), items, [RowBatch(tuple(cells), lines, cells, fields=rows)])


@settings(max_examples=series(200), deadline=None)
@given(st.data())
def test_columns_of_texts_as_row_by_row(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(list(CHAT_SHAPES)))
    columns = tuple(names(shape))
    count = data.draw(st.integers(1, 10))
    cells = {name: data.draw(st.lists(st.sampled_from(TEXTS), min_size=count, max_size=count)) for name in columns}
    rows: list[Row | Reject] = [Row(2 + at, {name: cells[name][at] for name in columns}) for at in range(count)]
    arrow = {name: TextColumn(pa.array(texts, pa.string())) for name, texts in cells.items()}
    compare(shape, rows, [RowBatch(columns, range(2, 2 + count), arrow)])


@pytest.mark.parametrize("shape", [shape for shape in CHAT_SHAPES if shape.concatenates], ids=lambda shape: shape.id)
def test_a_sound_table_is_one_object(shape: ChatShape) -> None:
    rows = [Row(line, {name: f"{name} {line}" for name in shape.required}) for line in range(2, 40)]
    (made,) = Labeler(Recipe(shape=shape.id), "src").run_batches(from_items(rows))
    assert isinstance(made, ChatColumns)
    assert len(made) == 38
