"""The wizard says why it suggests columns, warns about personal data, and rewords what follows the columns."""

from __future__ import annotations

import io
import json
from typing import Any

from core.services.data import sources
from core.services.platform import drafts
from tests.support.screens import part

MAILS = "mail,kind,wood\n" + "".join(
    f"the delivery number {n} of chairs came late,{['late', 'broken'][n % 2]},{['Oak', 'Beech', 'Pine'][n % 3]}\n"
    for n in range(24)
)
PEOPLE = "who,city\n" + "".join(f"{name},Denver {n}\n" for n, name in enumerate(["Maria Lopez", "John Smith"] * 6))
PRICES = "Produkt;Preis\n" + "".join(f"Stuhl {n} rot;{n}9,50\n" for n in range(1, 10)) + "Summe;535,50\n"
NESTED = "".join(
    json.dumps({"nr": n, "inhalt": {"frage": f"Wo liegt Band {n}?", "antwort": f"In Regal {n}."}}) + "\n"
    for n in range(1, 13)
)


def begin(open_screen: Any, content: str, name: str, step: str) -> tuple[Any, str]:
    source = sources.ingest(io.BytesIO(content.encode()), name)
    draft = drafts.create("convert", {"source_id": source.id, "mode": "guided"}, step)
    return open_screen("convert", draft=draft.id), draft.id


def test_the_suggestion_has_its_reason_and_system_message(open_screen, read) -> None:
    app, _ = begin(open_screen, MAILS, "mails.csv", "analyze")
    assert "`kind` has 2 different values in 24 rows" in part(app, "suggestion").replace("&nbsp;", " ")
    assert "Classify the message as one of: late, broken." in read(app)


def test_the_system_message_follows_the_label_until_it_is_edited(open_screen) -> None:
    app, draft_id = begin(open_screen, MAILS, "mails.csv", "configure")

    def system() -> str:
        return next(item for item in app.text_area if item.label == "System message").value

    def target() -> Any:
        return next(item for item in app.selectbox if item.label.startswith("Target"))

    assert system() == "Classify the message as one of: late, broken."
    target().set_value("wood").run()
    assert system() == "Classify the message as one of: Oak, Beech, Pine."
    next(item for item in app.text_area if item.label == "System message").set_value("Which wood is it?").run()
    target().set_value("kind").run()
    assert system() == "Which wood is it?"
    assert drafts.get(draft_id).state["options"]["system"] == "Which wood is it?"


def test_names_of_people_as_the_input_are_a_warning(open_screen, read) -> None:
    for step in ("analyze", "configure"):
        app, _ = begin(open_screen, PEOPLE, "people.csv", step)
        if step == "configure":
            next(item for item in app.selectbox if item.label.startswith("Key")).set_value("who").run()
            assert "names of people in 12 of 12 cells" in read(app)
        else:
            assert "personal data" in part(app, "columns")


def test_a_total_row_is_left_out_by_a_switch(open_screen, read) -> None:
    app, draft_id = begin(open_screen, PRICES, "prices.csv", "configure")
    switch = next(item for item in app.toggle if item.label == "Leave out 1 total row")
    assert switch.value
    assert "Line 11 looks like a total row" in read(app)
    assert drafts.get(draft_id).state["leave_out"] == [11]
    switch.set_value(False).run()
    assert drafts.get(draft_id).state["leave_out"] == []


def test_nested_fields_are_read_as_columns_with_one_click(open_screen, read) -> None:
    app, draft_id = begin(open_screen, NESTED, "faq.jsonl", "analyze")
    assert "inhalt.frage" in part(app, "suggestion")
    app.button(key="flatten").click().run()
    assert "antwort" in part(app, "columns")
    source_id = drafts.get(draft_id).state["source_id"]
    assert [column.name for column in sources.analyze(source_id).columns] == ["nr", "inhalt.frage", "inhalt.antwort"]
    assert sources.analyze(source_id).suggestion == sources.analyze(source_id).best
