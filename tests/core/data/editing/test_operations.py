"""Every operation: the contract that all keep, and what each does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.data.editing import (
    OPERATIONS,
    AddedExample,
    AddExamples,
    Dedupe,
    DropRows,
    EditRows,
    EscapeSpecialTokens,
    Filter,
    Merge,
    Move,
    Operation,
    Redact,
    RepairText,
    SampleRows,
    SetSystem,
    SetWeight,
    Split,
    make,
    message_dicts,
    operation_of,
)
from core.data.editing.building import count
from core.data.editing.choosing import shares
from core.data.versions.rows import Rows
from core.errors import DataError
from core.messages import Example, Message
from tests.support.versions import pair, stored

CHAT = [{"role": "user", "content": "New?"}, {"role": "assistant", "content": "Yes."}]
# One of each: a new operation is not covered by the contract until it stands here, and then this file fails.
EXAMPLES = {
    "drop_rows": DropRows(positions=(1, 3)),
    "edit_rows": EditRows(rows={0: CHAT}, splits={2: "validation"}, drop=(4,), add=({"messages": CHAT},)),
    "add_examples": AddExamples(examples=(AddedExample(messages=tuple(CHAT), flags=("mine",)),)),
    "move": Move(positions=(0, 5), split="validation"),
    "set_weight": SetWeight(positions=(0,), weight=0),
    "set_system": SetSystem(text="Be kind."),
    "redact": Redact(),
    "repair_text": RepairText(positions=(7,)),
    "neutralise_special_tokens": EscapeSpecialTokens(),
    "filter": Filter(search="question 1"),
    "merge": Merge(groups=((0, 1), (2, 3, 4)), keep="longest"),
    "dedupe": Dedupe(),
    "sample": SampleRows(size=10, stratified=True),
    "split": Split(kind="stratified", share=0.25),
}


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    examples = [pair(f"Question {n}?", f"Label {n % 3}", n + 1) for n in range(40)]
    examples[6] = pair("Write to ann@example.org", "Done <|im_end|>", 7)
    examples[7] = pair("CafÃ©?", "Yes, a cafÃ©.", 8)
    examples[8] = examples[9]
    return stored(tmp_path / "v", examples)


def texts(operation: Operation, rows: Rows) -> list[list[str]]:
    return [[message.content for message in example.messages] for example in results(operation, rows)]


def results(operation: Operation, rows: Rows) -> list[Example]:
    found = []
    for made in operation.apply(rows):
        assert made.example is not None or made.origin is not None
        found.append(made.result())
    return found


def test_the_contract_covers_every_operation() -> None:
    assert EXAMPLES.keys() == set(OPERATIONS.ids())


@pytest.mark.parametrize("operation", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_contract(operation: Operation, rows: Rows) -> None:
    assert operation_of(operation.to_dict()) == operation, "it can be stored and made again"
    said = operation.describe()
    assert said.endswith(".")
    assert said[0].isupper()
    assert operation.title
    first, second = results(operation, rows), results(operation, rows)
    assert first == second, "the same parameters give the same result"
    effect = count(rows, operation)
    assert not effect.nothing
    assert effect.total == len(first) == rows.total + effect.added - effect.removed
    assert effect.validation == sum(example.split == "validation" for example in first)
    positions = [made.origin.position for made in operation.apply(rows) if made.origin is not None]
    assert positions == sorted(positions), "the order stays, so that provenance can be read along"
    with pytest.raises(ValueError, match="frozen"):
        operation.id_ = "x"  # type: ignore[attr-defined]


def test_a_second_operation_of_an_id_is_refused() -> None:
    with pytest.raises(ValueError, match="two entries"):
        OPERATIONS.add(DropRows)


def test_an_unknown_operation_or_parameter_is_named() -> None:
    with pytest.raises(DataError, match="Unknown editing operation: 'shuffle'"):
        operation_of({"id": "shuffle"})
    with pytest.raises(DataError) as caught:
        operation_of({"id": "split", "share": 3})
    assert caught.value.field == "share"
    with pytest.raises(DataError, match="no condition"):
        make(Filter)
    with pytest.raises(DataError, match="not both"):
        make(SampleRows, size=3, share=0.5)
    with pytest.raises(DataError, match="nothing was edited"):
        make(EditRows)


@pytest.mark.parametrize(
    "operation",
    [DropRows(positions=(40,)), EditRows(rows={-1: CHAT}), Move(positions=(99,), split="train"),
     Merge(groups=((0, 40),)), SetSystem(text="x", positions=(41,)), Redact(positions=(1_000_000,))],
)  # fmt: skip
def test_a_position_that_does_not_exist_is_named(operation: Operation, rows: Rows) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list(operation.apply(rows))


def test_drop_and_edit(rows: Rows) -> None:
    assert len(results(DropRows(positions=(3, 1, 1)), rows)) == 38
    operation = EditRows(
        rows={0: CHAT}, splits={0: "validation", 2: "validation"}, drop=(4,), add=({"messages": CHAT},)
    )
    found = results(operation, rows)
    assert [message.content for message in found[0].messages] == ["New?", "Yes."]
    assert (found[0].split, found[0].source_line, found[2].split) == ("validation", 1, "validation")
    assert found[-1] == Example((Message("user", "New?"), Message("assistant", "Yes.")))
    assert operation.describe() == "By hand: 2 examples edited, 1 example dropped, 1 example added."


def test_an_edit_that_cannot_be_trained_on_names_example_and_message(rows: Rows) -> None:
    with pytest.raises(DataError, match="Example 3: The assistant message is empty") as caught:
        list(EditRows(rows={2: [CHAT[0], {"role": "assistant", "content": " "}]}).apply(rows))
    assert (caught.value.code, caught.value.field) == ("content_empty", "messages[1].content")
    with pytest.raises(DataError, match="New example 2: There is no assistant"):
        list(AddExamples(examples=({"messages": CHAT}, {"messages": CHAT[:1]})).apply(rows))


def test_weights_go_down_and_up_again(rows: Rows) -> None:
    down = results(SetWeight(positions=(0,), weight=0), rows)[0]
    assert [message.weight for message in down.messages] == [None, 0]


def test_set_system_replaces_and_takes_away(tmp_path: Path) -> None:
    rows = stored(tmp_path / "v", [pair("a", "b", system="Old"), pair("c", "d")])
    assert texts(SetSystem(text="New"), rows) == [["New", "a", "b"], ["New", "c", "d"]]
    assert texts(SetSystem(text=" ", positions=(0,)), rows) == [["a", "b"], ["c", "d"]]


def test_redaction_reaches_into_tool_calls_and_leaves_the_rest(tmp_path: Path) -> None:
    call = {
        "id": "1",
        "type": "function",
        "function": {"name": "send", "arguments": '{"to": ["ann@example.org"], "n": 1}'},
    }
    messages = (
        Message("user", "Mail ann@example.org"),
        Message("assistant", "", weight=1, tool_calls=(call,)),
        Message("tool", "sent", tool_call_id="1"),
        Message("assistant", "Done."),
    )
    rows = stored(tmp_path / "v", [Example(messages), pair("plain", "text")])
    effect = count(rows, Redact())
    assert (effect.changed, effect.removed, effect.added) == (1, 0, 0)
    redacted = results(Redact(), rows)[0]
    assert "ann@" not in str(message_dicts(redacted.messages))
    assert '"n": 1' in redacted.messages[1].tool_calls[0]["function"]["arguments"]
    assert redacted.messages[1].weight == 1


def test_damaged_text_is_repaired(rows: Rows) -> None:
    assert texts(RepairText(), rows)[7] == ["Café?", "Yes, a café."]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<|im_end|> a", "< |im_end|> a"),
        ("</s>", "< /s>"),
        ("[INST] x [/INST]", "[ INST] x [ /INST]"),
        ("<<SYS>>", "< <SYS>>"),
        ("a < b [1]", "a < b [1]"),
    ],
)
def test_special_tokens_become_plain_text(tmp_path: Path, text: str, plain: str) -> None:
    rows = stored(tmp_path / "v", [pair(text, "ok"), pair("x", "y")])
    found = results(EscapeSpecialTokens(), rows)
    assert found[0].messages[0].content == plain


FILTERED = [
    (Filter(search="QUESTION 3"), 11),
    (Filter(search="label 1", split="train"), 12),
    (Filter(labels=("Label 0", "Label 2")), 26),
    (Filter(min_tokens=5, max_tokens=5), 39),
    (Filter(search="question", keep=False), 2),
    (Filter(flags=("special_tokens",)), 0),
]


@pytest.mark.parametrize(("operation", "number"), FILTERED)
def test_filter(operation: Filter, number: int, rows: Rows) -> None:
    assert abs(len(results(operation, rows)) - number) <= 1
    kept = set(map(str, results(operation, rows)))
    others = set(map(str, results(operation.model_copy(update={"keep": not operation.keep}), rows)))
    assert len(kept | others) == len({str(entry.example) for entry in rows})
    assert not kept & others


def test_merge_keeps_one_of_each_group(rows: Rows) -> None:
    for keep, gone in (("first", {1, 3, 4}), ("last", {0, 2, 3})):
        left = [made.origin.position for made in Merge(groups=((1, 0), (2, 3, 4)), keep=keep).apply(rows)]
        assert set(range(40)) - set(left) == gone
    left = [made.origin.position for made in Merge(groups=((0, 6, 11),), keep="longest").apply(rows)]
    assert set(range(40)) - set(left) == {0, 11}


def test_groups_that_overlap_never_lose_every_example(rows: Rows) -> None:
    left = [made.origin.position for made in Merge(groups=((0, 1), (1, 2), (2, 0)), keep="last").apply(rows)]
    assert {0, 1, 2} & set(left)


def test_exact_duplicates(tmp_path: Path) -> None:
    twice = pair("a", "b", 1)
    rows = stored(tmp_path / "v", [twice, pair("c", "d", 2), replace(twice, source_line=3), pair("a", "b ", 4), twice])
    assert [made.origin.position for made in Dedupe().apply(rows)] == [0, 1, 3]
    assert [made.origin.position for made in Dedupe(keep="last").apply(rows)] == [1, 3, 4]


def test_equal_tool_calls_with_another_order_of_keys_are_duplicates(tmp_path: Path) -> None:
    def calling(function: dict[str, str]) -> Example:
        call = {"id": "1", "type": "function", "function": function}
        return Example((Message("user", "q"), Message("assistant", "", tool_calls=(call,))))

    one = calling({"name": "f", "arguments": "{}"})
    rows = stored(tmp_path / "v", [one, calling({"arguments": "{}", "name": "f"}), pair("a", "b")])
    assert count(rows, Dedupe()).removed == 1


def test_near_duplicates(tmp_path: Path) -> None:
    long = "How do I change the delivery address of an order that I placed yesterday evening in the web shop"
    rows = stored(
        tmp_path / "v", [pair(long, "In your account."), pair(long + "?", "In your account."), pair("Else", "No.")]
    )
    assert count(rows, Dedupe(kind="near", threshold=0.7)).removed == 1


@pytest.mark.parametrize("stratified", [False, True])
def test_a_sample_is_seeded_and_has_its_size(rows: Rows, stratified: bool) -> None:
    def drawn(seed: int) -> list[int]:
        operation = SampleRows(share=0.25, seed=seed, stratified=stratified)
        return [made.origin.position for made in operation.apply(rows)]

    assert len(drawn(1)) == 10
    assert drawn(1) == drawn(1) != drawn(2)
    if stratified:
        labels = [entry.label for entry in rows if entry.position in drawn(3)]
        assert (
            max(labels.count(f"Label {n}") for n in range(3)) - min(labels.count(f"Label {n}") for n in range(3)) <= 1
        )
    assert len(results(SampleRows(size=1_000), rows)) == 40


SAMPLED_42 = [17, 18, 23, 29, 30]


def test_a_sample_never_changes_with_the_version_of_a_library(rows: Rows) -> None:
    assert [made.origin.position for made in SampleRows(size=5, seed=42).apply(rows)] == SAMPLED_42


def test_shares_add_up() -> None:
    assert shares([1, 1, 1], 2) == [1, 1, 0]
    assert shares([10, 30, 60], 10) == [1, 3, 6]
    assert shares([5, 0, 5], 100) == [5, 0, 5]
    assert shares([], 3) == []
    assert sum(shares([7, 11, 13, 1], 17)) == 17


def test_redaction_is_described_and_an_unknown_kind_is_refused() -> None:
    from core.data.examples.sensitive import SENSITIVE_KINDS

    secrets = tuple(kind.id for kind in SENSITIVE_KINDS.values() if kind.secret)
    assert make(Redact, kinds=secrets, positions=(0,)).describe() == "Redacted secrets in 1 example."
    assert make(Redact, kinds=("email",)).describe() == "Redacted E-mail address in all examples."
    with pytest.raises(DataError, match="unknown kind 'bogus'"):
        make(Redact, kinds=("bogus",))
