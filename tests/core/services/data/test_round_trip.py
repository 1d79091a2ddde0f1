"""What every export format can carry comes back unchanged: messages, tools, rejected answers, weights and splits."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from core.data.versions.exports import EXPORTS
from core.data.versions.exports.base import LOSSES
from core.messages import Example, Message
from core.services.data import datasets, exports, sources
from tests.support.versions import pair
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a “city”,\nby name.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "at": {"type": ["integer", "null"]}},
        },
    },
}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
CALLING = (
    Message("user", "Rome?"),
    Message("assistant", "", tool_calls=(CALL,)),
    Message("tool", "=SUN()", tool_call_id="c1"),
    Message("assistant", "It is sunny."),
)
WORSE = (Message("assistant", "How\n“should” I know?\t"),)
EXAMPLES = [
    *(pair(f"Question {n}?", f"Answer {n}", n + 1) for n in range(12)),
    Example((Message("system", "Be kind."), Message("user", "=1+1"), Message("assistant", "+2"))),
    Example((*pair("One", "Two").messages, *pair("Three", "Four").messages)),
    Example((Message("user", "Hi"), Message("assistant", "Hey", weight=0), *pair("Bye", "See you").messages)),
    Example((Message("user", "Hi", name="ann"), Message("assistant", "Hello, Ann."))),
    replace(pair("Held out?", "Yes."), split="validation"),
    replace(pair("Tested?", "Yes."), split="test"),
    Example(CALLING, tools=(TOOL,)),
    replace(pair("No call needed?", "None."), tools=(TOOL, {"type": "function", "function": {"name": "g"}})),
    replace(pair("Better?", "This."), rejected=WORSE),
    replace(pair("Better in the test?", "This."), rejected=WORSE, split="test"),
    Example(CALLING, tools=(TOOL,), rejected=(CALLING[1], CALLING[2], Message("assistant", "It rains."))),
]
HARMLESS = {"split", "formula", "history", "turns", "flags"}  # said beforehand, and yet the examples come back


def again(raw: bytes, name: str) -> list[Example]:
    """The examples that an upload of this file becomes."""
    task = datasets.create_from_source(sources.ingest(io.BytesIO(raw), name).id, f"Again {name}")
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    assert ended.result["rejected"] == 0
    return list(datasets.iter_examples(datasets.get_dataset(ended.result["dataset_id"]).version.id))


def content(example: Example, *, split: bool) -> tuple[Any, ...]:
    return example.messages, example.tools, example.rejected, example.split if split else ""


def stored(examples: list[Example]) -> str:
    from core.data.examples.sets import ExampleSet
    from core.data.quality import set_rules, structure
    from core.data.versions.writer import VersionWriter
    from core.ids import new_id
    from core.platform import scratch
    from core.platform.db.uow import UnitOfWork
    from core.services.data.datasets.writing import Origin, prepare

    with scratch.folder() as folder, VersionWriter(folder, hold_out=0.0) as out:
        seen = ExampleSet()
        for example in examples:
            out.add(example, structure.check(example))
            seen.feed(example)
        out.note(set_rules.check_set(seen))
        publish = prepare(new_id("ds"), "Everything", "", out, Origin("sample"))
    with UnitOfWork() as uow:
        dataset_id = publish(uow)
        uow.commit()
    return datasets.get_dataset(dataset_id).version.id


@pytest.mark.parametrize("format", EXPORTS.ids())
def test_what_a_format_carries_comes_back(format: str) -> None:
    kept = [example for example in EXAMPLES if set(EXPORTS.get(format).losses(example)) <= HARMLESS]
    assert len(kept) > 12 or format == "dpo"
    version = stored(kept)
    split = "split" not in {loss.code for loss in exports.losses(version, format)}
    raw = b"".join(exports.export(version, format))
    found = again(raw, exports.filename(version, format))
    assert [content(one, split=split) for one in found] == [content(one, split=split) for one in kept]
    assert {len(kept) == len(EXAMPLES), split} == {format in ("parquet", "csv")}


def test_what_a_format_does_not_carry_is_said_in_words_with_the_number() -> None:
    version = stored(EXAMPLES)
    said = {name: {loss.code: loss for loss in exports.losses(version, name)} for name in EXPORTS.ids()}
    assert said["jsonl"]["rejected"].count == 3
    assert (
        said["jsonl"]["rejected"].text == "3 examples have a rejected answer, which is not in the file; DPO JSONL "
        "carries it."
    )
    for name in ("alpaca", "sharegpt"):
        assert (said[name]["tools"].count, said[name]["rejected"].count) == (3, 3)
    assert said["dpo"]["no_pair"].count == len(EXAMPLES) - 3
    assert not said["parquet"]
    assert set().union(*said.values()) <= set(LOSSES)
