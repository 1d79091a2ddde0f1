"""Nothing is dropped in silence: fields that do not reach the examples are named with counts before anything exists."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from core.cli import main
from core.data.conversion import fields
from core.data.conversion.labeling import Recipe
from core.errors import DataError
from core.messages import Row
from core.services.data import conversion, datasets, sources
from pages.ui.format import md
from tests.support.screens import open_page, words

QA = {"question": "What is it?", "answer": "A thing."}
TURNS = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


def account(rows: list[dict[str, Any]], **recipe: Any) -> fields.Account:
    return fields.account(Recipe.of(recipe), [Row(number, row) for number, row in enumerate(rows, 1)])


def left_out(rows: list[dict[str, Any]], shape: str) -> dict[str, tuple[int, bool]]:
    return {item.name: (item.filled, bool(item.meaning)) for item in account(rows, shape=shape).left_out}


@pytest.mark.parametrize(("extra", "changes_meaning"), [
    ({"rejected": "A bad answer."}, True),
    ({"context": "The passage."}, True),
    ({"tools": '[{"name": "f"}]'}, True),
    ({"image": "a.png"}, True),
    ({"cot": "First think."}, True),
    ({"choices": ["A thing.", "A place."]}, True),
    ({"options": '{"A": "A thing.", "B": "A place."}'}, True),
    ({"Definition": ["Answer with one short sentence."]}, True),
    ({"instruction": "Answer with one short sentence."}, True),
    ({"options": "express"}, False),  # of a delivery
    ({"choices": ["only one"]}, False),
    ({"definition": "short"}, False),
    ({"target_lang": "de"}, False),  # in every row
    ({"id": 7}, False),
    ({"source": "wiki"}, False),
    ({"weight": 2.5}, False),  # kilograms, not what is learned
    ({"label": "geography"}, False),  # a class, not a verdict
    ({"split": "north"}, False),  # not a split of the set
])  # fmt: skip
def test_a_field_beside_the_columns_of_a_template(extra: dict[str, Any], changes_meaning: bool) -> None:
    rows = [QA | extra, QA, QA | extra]
    found = account(rows, template="qa", mapping={"key": "question", "target": "answer"})
    (name,) = extra
    assert [(item.name, item.filled, bool(item.meaning)) for item in found.left_out] == [(name, 2, changes_meaning)]
    assert found.used == ("question", "answer")
    if changes_meaning:
        with pytest.raises(DataError, match="2 of 3 rows") as caught:
            found.check(())
        assert caught.value.code == "fields_left_out"
        assert f"--without {name}" in str(caught.value.remedy)
    found.check([name])


def test_languages_that_differ_between_rows_change_the_meaning() -> None:
    rows = [{"source": "A big house", "target": "Ein großes Haus", "target_lang": name} for name in ("de", "de", "fr")]
    assert left_out(rows, "pair") == {"target_lang": (3, True)}
    assert left_out(rows[:2], "pair") == {"target_lang": (2, False)}


def test_weights_of_zero_and_ratings_change_the_meaning() -> None:
    rows = [QA | {"weight": n % 2, "score": n} for n in range(4)]
    assert left_out(rows, "rated_score") == {"weight": (4, True), "score": (4, True)}
    assert left_out([QA | {"score": n} for n in range(4)], "question_answer") == {"score": (4, True)}
    chosen = account(rows, shape="rated_score", options={"threshold": "2"})
    assert [item.name for item in chosen.left_out] == ["weight"]
    assert (chosen.rows, chosen.accepted) == (4, 2)
    assert chosen.reasons[0][:2] == ("rated_bad", 2)


def test_keys_inside_of_messages_are_named_too() -> None:
    spoken = [TURNS[0], {**TURNS[1], "audio": {"id": "x"}, "annotations": [1]}]
    rows = [{"conversations": [{"from": "human", "value": "q", "lang": "en"}, {"from": "gpt", "value": "a"}]}] * 3
    assert left_out(rows, "sharegpt") == {"conversations[].lang": (3, False)}
    asked = [{"input": {"messages": TURNS[:1], "parallel_tool_calls": True}, "output": spoken[1:]}]
    assert left_out(asked, "input_output")["input.parallel_tool_calls"] == (1, False)
    assert left_out(asked, "input_output")["output[].audio"] == (1, True)


def test_what_is_used_is_not_named() -> None:
    rows = [{"messages": TURNS, "system": "s", "split": "train", "tools": [{"name": "f", "input_schema": {}}]}]
    assert left_out(rows, "messages") == {}
    assert left_out([QA | {"split": "test"}, QA | {"split": "train"}], "question_answer") == {}
    pair = {"prompt": "q", "chosen": "a", "rejected": "b"}
    assert left_out([pair], "preference") == {}


def test_removed_images_are_counted_before_anything_is_created() -> None:
    picture = {"type": "image_url", "image_url": {"url": "x"}}
    rows = [{"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}, picture]}, TURNS[1]]}] * 4
    refused = account(rows, shape="messages")
    assert (refused.accepted, refused.reasons[0][:2]) == (0, ("media_refused", 4))
    with pytest.raises(DataError, match="4 of 4 rows contain images"):
        refused.check(())
    kept = account(rows, shape="messages", options={"images": "keep_text"})
    assert (kept.accepted, kept.changes[0][:2]) == (4, ("media_removed", 4))
    assert [offer.choice.id for offer in kept.offers] == ["images"]
    assert kept.undecided(()) == ()  # chosen with the option


def test_raw_text_is_said_plainly() -> None:
    passage = "A long passage about locks and canals. " * 5
    rows = "".join(json.dumps({"id": n, "text": f"{n} {passage}"}) + "\n" for n in range(12))
    labeled = "".join(json.dumps({"text": f"{n} {passage}", "label": "ab"[n % 2]}) + "\n" for n in range(12))
    profile, other = (sources.analyze(upload(content, "text.jsonl")) for content in (rows, labeled))
    assert fields.raw_text(profile.columns) == "text"
    assert fields.raw_text(other.columns) is None


pytestmark = pytest.mark.usefixtures("studio_env")


def upload(content: str, name: str = "file.jsonl") -> str:
    return sources.ingest(io.BytesIO(content.encode()), name).id


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


RATED = lines([{"question": f"q {n}?", "answer": f"a {n}.", "score": n % 5, "id": n} for n in range(40)])


def test_nothing_is_created_until_the_user_decides() -> None:
    source = upload(RATED)
    with pytest.raises(DataError) as caught:
        datasets.create_from_source(source, "Rated")
    assert caught.value.code == "fields_left_out"
    task = datasets.create_from_source(source, "Rated", without=["score"])
    assert task.payload["without"] == ["score"]
    state = {"source_id": source, "template": "qa", "mapping": {"key": "question", "target": "answer"}}
    with pytest.raises(DataError):
        conversion.start_with(**state, name="Converted")
    assert conversion.start_with(**state, name="Converted", without=["score"]).payload["without"] == ["score"]


def test_the_command_line_names_them_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rated.jsonl"
    file.write_text(RATED)
    assert main(["convert", str(file), "--name", "Rated"]) == 1
    said = capsys.readouterr().err
    assert "score (a rating of the answer), filled in 40 of 40 rows" in said
    assert "id (40)" in said
    assert "--without score" in said
    assert main(["validate", str(file), "--json"]) == 0
    found = {item["code"]: item for item in json.loads(capsys.readouterr().out)["findings"]}
    assert found["fields_left_out"]["severity"] == "warning"


def test_upload_asks_before_it_creates() -> None:
    app = open_page("pages/data/upload.py", source=upload(RATED))
    create = next(button for button in app.button if button.key == "create_dataset")
    assert create.disabled
    assert "score" in words(app)
    assert md("40 rows = 40 accepted + 0 left out") in words(app)
    next(box for box in app.checkbox if "Continue without it" in box.label).check().run()
    assert not next(button for button in app.button if button.key == "create_dataset").disabled


def test_upload_uses_the_lowest_rating() -> None:
    app = open_page("pages/data/upload.py", source=upload(RATED))
    app.selectbox[0].select("3").run()
    assert md("40 rows = 16 accepted + 24 left out") in words(app)
    assert not next(button for button in app.button if button.key == "create_dataset").disabled


def test_the_wizard_asks_before_it_converts() -> None:
    from core.services.platform import drafts

    state = {"source_id": upload(RATED), "template": "qa", "mapping": {"key": "question", "target": "answer"}}
    draft = drafts.create("convert", state | {"options": {}, "mode": "guided"}, "preview")
    app = open_page("pages/data/convert.py", draft=draft.id)
    assert "score" in words(app)
    next(box for box in app.checkbox if "Continue without it" in box.label).check().run()
    assert drafts.get(draft.id).state["without"] == ["score"]
