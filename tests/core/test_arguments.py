"""Odd values handed to the services: each is refused in words."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core import arguments
from core.data.editing import Redact
from core.errors import DataError, StudioError
from core.services.data import chat_import, conversion, datasets, quality, smart, sources
from core.services.data.datasets import edits
from core.services.platform import connections, drafts, tasks
from tests.support import smart as helper
from tests.support.versions import pair

ODD: list[Any] = [
    5, 1.5, float("nan"), True, "text", "\ud800", "\0", b"x", [], [None], [7], ["\ud800"], [[]], {1: 2}, object(),
    [{"role": None}], [{"role": "user", "content": 5}], [{"role": "user", "content": "x", "tool_calls": 5}],
]  # fmt: skip
IDS = ["nope", "", "\ud800", "a\0b", "../../x", "x" * 5_000]


def refused_or_done(call: Any, *arguments: Any, **named: Any) -> None:
    """Whatever else is raised than a StudioError fails the test."""
    with suppress(StudioError):
        call(*arguments, **named)


def test_what_is_no_message_is_no_example(studio_env: Path) -> None:
    dataset = datasets.create_dataset("D", [pair("q", "a")] * 10)
    kept = datasets.write_example(dataset.id, [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}])
    for odd in [None, *ODD]:
        with pytest.raises(StudioError):
            datasets.write_example(dataset.id, odd)
        with pytest.raises(StudioError):
            datasets.rewrite_example(kept.id, odd)
        with pytest.raises(StudioError):
            datasets.begin_by_hand("New", odd)
    with pytest.raises(DataError, match="`messages\\[1\\]` must be an object with text keys; got 'text'"):
        datasets.write_example(dataset.id, [{"role": "user", "content": "x"}, "text"])
    assert [item.id for item in datasets.written(dataset.id)] == [kept.id]


def test_pages_beyond_the_ends_are_empty(studio_env: Path) -> None:
    version = datasets.create_dataset("D", [pair(f"q{n}", "a", n + 1) for n in range(10)]).version.id
    source = helper.things(5)
    for far in (10**30, -(10**30)):
        assert len(datasets.examples(version, far, 5).items) == (0 if far > 0 else 5)
        assert datasets.examples(version, 0, far).total == 10
        datasets.findings(version, far, offset=far)
        assert len(sources.rows(source, far, 5)) == (0 if far > 0 else 5)
        sources.preview_rows(source, {}, far)
        tasks.list_tasks(limit=far)
        tasks.events("nope", far)
        edits.diff(version, version, far, far)


def test_ids_that_no_row_has(studio_env: Path, database: str) -> None:
    for name in IDS:
        for look in (
            datasets.get_dataset, datasets.get_version, datasets.statistics, datasets.dependents, datasets.versions,
            datasets.remove_written, datasets.validate, quality.report, sources.get, sources.analyze, drafts.get,
            drafts.discard, connections.get, connections.models, smart.progress, smart.start, smart.ask_again,
            conversion.start, chat_import.start, tasks.get_task, tasks.log_tail,
        ):  # fmt: skip
            refused_or_done(look, name)
        refused_or_done(tasks.request, name, "cancel")
        refused_or_done(edits.apply, name, Redact(), base_version_id=name)
        refused_or_done(edits.mix, "Mix", [(name, 1)])


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:14])
def test_choices_of_another_shape(studio_env: Path, odd: Any) -> None:
    version = datasets.create_dataset("D", [pair(f"q{n}", "a", n + 1) for n in range(10)]).version.id
    source = helper.things(5)
    refused_or_done(datasets.examples, version, flags=odd)
    refused_or_done(datasets.examples, version, labels=odd)
    refused_or_done(datasets.examples_at, version, odd)
    refused_or_done(edits.mix_plan, odd)
    refused_or_done(sources.preview_rows, source, odd)
    refused_or_done(conversion.preview, source, "qa", odd)
    refused_or_done(conversion.preview, source, "qa", {"key": "name", "target": "colour"}, odd)
    refused_or_done(drafts.create, "convert", odd)
    refused_or_done(connections.save, name="c", kind="openai", base_url="http://127.0.0.1:9/v1", prices=odd)
    refused_or_done(connections.save, name="c", kind="openai", base_url="http://127.0.0.1:9/v1", settings=odd)
    refused_or_done(chat_import.choices, odd)
    refused_or_done(chat_import.choices, {"reading": odd, "recipe": odd, "decisions": odd})
    refused_or_done(smart.vary, "D", odd, "studio", "m")
    refused_or_done(smart.propose, source, "studio", "m", odd)


def test_a_value_is_named_with_its_field() -> None:
    with pytest.raises(DataError, match="`positions` must contain only whole numbers; got 'x'") as caught:
        arguments.positions(["x"])
    assert caught.value.field == "positions"
    assert arguments.count(-3) == 0
    assert arguments.whole("a\ud800") == "a\\ud800"
