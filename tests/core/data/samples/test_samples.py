"""The samples that ship with the studio: the same every time, consistent, and honest about what is unseen."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from importlib.resources import files

import pytest

from core.cli import main
from core.data.samples import SAMPLES, SampleDataset, load_sample
from core.data.samples.tickets import SEEN, UNSEEN, further_tickets
from core.messages import Example
from tests.support.registry import registered


def text(example: Example) -> str:
    return example.messages[0].content


def answer(example: Example) -> dict[str, object]:
    return dict(json.loads(example.messages[-1].content))


@pytest.mark.parametrize("sample", list(SAMPLES), ids=SAMPLES.ids())
def test_every_sample_is_complete(sample: SampleDataset) -> None:
    assert sample.name.endswith("(sample)")
    assert sample.description
    assert len(sample.train) + len(sample.validation) + len(sample.test) == len(sample.read())
    assert set(sample.parts) == {example.source for example in sample.test}
    trained = {text(example) for example in sample.train}
    assert not trained & {text(example) for example in (*sample.validation, *sample.test)}


def test_the_tickets_are_split_by_combination_and_by_wording() -> None:
    tickets = load_sample("tickets")
    assert (len(tickets.train), len(tickets.validation)) == (360, 40)
    assert Counter(example.source for example in tickets.test) == {SEEN: 60, UNSEEN: 60}
    every = tickets.read()
    assert len({text(example) for example in every}) == len(every) == 520
    teams = Counter(answer(example)["team"] for example in tickets.train)
    assert teams == {"billing": 90, "technical": 90, "shipping": 90, "account": 90}
    for part in (tickets.train, tickets.test):
        assert 0.3 < sum(answer(example)["urgent"] is True for example in part) / len(part) < 0.6
        assert all(str(answer(example)["product"]) in text(example) for example in part)
        assert not any(re.search(r"[{}]|\s\s", text(example)) for example in part)


def test_the_tickets_to_choose_settings_by_are_not_in_the_sample() -> None:
    sample = {text(example) for example in load_sample("tickets").read()}
    further = {text(example) for example in further_tickets()}
    assert len(further) == 480
    assert not further & sample


def test_the_unseen_wordings_are_not_in_the_training() -> None:
    parts = tomllib.loads(files("core.data.samples").joinpath("tickets.toml").read_text(encoding="utf-8"))
    seen = {wording for topic in parts["topics"] for wording in topic["seen"]}
    unseen = {wording for topic in parts["topics"] for wording in topic["unseen"]}
    assert (len(seen), len(unseen), len(seen & unseen)) == (60, 60, 0)
    for kind in ("openings", "details", "closings", "urgent", "calm"):
        assert not (set(parts[kind]["seen"]) & set(parts[kind]["unseen"])) - {""}
    trained = " ".join(text(example) for example in load_sample("tickets").train)
    assert not [cue for cue in (*parts["urgent"]["unseen"], *parts["calm"]["unseen"]) if cue and cue in trained]


def test_a_new_sample_is_one_file_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    poems = SampleDataset("poems", "Poems (sample)", "Poems", "Two lines each.", "facts", lambda: ())
    with registered(SAMPLES, poems):
        assert load_sample("poems") is poems
        assert main(["demo", "--help"]) == 0
    assert "poems (facts)" in " ".join(capsys.readouterr().out.split())
