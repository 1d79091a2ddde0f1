"""Tokens are created once per contents, tokenizer and template; damaged or different ones are never used."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import pytest

from core.messages import Example, Message
from tests.support import tiny
from worker.training import data, token_cache
from worker.training.model_files import load_tokenizer


@pytest.fixture
def tokenizer(tiny_base: Path) -> Any:
    return load_tokenizer(tiny_base)


def test_a_second_run_uses_the_cached_tokens(tokenizer: Any, tmp_path: Path) -> None:
    first = data.prepare(tiny.examples(3), tokenizer, max_seq_length=128, cache=tmp_path)
    again = data.prepare(tiny.examples(3), tokenizer, max_seq_length=128, cache=tmp_path)
    assert (first.cached, again.cached) == (False, True)
    assert (again.train, again.validation, again.spans) == (first.train, first.validation, first.spans)
    plain = data.prepare(tiny.examples(3), tokenizer, max_seq_length=128)
    assert plain.train == first.train


def test_the_maximum_length_and_the_loss_are_applied_after_the_cache(tokenizer: Any, tmp_path: Path) -> None:
    data.prepare(tiny.examples(), tokenizer, max_seq_length=128, cache=tmp_path)
    short = data.prepare(tiny.examples(), tokenizer, max_seq_length=20, completion_only_loss=False, cache=tmp_path)
    assert short.cached
    assert max(len(item.input_ids) for item in short.train) == 20
    assert all(item.labels == item.input_ids for item in short.train)


def test_other_contents_templates_and_weights_have_other_keys(tokenizer: Any) -> None:
    examples = tiny.examples()
    key = token_cache.key_of(examples, tokenizer)
    assert key == token_cache.key_of(tiny.examples(2), tokenizer)  # the split changes no token
    assert key != token_cache.key_of(examples[:-1], tokenizer)
    silent = Example((*examples[0].messages[:-1], Message("assistant", examples[0].messages[-1].content, weight=0)))
    assert key != token_cache.key_of([silent, *examples[1:]], tokenizer)
    other = copy.deepcopy(tokenizer)
    other.chat_template = tokenizer.chat_template + " "
    assert key != token_cache.key_of(examples, other)
    more = copy.deepcopy(tokenizer)
    more.add_tokens(["goose"])
    assert key != token_cache.key_of(examples, more)


def test_a_damaged_file_is_created_again(tokenizer: Any, tmp_path: Path) -> None:
    first = data.prepare(tiny.examples(), tokenizer, max_seq_length=128, cache=tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    whole = path.read_bytes()
    for damaged in (whole[:-4] + b"\x07\x00\x00\x01", whole[: len(whole) // 2], b"", b"{}"):
        path.write_bytes(damaged)
        again = data.prepare(tiny.examples(), tokenizer, max_seq_length=128, cache=tmp_path)
        assert not again.cached
        assert again.train == first.train
        assert path.read_bytes() == whole


def test_the_oldest_files_are_deleted(tmp_path: Path) -> None:
    encoded = [([1, 2, 3], [0, 1, 1])] * 100
    for number in range(3):
        token_cache.save(tmp_path, f"k{number}", encoded)
        os.utime(tmp_path / f"k{number}.safetensors", (number + 1, number + 1))
    assert token_cache.load(tmp_path, "k0", 100) == encoded  # and it is used now
    size = (tmp_path / "k0.safetensors").stat().st_size
    token_cache.save(tmp_path, "k3", encoded, most_bytes=2 * size)
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["k0", "k3"]


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tokenizer: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert not data.prepare(tiny.examples(), tokenizer, max_seq_length=128, cache=blocked / "tokens").cached
