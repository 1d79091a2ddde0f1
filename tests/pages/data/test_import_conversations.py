"""Importing conversations on screen: five steps, kept in the database, the same in every browser."""

from __future__ import annotations

import json

from core.services.data import chat_import, datasets
from core.services.platform import drafts, tasks
from core.services.serving import conversations, feedback
from core.services.serving.conversations import AnswerChoice
from pages.data._import_conversations.draft import WIZARD
from tests.support.screens import part, shows, title
from tests.support.talking import finished, talking
from worker.run import execute

TITLES = {step.id: step.title for step in WIZARD.steps}


def at_step(open_screen, read, step: str):
    """The wizard with the sample chats, opened at that step."""
    app = open_screen("import_conversations")
    assert "step 1 of 5" in read(app)
    app.button(key="use_sample_chats").click().run()
    for _ in range(4):
        if title(app) == TITLES[step]:
            return app
        app.button(key="onward").click().run()
    raise AssertionError(f"the step {step!r} was not reached")


def test_from_the_sample_chats_to_a_dataset(open_screen, read) -> None:
    app = at_step(open_screen, read, "roles")
    said = read(app)
    assert "Mira Holt" in said
    assert "55 messages read" not in said  # the header row is not a message
    assert "53 in conversations + 1 left out" in said
    draft = drafts.list_open(chat_import.KIND)[0]
    assert draft.state["recipe"]["by_order"] is True

    app.button(key="onward").click().run()
    assert title(app) == TITLES["filters"]
    assert "15" in [tile.value for tile in app.metric]
    assert chat_import.REASONS["unanswered"].title in part(app, "left_filters")
    assert drafts.get(draft.id).step == "filters"

    app.button(key="onward").click().run()
    said = read(app)
    assert "[EMAIL]" in said
    assert "mira.holt" not in said
    app.button(key="drop_1").click().run()
    app.button(key="keep_0").click().run()
    # Another browser, or a refresh, shows the same decisions.
    other = open_screen("import_conversations", draft=draft.id)
    assert "2 reviewed · 0 edited · 1 dropped" in part(other, "review_progress")
    assert [item["do"] for item in drafts.get(draft.id).state["decisions"].values()] == ["drop", "keep"]
    other.button(key="undo_1").click().run()
    assert "1 reviewed · 0 edited · 0 dropped" in part(other, "review_progress")

    other.button(key="onward").click().run()
    next(item for item in other.text_input if item.label == "Name").set_value("Shop chats").run()
    other.button(key="import_now").click().run()
    read(other)
    found = tasks.list_tasks(kind=chat_import.KIND)
    assert len(found) == 1
    ended = execute(found[0].id, owner="test")
    assert ended.state == "succeeded", ended.error
    other.run()
    read(other)
    assert "15 pairs" in part(other, "on_done_chat_import")
    assert shows(other, "left_done")
    dataset = datasets.get_dataset("Shop chats")
    assert (dataset.origin, dataset.version.examples) == ("chat_import", 15)
    texts = json.dumps([item.example.messages[0].content for item in datasets.examples(dataset.version.id).items])
    assert "@example.com" not in texts


def test_a_click_in_an_outdated_window_does_not_skip_a_step(open_screen, read) -> None:
    app = open_screen("import_conversations")
    app.button(key="use_sample_chats").click().run()
    draft = drafts.list_open("chat_import")[0]
    other = open_screen("import_conversations", draft=draft.id)
    app.button(key="onward").click().run()
    other.button(key="onward").click().run()
    assert title(other) == TITLES["filters"]
    assert drafts.get(draft.id).step == "filters"


def test_an_edited_example_is_shown_as_it_will_be_imported(open_screen, read) -> None:
    app = at_step(open_screen, read, "review")
    app.button(key="edit_0").click().run()  # the browser test writes into this dialog
    assert any("[EMAIL]" in (item.value or "") for item in app.text_area)
    draft = drafts.list_open(chat_import.KIND)[0]
    key = chat_import.review(chat_import.choices(draft.state)).items[0].key
    edited = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "Write to me@example.com"}]
    drafts.update(draft.id, None, {"decisions": {key: {"do": "edit", "messages": edited}}})
    said = read(open_screen("import_conversations", draft=draft.id))
    assert "Write to me@example.com" in said
    assert "1 reviewed · 1 edited · 0 dropped" in said


def test_the_last_step_lists_what_is_used(open_screen, read) -> None:
    app = at_step(open_screen, read, "filters")
    next(item for item in app.number_input if item.label.startswith("Shortest answer")).set_value(20).run()
    app.button(key="onward").click().run()
    app.button(key="onward").click().run()
    assert title(app) == TITLES["import"]
    plan = chat_import.plan(chat_import.choices(drafts.list_open(chat_import.KIND)[0].state))
    (recap,) = [item.proto.body for item in app.get("html") if "Personal data" in item.proto.body]
    assert "20 characters" in recap
    assert f"<dt>Labeled examples</dt><dd>{plan.imported}</dd>" in recap


def test_other_conversations_of_the_log_can_be_read(open_screen, read) -> None:
    app = at_step(open_screen, read, "roles")
    draft = drafts.list_open(chat_import.KIND)[0]
    before = part(app, "talk_0")
    app.session_state[f"talks_page_{draft.id}"] = 2
    app.run()
    read(app)
    assert part(app, "talk_0") != before


def test_all_matches_of_a_search_are_dropped(open_screen, read) -> None:
    app = at_step(open_screen, read, "review")
    next(item for item in app.text_input if item.label == "Search").set_value("gift card").run()
    assert "1 example" in read(app)
    app.button(key="drop_found").click().run()
    assert "1 dropped" in part(app, "review_progress")


def test_a_file_that_is_not_a_chat_log_shows_the_supported_exports(open_screen, read) -> None:
    app = open_screen("import_conversations")
    app.file_uploader[0].upload("notes.txt", b"just one line of text").run()
    said = read(app)
    assert "notes.txt" in said.replace("\\", "")
    assert all(log.title in said for log in chat_import.formats())
    assert not drafts.list_open(chat_import.KIND)


def test_hostile_text_is_shown_as_plain_text(open_screen, read) -> None:
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


def test_an_unfinished_import_is_offered_again(open_screen, read) -> None:
    at_step(open_screen, read, "filters")
    app = open_screen("import_conversations")
    draft = drafts.list_open(chat_import.KIND)[0]
    app.button(key=f"continue_{draft.id}").click().run()
    assert title(app) == TITLES["filters"]


def test_an_unknown_draft_leads_back_to_the_start(open_screen, read) -> None:
    app = open_screen("import_conversations", draft="draft_gone")
    assert "draft_gone" in read(app).replace("\\", "")
    app.button(key="way_out").click().run()
    assert title(app) == TITLES["upload"]


def test_the_studios_own_conversations_go_to_the_review_by_their_quality(open_screen, read, monkeypatch) -> None:
    with talking(monkeypatch, any_model=True):
        for text in ("How do refunds work?", "When do you ship?"):
            chat = conversations.new_conversation_id()
            conversations.send(chat, text, AnswerChoice("any"))
            feedback.rate(chat, finished(chat).last_id, thumb=1 if "refunds" in text else -1)
    app = open_screen("import_conversations", **{"from": "studio"})
    read(app)
    app.slider(key="own_quality").set_value(80).run()
    app.button(key="own_chats_now").click().run()
    shown = read(app)
    assert "How do refunds work?" in shown
    assert "When do you ship?" not in shown


def test_without_conversations_there_is_nothing_to_import(open_screen, read) -> None:
    app = open_screen("import_conversations", **{"from": "studio"})
    read(app)
    assert app.button(key="own_chats_now").disabled
