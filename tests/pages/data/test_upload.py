"""The Upload screen: a known shape becomes a dataset, a table goes on to the wizard, bad files say why."""

from __future__ import annotations

import json

import pytest

from core.services.data import datasets
from core.services.platform import drafts, tasks
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
    said = read(app)
    assert "12 rows in a known shape" in said
    assert "Question 0?" in said
    app.text_input(key=next(item.key for item in app.text_input if item.key.startswith("name_"))).set_value("Support")
    app.button(key="create_dataset").click().run()
    read(app)
    task = tasks.list_tasks(kind="import")[0]
    execute(task.id, owner="test")
    app.run()
    assert "12 pairs" in read(app)
    assert datasets.get_dataset("Support").examples == 12


def test_what_cannot_be_trained_on_says_so_at_once(open_screen, read) -> None:
    app = open_screen("upload")
    app.file_uploader[0].upload("few.jsonl", b"\n".join(CHAT.splitlines()[:3])).run()
    app.button(key="create_dataset").click().run()
    execute(tasks.list_tasks(kind="import")[0].id, owner="test")
    app.run()
    said = read(app)
    assert "3 pairs" in said
    assert "10 is the minimum" in said
    assert app.button(key="train_import").disabled
    assert not app.button(key="open_import").disabled

    # Deleted in another window: the end of the import is still a screen.
    found = datasets.get_dataset("few")
    datasets.delete(found.id, "few")
    app.run()
    assert "was deleted since" in read(app)


def test_any_other_table_leads_to_the_wizard_with_its_file(open_screen, read) -> None:
    app = open_screen("upload")
    app.file_uploader[0].upload("tools.csv", TABLE).run()
    assert "12 rows, 3 columns" in read(app)
    app.button(key="to_convert").click().run()
    assert "What is in the file" in read(app)
    assert drafts.list_open("convert")[0].state["source_id"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("empty.csv", b"", "is empty"),
        ("header.csv", b"question,answer\n", "no row under it"),
        ("deep.json", b"[" * 100_000, "nest"),
        ("sheet.csv", b"PK\x03\x04" + b"\x00" * 64, "archive"),
    ],
)
def test_a_bad_file_says_why(name: str, content: bytes, expected: str, open_screen, read) -> None:
    app = open_screen("upload")
    app.file_uploader[0].upload(name, content).run()
    said = read(app)
    assert expected in said.lower(), said
    assert "Traceback" not in said
