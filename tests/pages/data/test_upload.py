"""The Upload screen: a known shape becomes a dataset, a table continues in the wizard, bad files show why."""

from __future__ import annotations

import io
import json
from collections import Counter
from importlib import resources

import pytest

from core.services.data import datasets, sources
from core.services.platform import drafts, tasks
from pages.data._convert.analyze import DIRECT_SYSTEM
from pages.data._convert.draft import WIZARD
from pages.data._upload.next_step import FROM_FILE, NO_SYSTEM
from pages.ui.format import md, sentence
from tests.support import figures
from tests.support.screens import part, shows, title
from worker.run import execute

CHAT = "\n".join(
    json.dumps(
        {"messages": [{"role": "user", "content": f"Question {n}?"}, {"role": "assistant", "content": f"Answer {n}"}]}
    )
    for n in range(12)
).encode()
TABLE = b"product,material,price\n" + b"\n".join(b"Tool %d,Steel,%d" % (n, n) for n in range(12))


def test_a_known_shape_becomes_a_dataset(open_screen, read) -> None:
    app = open_screen("upload")
    app.file_uploader[0].upload("support.jsonl", CHAT).run()
    assert "12 rows" in part(app, "known_shape")
    assert "Question 0?" in read(app)
    app.text_input(key=next(item.key for item in app.text_input if item.key.startswith("name_"))).set_value("Support")
    app.button(key="create_dataset").click().run()
    read(app)
    task = tasks.list_tasks(kind="import")[0]
    execute(task.id, owner="test")
    app.run()
    assert "12 pairs" in part(app, "on_done_import")
    assert datasets.get_dataset("Support").examples == 12


def test_the_rows_that_are_left_out_are_said_before_and_after(open_screen, read) -> None:
    empty = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": ""}]
    broken = "\n".join(["{", *(json.dumps({"messages": empty}) for _ in range(6))]).encode()
    app = open_screen("upload")
    app.file_uploader[0].upload("support.jsonl", CHAT + b"\n" + broken).run()
    expected = (md("19 rows = 12 accepted + 7 left out"), "**6 rows**", "The assistant message is empty", "line 14")
    assert all(text in read(app) for text in expected)
    app.button(key="create_dataset").click().run()
    execute(tasks.list_tasks(kind="import")[0].id, owner="test")
    app.run()
    assert all(text in read(app) for text in expected)


def test_too_few_examples_are_reported_at_once(open_screen, read) -> None:
    app = open_screen("upload")
    app.file_uploader[0].upload("few.jsonl", b"\n".join(CHAT.splitlines()[:3])).run()
    app.button(key="create_dataset").click().run()
    execute(tasks.list_tasks(kind="import")[0].id, owner="test")
    app.run()
    assert "3 pairs" in part(app, "on_done_import")
    first = datasets.findings(datasets.get_dataset("few").version.id, severity="error")[0]
    assert first.code == "too_few_examples"
    assert sentence(first.message) in part(app, "on_done_import")
    assert app.button(key="train_import").disabled
    assert not app.button(key="open_import").disabled

    # Deleted in another window: the finished import still has a screen.
    datasets.delete(datasets.get_dataset("few").id, "few")
    app.run()
    read(app)
    assert not shows(app, "on_done_import")


def test_any_other_table_continues_in_the_wizard_with_its_file(open_screen, read) -> None:
    app = open_screen("upload")
    app.file_uploader[0].upload("tools.csv", TABLE).run()
    assert "12 rows, 3 columns" in part(app, "to_wizard")
    app.button(key="to_convert").click().run()
    assert title(app) == WIZARD.steps[1].title
    assert drafts.list_open("convert")[0].state["source_id"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("empty.csv", b"", "is empty"),
        ("header.csv", b"question,answer\n", "but no rows"),
        ("deep.json", b"[" * 100_000, "nest"),
        ("sheet.csv", b"PK\x03\x04" + b"\x00" * 64, "archive"),
    ],
)
def test_a_bad_file_shows_why(name: str, content: bytes, expected: str, open_screen, read) -> None:
    app = open_screen("upload")
    app.file_uploader[0].upload(name, content).run()
    said = read(app)
    assert expected in said.lower(), said
    assert "Traceback" not in said


@pytest.mark.parametrize(("kept", "expected"), [(True, {"train": 8, "validation": 4}), (False, {"train": 12})])
def test_a_column_of_splits_is_kept_or_ignored(kept: bool, expected: dict[str, int], open_screen, read) -> None:
    lines = [
        {**json.loads(line), "split": "train" if number % 3 else "validation"}
        for number, line in enumerate(CHAT.splitlines()[:12])
    ]
    app = open_screen("upload")
    app.file_uploader[0].upload("split.jsonl", "\n".join(map(json.dumps, lines)).encode()).run()
    box = next(item for item in app.checkbox if "Keep the split" in item.label)
    if not kept:
        box.uncheck().run()
    app.button(key="create_dataset").click().run()
    (task,) = tasks.list_tasks(kind="import")
    ended = execute(task.id, owner="test")
    assert ended.state == "succeeded", ended.error
    made = datasets.iter_examples(datasets.get_dataset(ended.result["dataset_id"]).version.id)
    assert dict(Counter(example.split for example in made)) == expected


def test_a_table_of_messages_leads_to_import_conversations(open_screen, read) -> None:
    with resources.files("core.data.samples").joinpath("shop_chats.csv").open("rb") as stream:
        source = sources.ingest(stream, "shop_chats.csv")
    app = open_screen("upload", source=source.id)
    assert "Table of messages" in part(app, "chat_log")
    app.button(key="to_chats").click().run()
    (draft,) = drafts.list_open("chat_import")
    assert draft.state["reading"]["text"]


def test_both_ways_say_where_the_system_message_comes_from(open_screen, read) -> None:
    pairs = b"question,answer\n" + b"\n".join(b"What is item %d?,Item %d is blue." % (n, n) for n in range(12))
    source = sources.ingest(io.BytesIO(pairs), "pairs.csv")
    direct = figures.of_screen(open_screen("upload", source=source.id), {})
    assert direct["System message"] == {NO_SYSTEM}
    with_system = b"system," + pairs.replace(b"\n", b"\nBe kind.,").replace(b"Be kind.,question", b"question")
    other = sources.ingest(io.BytesIO(with_system), "with_system.csv")
    assert figures.of_screen(open_screen("upload", source=other.id), {})["System message"] == {FROM_FILE}
    draft = drafts.create("convert", {"source_id": source.id}, "analyze")
    app = open_screen("convert", draft=draft.id)
    assert DIRECT_SYSTEM in read(app)
    app.button(key="direct").click().run()
    assert "create_dataset" in [button.key for button in app.button]
