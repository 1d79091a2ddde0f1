"""Batches: all tokens are in them, rows separate chats, and nothing is lost without being counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.errors import DataError
from core.messages import Example, Message
from core.models.render import render
from tests.support import tiny
from worker.training.data import Tokenized, collate, prepare, rows_of
from worker.training.model_files import load_model, load_tokenizer


def test_rows_contain_every_example_once_and_never_overflow() -> None:
    lengths = [9, 3, 7, 2, 2, 5, 9, 1]
    rows = rows_of(lengths, 9)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in row) <= 9 for row in rows)
    assert len(rows) == 5


def test_positions_restart_at_every_example_and_its_first_token_carries_no_loss() -> None:
    items = [Tokenized([1, 2, 3, 4], [1, 2, 3, 4]), Tokenized([5, 6], [5, 6]), Tokenized([7], [7])]
    batch = collate(items, pad_token_id=0)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4], [5, 6, 7, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3], [0, 1, 0, 1]]
    assert batch["labels"].tolist() == [[-100, 2, 3, 4], [-100, 6, -100, -100]]
    assert batch["real_tokens"] == 7


def test_packed_and_unpacked_examples_have_the_same_loss(tiny_base: Path) -> None:
    tokenizer, model = load_tokenizer(tiny_base), load_model(tiny_base).eval()
    longest = Example((Message("user", "Say all you know."), Message("assistant", " ".join(a for _, a in tiny.PAIRS))))
    items = prepare([longest, *tiny.examples()], tokenizer, max_seq_length=256).train
    batch = collate(items)
    assert batch["input_ids"].shape[0] < len(items)
    real = {k: v for k, v in batch.items() if k not in ("real_tokens", "members")}
    with torch.no_grad():
        packed = model(**real, use_cache=False).logits
    width = batch["input_ids"].shape[1]
    for row, members in enumerate(rows_of([len(item.input_ids) for item in items], width)):
        start = 0
        for index in members:
            ids = torch.tensor([items[index].input_ids])
            with torch.no_grad():
                alone = model(input_ids=ids, use_cache=False).logits[0]
            end = start + ids.shape[1]
            target = torch.tensor(items[index].labels[1:])
            losses = [torch.nn.functional.cross_entropy(part[:-1], target) for part in (alone, packed[row, start:end])]
            assert abs(float(losses[0] - losses[1])) < 1e-3
            start = end


def test_long_examples_are_truncated_and_those_without_an_answer_left_out(tiny_base: Path) -> None:
    tokenizer = load_tokenizer(tiny_base)
    long_answer = Example((Message("user", "Tell me."), Message("assistant", "word " * 200)))
    long_question = Example((Message("user", "word " * 200), Message("assistant", "Yes.")))
    short = Example((Message("user", "Tell me."), Message("assistant", "Yes.")))
    data = prepare([long_answer, long_question, short], tokenizer, max_seq_length=64)
    assert (data.truncated, data.dropped, len(data.train)) == (1, 1, 2)
    assert all(any(label != -100 for label in item.labels) for item in data.train)
    assert max(len(item.input_ids) for item in data.train) == 64


def test_nothing_left_to_learn_is_an_error_with_its_reason(tiny_base: Path) -> None:
    example = Example((Message("user", "word " * 200), Message("assistant", "Yes.")))
    with pytest.raises(DataError, match="64 tokens") as caught:
        prepare([example], load_tokenizer(tiny_base), max_seq_length=64)
    assert "maximum length" in caught.value.remedy


def test_loss_on_all_tokens_if_set(tiny_base: Path) -> None:
    tokenizer = load_tokenizer(tiny_base)
    item = prepare(tiny.examples()[:1], tokenizer, max_seq_length=128, completion_only_loss=False).train[0]
    assert item.labels == item.input_ids == render(tiny.examples()[0].messages, tokenizer).input_ids


def long_and_short() -> list[Example]:
    long_answer = Example((Message("user", "Tell me."), Message("assistant", "word " * 200)))
    long_question = Example((Message("user", "word " * 200), Message("assistant", "Yes.")))
    return [long_answer, long_question, Example((Message("user", "Tell me."), Message("assistant", "Yes.")))]


def test_longer_examples_can_be_dropped(tiny_base: Path) -> None:
    data = prepare(long_and_short(), load_tokenizer(tiny_base), max_seq_length=64, over_length="drop")
    assert (data.truncated, data.dropped, len(data.train)) == (0, 2, 1)


def test_longer_examples_can_stop_the_run(tiny_base: Path) -> None:
    tokenizer = load_tokenizer(tiny_base)
    longest = max(len(render(example.messages, tokenizer).input_ids) for example in long_and_short())
    with pytest.raises(DataError, match=f"2 examples are longer than 64 tokens; the longest has {longest}") as caught:
        prepare(long_and_short(), tokenizer, max_seq_length=64, over_length="stop")
    assert "maximum length" in caught.value.remedy
    assert len(prepare(long_and_short(), tokenizer, max_seq_length=longest, over_length="stop").train) == 3


@pytest.mark.parametrize("completion_only", [True, False])
def test_a_turn_of_weight_0_never_carries_loss(tiny_base: Path, tmp_path: Path, completion_only: bool) -> None:
    tokenizer = load_tokenizer(tiny_base)
    turns = (
        Message("user", "Who keeps the keys?"),
        Message("assistant", "Nobody.", weight=0),
        Message("user", "Really?"),
        Message("assistant", "Old Marta keeps them.", weight=1),
    )
    for _ in range(2):  # the second time from the cache
        (item,) = prepare(
            [Example(turns)],
            tokenizer,
            max_seq_length=128,
            completion_only_loss=completion_only,
            cache=tmp_path,
        ).train
        pairs = zip(item.input_ids, item.labels, strict=True)
        learned = tokenizer.decode([token for token, label in pairs if label != -100])
        assert "Nobody." not in learned
        assert ("Who keeps the keys?" in learned) is not completion_only
        assert learned.endswith("Old Marta keeps them.<|end|>")
        assert "Nobody." in tokenizer.decode(item.input_ids)
    rendered = render(turns, tokenizer)
    assert item.labels == rendered.labels(completion_only=completion_only)


def test_the_test_split_is_neither_trained_nor_validated_on(tiny_base: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(tiny_base)
    plain = [replace(example, split="train") for example in tiny.examples()]
    plain[1] = replace(plain[1], split="validation")
    secret = Example((Message("user", "Secret?"), Message("assistant", "tested " * 400)), split="test")
    refused = Example((Message("assistant", "x"),), split="test")
    mixed = [secret, plain[0], refused, *plain[1:]]
    data = prepare(mixed, tokenizer, max_seq_length=256, over_length="stop", cache=tmp_path)
    alone = prepare(plain, tokenizer, max_seq_length=256)
    assert [item.input_ids for item in data.train] == [item.input_ids for item in alone.train]
    assert [item.input_ids for item in data.validation] == [item.input_ids for item in alone.validation]
    assert {item.position for item in (*data.train, *data.validation)} == {1, *range(3, len(mixed))}
    assert (data.spans, data.refused, data.dropped) == (alone.spans, 0, 0)
    again = prepare(mixed, tokenizer, max_seq_length=256, cache=tmp_path)
    assert again.cached
    assert again.train == data.train
    released = prepare([replace(secret, split="train"), *mixed[1:]], tokenizer, max_seq_length=256, cache=tmp_path)
    assert not released.cached
    assert len(released.train) == len(data.train) + 1


def test_tokens_of_examples_with_tools_are_cached_separately(tiny_base: Path, tmp_path: Path) -> None:
    import shutil

    from tests.support import chat_templates

    folder = tmp_path / "base"
    shutil.copytree(tiny_base, folder)
    (folder / "chat_template.jinja").write_text(chat_templates.template("qwen2_5"))
    tokenizer = load_tokenizer(folder)
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    plain = list(tiny.examples())
    tooled = [replace(example, tools=(tool,)) for example in plain]
    without = prepare(plain, tokenizer, max_seq_length=2_048, cache=tmp_path / "cache")
    first = prepare(tooled, tokenizer, max_seq_length=2_048, cache=tmp_path / "cache")
    assert not first.cached
    assert prepare(tooled, tokenizer, max_seq_length=2_048, cache=tmp_path / "cache").cached
    for bare, full in zip(without.train, first.train, strict=True):
        assert len(full.input_ids) > len(bare.input_ids)
        assert [label for label in full.labels if label != -100] == [label for label in bare.labels if label != -100]
