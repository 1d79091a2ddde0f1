"""Importing conversations on screen: five steps, kept in the database, the same in every browser."""

from __future__ import annotations

import json

from core.services.data import chat_import, datasets
from core.services.platform import drafts, tasks
from worker.run import execute


def at_step(open_screen, read, title: str):
    """The sample chats brought in, and the wizard gone on to the step of that title."""
    app = open_screen("import_conversations")
    assert "step 1 of 5" in read(app)
    app.button(key="use_sample_chats").click().run()
    for _ in range(4):
        if title in read(app):
            return app
        app.button(key="onward").click().run()
    raise AssertionError(f"the step {title!r} was not reached")


def test_from_the_sample_chats_to_a_dataset(open_screen, read) -> None:
    app = at_step(open_screen, read, "Who is who")
    said = read(app)
    assert "Mira Holt" in said
    assert "55 messages read" not in said  # the header is no message
    assert "54 messages read = 53 in conversations + 1 left out" in said
    draft = drafts.list_open(chat_import.KIND)[0]
    assert draft.state["recipe"]["by_order"] is True

    app.button(key="onward").click().run()
    said = read(app)
    assert "What to take" in said
    assert "15" in said
    assert "Without an answer" in said
    assert drafts.get(draft.id).step == "filters"

    app.button(key="onward").click().run()
    said = read(app)
    assert "[EMAIL]" in said
    assert "mira.holt" not in said
    app.button(key="drop_1").click().run()
    app.button(key="keep_0").click().run()
    # Another browser, or a refresh, sees the same decisions.
    other = open_screen("import_conversations", draft=draft.id)
    said = read(other)
    assert "2 looked at · 0 edited · 1 dropped" in said
    assert [item["do"] for item in drafts.get(draft.id).state["decisions"].values()] == ["drop", "keep"]
    other.button(key="undo_1").click().run()
    assert "1 looked at · 0 edited · 0 dropped" in read(other)

    other.button(key="onward").click().run()
    next(item for item in other.text_input if item.label == "Name").set_value("Shop chats").run()
    other.button(key="import_now").click().run()
    read(other)
    found = tasks.list_tasks(kind=chat_import.KIND)
    assert len(found) == 1
    ended = execute(found[0].id, owner="test")
    assert ended.state == "succeeded", ended.error
    other.run()
    said = read(other)
    assert "15 pairs" in said
    assert "54 messages read" in said
    dataset = datasets.get_dataset("Shop chats")
    assert (dataset.origin, dataset.version.examples) == ("chat_import", 15)
    texts = json.dumps([item.example.messages[0].content for item in datasets.examples(dataset.version.id).items])
    assert "@example.com" not in texts


def test_a_click_in_a_window_that_lags_behind_passes_over_no_step(open_screen, read) -> None:
    app = open_screen("import_conversations")
    app.button(key="use_sample_chats").click().run()
    draft = drafts.list_open("chat_import")[0]
    other = open_screen("import_conversations", draft=draft.id)
    app.button(key="onward").click().run()
    other.button(key="onward").click().run()
    assert "What to take" in read(other)
    assert drafts.get(draft.id).step == "filters"


def test_an_edited_example_is_shown_as_it_will_be_imported(open_screen, read) -> None:
    app = at_step(open_screen, read, "Look at the examples")
    app.button(key="edit_0").click().run()  # the dialog; the journey in the browser writes into it
    assert any("[EMAIL]" in (item.value or "") for item in app.text_area)
    draft = drafts.list_open(chat_import.KIND)[0]
    key = chat_import.review(chat_import.choices(draft.state)).items[0].key
    edited = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "Write to me@example.com"}]
    drafts.update(draft.id, None, {"decisions": {key: {"do": "edit", "messages": edited}}})
    said = read(open_screen("import_conversations", draft=draft.id))
    assert "Write to me@example.com" in said
    assert "1 looked at · 1 edited · 0 dropped" in said


def test_searching_and_dropping_what_is_found(open_screen, read) -> None:
    app = at_step(open_screen, read, "Look at the examples")
    next(item for item in app.text_input if item.label == "Search").set_value("gift card").run()
    assert "1 example" in read(app)
    app.button(key="drop_found").click().run()
    assert "1 dropped" in read(app)


def test_a_file_that_is_no_chat_says_what_is_wanted(open_screen, read) -> None:
    app = open_screen("import_conversations")
    app.file_uploader[0].upload("notes.txt", b"just one line of text").run()
    said = read(app)
    assert "not a chat export" in said
    assert "ChatGPT export" in said


def test_hostile_text_is_shown_neutralised(open_screen, read) -> None:
    app = open_screen("import_conversations")
    rows = [
        ["c1", "Ann Lee", "<script>alert(1)</script> [link](http://x) \u202eevil\u202c שלום"],
        ["c1", "agent", "**No**"],
    ]
    table = "chat,who,text\n" + "\n".join(",".join(row) for row in rows)
    app.file_uploader[0].upload("chat.csv", table.encode()).run()
    shown = [item.value for item in app.text]
    assert any("<script>" in text and "⟨U+202E⟩evil" in text and "שלום" in text for text in shown)
    assert not any("<script>" in item.value for item in app.markdown)


def test_an_import_begun_earlier_is_offered_again(open_screen, read) -> None:
    at_step(open_screen, read, "What to take")
    app = open_screen("import_conversations")
    draft = drafts.list_open(chat_import.KIND)[0]
    app.button(key=f"continue_{draft.id}").click().run()
    assert "What to take" in read(app)


def test_an_address_of_something_gone_says_so(open_screen, read) -> None:
    assert "Not found" in read(open_screen("import_conversations", draft="draft_gone"))
