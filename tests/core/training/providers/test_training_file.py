"""The training file of a service: what it takes, what it refuses with the example's number, what it does not say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import DataError
from core.messages import Example, Message
from core.training.providers.hosted import FileRules
from core.training.providers.hosted_services import HOSTED_SERVICES
from core.training.providers.hosted_wire import training_file

RULES = FileRules("fine-tune", max_bytes=100_000, min_examples=10, weights=True, tools=True)
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Ulm"}'}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def pair(number: int, **answer) -> Example:
    return Example((Message("user", f"What is {number}?"), Message("assistant", f"It is {number}.", **answer)))


PLAIN = [pair(number) for number in range(12)]
CALLING = Example(
    (
        Message("user", "Rain in Ulm?"),
        Message("assistant", "", tool_calls=(CALL,)),
        Message("tool", '{"rain": true}', tool_call_id="c1"),
        Message("assistant", "Yes."),
    ),
    tools=(TOOL,),
)


def written(examples: list[Example], folder: Path, rules: FileRules = RULES, split: str = "train"):
    file = training_file.write(examples, split, rules, "The service", folder / "train.jsonl")
    return file, [json.loads(line) for line in file.path.read_bytes().splitlines()]


def refused(examples: list[Example], rules: FileRules = RULES) -> DataError:
    with pytest.raises(DataError) as error:
        training_file.check(examples, "train", rules, "The service")
    return error.value


def test_examples_become_lines_with_weights_tools_and_arguments_as_text(tmp_path: Path) -> None:
    first = pair(1, weight=0)
    both = Example((*first.messages, *pair(2).messages))
    file, lines = written([*PLAIN, both, CALLING], tmp_path)
    assert file.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()
    assert (file.examples, file.size_bytes, file.warnings) == (14, file.path.stat().st_size, ())
    assert [message.get("weight") for message in lines[12]["messages"]] == [None, 0, None, None]
    call = lines[13]["messages"][1]
    assert call["content"] is None
    assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == {"city": "Ulm"}
    assert lines[13]["tools"] == [TOOL]
    assert training_file.check([*PLAIN, both, CALLING], "train", RULES, "x").sha256 == file.sha256


def test_only_its_split_is_in_the_file_and_a_test_example_never_is(tmp_path: Path) -> None:
    held = [replace(pair(99), split="validation"), replace(pair(98), split="test")]
    _, lines = written([*held, *PLAIN], tmp_path)
    assert len(lines) == 12
    file, lines = written([*held, *PLAIN], tmp_path, split="validation")
    assert (file.examples, "99" in str(lines)) == (1, True)


def test_what_the_file_cannot_say_is_a_warning_with_its_number(tmp_path: Path) -> None:
    bare = replace(RULES, weights=False, tools=False)
    weighted = [Example((*pair(1, weight=0).messages, *pair(2).messages)) for _ in range(3)]
    named = Example((Message("user", "Hi", name="Zoë Maß"), Message("assistant", "Hello.")))
    unused = replace(pair(5), tools=(TOOL,), rejected=(Message("assistant", "No."),))
    file, lines = written([*PLAIN, *weighted, named, unused], tmp_path, bare)
    assert "weight" not in str(lines)
    assert "name" not in str(lines[15])
    weights, names, rejected, tools = file.warnings
    assert weights.startswith("3 examples exclude answers from the loss")
    assert names.startswith("1 example names a speaker")
    assert rejected.startswith("1 example has a rejected answer")
    assert tools.startswith("1 example has the schemas of tools without a call")


@pytest.mark.parametrize(
    ("example", "words"),
    [
        (Example((Message("user", "Hi"),)), "no answer"),
        (Example((Message("assistant", "Hi"), Message("user", "Bye"))), "ends with a message of the user"),
        (Example((Message("user", "  "), Message("assistant", "Hi"))), "empty message of the user"),
        (pair(1, weight=0), "every answer from the loss"),
        (replace(CALLING, messages=CALLING.messages[2:]), "not in it"),
        (
            Example((Message("user", "x"), Message("assistant", "", tool_calls=({"id": "1", "function": {}},)))),
            "without the name",
        ),
        (
            Example((
                Message("user", "x"),
                Message("assistant", "", tool_calls=({**CALL, "function": {"name": "f", "arguments": "[1]"}},)),
            )),
            "not a JSON object",
        ),
    ],
)  # fmt: skip
def test_an_example_that_no_service_takes_is_named(example: Example, words: str, tmp_path: Path) -> None:
    error = refused([*PLAIN, example, *PLAIN, example])
    assert words in error.message
    assert (error.line, error.code) == (13, "not_taken")
    assert "Example 26 cannot be taken either" in error.message
    with pytest.raises(DataError):
        written([*PLAIN, example], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_many_wrong_examples_are_counted() -> None:
    error = refused([*PLAIN, *([Example((Message("user", "Hi"),))] * 30)])
    assert "Examples 14, 15, 16, 17 and 25 more cannot be taken either" in error.message


def test_tools_are_refused_where_the_service_takes_none() -> None:
    assert "tool calls" in refused([*PLAIN, CALLING], replace(RULES, tools=False)).message


def test_the_published_bounds() -> None:
    assert refused(PLAIN[:9]).code == "too_few"
    assert training_file.check(PLAIN[:10], "train", RULES, "x").examples == 10
    assert training_file.check([replace(pair(1), split="validation")], "validation", RULES, "x").examples == 1
    assert refused(PLAIN, replace(RULES, max_examples=11)).code == "too_many"
    exact = training_file.check(PLAIN, "train", RULES, "x").size_bytes
    assert training_file.check(PLAIN, "train", replace(RULES, max_bytes=exact), "x").size_bytes == exact
    assert refused(PLAIN, replace(RULES, max_bytes=exact - 1)).code == "too_large"


@pytest.mark.parametrize("service", list(HOSTED_SERVICES), ids=HOSTED_SERVICES.ids())
def test_every_service_takes_twelve_plain_examples(service) -> None:
    assert training_file.check(PLAIN, "train", service.file_rules, service.title).examples == 12
