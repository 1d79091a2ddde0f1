"""The direction of a log: no answer is ever paired with a question that came after it."""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.data.chat_logs import Bundle, Conversation, Direction, Left, recognize
from core.data.chat_logs.shaping import ChatRecipe, shape
from core.data.conversion.analysis import analyze
from core.messages import Row
from core.services.data import sources

BEGIN = datetime(2025, 1, 6, 9, tzinfo=UTC)
RECIPE = ChatRecipe(roles={"customer": "user", "agent": "assistant"}, layout="exchanges")
German = ("Jan.", "Feb.", "März", "April", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.")
French = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
          "décembre")  # fmt: skip
Spanish = ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
           "noviembre", "diciembre")  # fmt: skip
Said = tuple[str, str, datetime, str]
WRITTEN: dict[str, Callable[[datetime], str]] = {
    "minutes": lambda at: f"{at:%Y-%m-%d %H:%M}",
    "hours": lambda at: f"{at:%Y-%m-%d %H}:00",
    "dates": lambda at: f"{at:%Y-%m-%d}",
    "none": lambda at: "",
    "words": lambda at: f"{at:%b %d, %Y %I:%M %p}",
    "slashes": lambda at: f"{at:%m/%d/%Y %I:%M %p}",
    "weekday": lambda at: f"{at:%A, %d %B %Y, %H:%M}",
    "rfc": lambda at: f"{at:%a, %d %b %Y %H:%M:00} +0100",
    "zone": lambda at: f"{at:%Y-%m-%d %H:%M} CET",
    "german": lambda at: f"{at.day}. {German[at.month - 1]} {at.year}, {at:%H:%M} Uhr",
    "french": lambda at: f"lundi {at.day} {French[at.month - 1]} {at.year} à {at:%H:%M}",
    "spanish": lambda at: f"{at.day} de {Spanish[at.month - 1]} de {at.year}, {at:%I:%M} {at:%p}".lower().replace(
        "am", "a. m.").replace("pm", "p. m."),
}  # fmt: skip


def talks(count: int = 12, seconds: tuple[int, ...] = (0, 20, 190, 200)) -> list[list[Said]]:
    """Help desk conversations, oldest first: two questions with their answers, some within a minute."""
    found = []
    for n in range(count):
        began = BEGIN + timedelta(hours=3 * n)
        texts = (
            f"Where is parcel {n}?",
            f"Parcel {n} is in the van.",
            f"When will {n} come?",
            f"Parcel {n} comes soon.",
        )
        found.append(
            [
                (f"T{n}", "agent" if i % 2 else "customer", began + timedelta(seconds=after), texts[i])
                for i, after in enumerate(seconds)
            ]
        )
    return found


def table(rows: Iterable[Said], written: str) -> str:
    write = WRITTEN[written]
    return "ticket,author,sent,message\n" + "".join(
        f'{ticket},{author},"{write(at)}",{text}\n' for ticket, author, at, text in rows
    )


def read(
    folder: Path, content: str, name: str = "log.csv", **options: Any
) -> tuple[list[Conversation], Direction, list[Left]]:
    path = folder / name
    path.write_text(content)
    bundle = Bundle(path, name)
    log = recognize(bundle)
    items = list(log.read(bundle, log.hints(bundle).options.model_copy(update=options)))
    found = next(item for item in items if isinstance(item, Direction))
    return (
        [item for item in items if isinstance(item, Conversation)], found,
        [item for item in items if isinstance(item, Left)],
    )  # fmt: skip


def wrong_pairs(conversations: Iterable[Conversation], expected: Iterable[list[Said]]) -> list[tuple[str, str]]:
    """The pairs of question and answer that the log does not have."""
    right = {(rows[i][3], rows[i + 1][3]) for rows in expected for i in range(0, len(rows) - 1, 2)}
    made = [
        (example.messages[0].content, example.messages[1].content)
        for talk in conversations
        for example in shape(talk, RECIPE).made
    ]
    assert made
    return [pair for pair in made if pair not in right]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("way", ["oldest", "newest"])
def test_every_notation_of_time_in_both_directions(tmp_path: Path, written: str, way: str) -> None:
    expected = talks()
    rows = [row for talk in expected for row in talk]
    found, direction, left = read(tmp_path, table(rows if way == "oldest" else rows[::-1], written))
    assert wrong_pairs(found, expected) == []
    assert sum(len(talk.turns) for talk in found) == 48
    assert (direction.found, left) == (way, [])
    assert direction.evidence


@pytest.mark.parametrize("written", WRITTEN)
def test_directions_that_differ_by_conversation(tmp_path: Path, written: str) -> None:
    expected = talks()
    rows = [row for n, talk in enumerate(expected) for row in (talk if n % 2 else talk[::-1])]
    found, direction, left = read(tmp_path, table(rows, written))
    assert wrong_pairs(found, expected) == []
    assert direction.found == "mixed"
    assert sum(len(talk.turns) for talk in found) + len(left) == 48


def test_newest_first_where_each_minute_is_in_its_first_order(tmp_path: Path) -> None:
    """What a spreadsheet makes of a log that is sorted by minutes, newest first."""
    expected = talks(seconds=(0, 20, 190, 200))
    rows = [row for talk in expected for row in talk]
    rows.sort(key=lambda row: row[2].replace(second=0), reverse=True)
    found, _, _ = read(tmp_path, table(rows, "minutes"))
    assert wrong_pairs(found, expected) == []


def test_rows_in_no_order_are_sorted_by_time(tmp_path: Path) -> None:
    expected = talks(seconds=(0, 60, 180, 240))
    rows = [row for talk in expected for row in talk]
    random.Random(5).shuffle(rows)
    found, _, _ = read(tmp_path, table(rows, "minutes"))
    assert wrong_pairs(found, expected) == []
    assert sum(len(talk.turns) for talk in found) == 48


def test_names_instead_of_roles(tmp_path: Path) -> None:
    """Staff is known by being in many conversations, customers by being in few."""
    lines = ["ticket,author,sent,message"]
    for n in range(12):
        lines.append(f"T{n},{'Bob' if n % 2 else 'Eve'},2025-01-07,It was sent on Monday {n}.")
        lines.append(f"T{n},Customer {n},2025-01-07,I miss parcel {n}.")
    found, direction, _ = read(tmp_path, "\n".join(lines))
    assert direction.found == "newest"
    assert all(talk.turns[0].speaker.startswith("Customer") for talk in found)


def test_conversations_of_one_message_have_no_direction(tmp_path: Path) -> None:
    expected = talks(12, (0,))
    found, direction, left = read(tmp_path, table([row for talk in expected for row in talk], "none"))
    assert (len(found), direction.found, left) == (12, "unknown", [])
    assert direction.is_clear


def test_a_log_without_conversations_is_split_at_pauses_in_both_directions(tmp_path: Path) -> None:
    expected = talks()
    rows = [row for talk in expected for row in talk]
    for ordered in (rows, rows[::-1]):
        content = table(ordered, "minutes").replace("ticket,", "anything,")
        found, _, _ = read(tmp_path, content, conversation="")
        assert len(found) == 12
        assert wrong_pairs(found, expected) == []


def test_what_cannot_be_known_is_left_out_until_the_order_is_chosen(tmp_path: Path) -> None:
    """Both directions in one table, and two conversations of strangers without times or questions."""
    known = [row for n, talk in enumerate(talks()) for row in (talk if n % 2 else talk[::-1])]
    stranger = [(f"S{n}", f"{who} {n}", BEGIN, f"{who} says {n}") for n in range(2) for who in ("Ann", "Bob")]
    content = table([*known, *stranger], "none")
    found, direction, left = read(tmp_path, content)
    assert direction.undecided == 2
    assert sorted((item.reason, item.conversation, item.line) for item in left) == [
        ("order_unknown", "S0", 50), ("order_unknown", "S0", 51),
        ("order_unknown", "S1", 52), ("order_unknown", "S1", 53),
    ]  # fmt: skip
    found, direction, left = read(tmp_path, content, direction="newest")
    assert (len(found), left, direction.found) == (14, [], "newest")
    by_id = {talk.id: [turn.text for turn in talk.turns] for talk in found}
    assert by_id["S0"] == ["Bob says 0", "Ann says 0"]


def test_one_agent_who_begins_does_not_turn_a_log(tmp_path: Path) -> None:
    expected = talks()
    outreach = [
        ("T99", "agent", BEGIN, "Your parcel comes tomorrow."),
        ("T99", "customer", BEGIN, "Can it come today?"),
    ]
    rows = [row for talk in expected for row in talk] + outreach
    found, direction, _ = read(tmp_path, table(rows, "none"))
    assert direction.found == "oldest"
    assert [turn.speaker for turn in found[-1].turns] == ["agent", "customer"]


@pytest.mark.parametrize("name", ["log_newest_first_minutes.csv", "log_newest_first_words.csv"])
def test_the_shared_logs(tmp_path: Path, real_data: Path, name: str) -> None:
    found, direction, left = read(tmp_path, (real_data / "cases" / name).read_text())
    assert (direction.found, left) == ("newest", [])
    for talk in found:
        number = talk.id.removeprefix("T")
        assert [turn.text for turn in talk.turns] == [
            f"Where is parcel {number}?", f"Parcel {number} is in the van.",
            f"When will {number} come?", f"Parcel {number} comes at noon.",
        ]  # fmt: skip


def test_chats_as_lists_that_run_newest_first(tmp_path: Path) -> None:
    chat = [{"role": "assistant", "content": "Here.", "timestamp": "2025-01-07T10:00:30Z"},
            {"role": "user", "content": "Where?", "timestamp": "2025-01-07T10:00:00Z"}]  # fmt: skip
    path = tmp_path / "chats.jsonl"
    path.write_text(json.dumps({"messages": chat}))
    bundle = Bundle(path, path.name)
    log = recognize(bundle)
    (found,) = [item for item in log.read(bundle, log.hints(bundle).options) if isinstance(item, Conversation)]
    assert [(turn.text, turn.notes) for turn in found.turns] == [("Where?", ("order",)), ("Here.", ())]


def test_inbound_and_outbound_messages(tmp_path: Path) -> None:
    rows = [
        f'c{n},{way},"{text} {n}?"' for n in range(6) for way, text in (("outbound", "Is it"), ("inbound", "Where is"))
    ]
    found, direction, _ = read(tmp_path, "Conversation ID,Direction,Body\n" + "\n".join(rows))
    assert direction.found == "newest"
    assert [turn.speaker for turn in found[0].turns] == ["inbound", "outbound"]


SPOKEN = {
    "english": ("ticket", "author", "sent", "message", "{} hours ago"),
    "german": ("Ticket", "Absender", "Zeit", "Nachricht", "vor {} Stunden"),
    "french": ("dossier", "auteur", "heure", "message", "il y a {} heures"),
    "spanish": ("conversacion", "autor", "fecha", "mensaje", "hace {} horas"),
    "portuguese": ("ticket", "autor", "data", "mensagem", "há {} horas"),
    "italian": ("ticket", "mittente", "data", "messaggio", "{} ore fa"),
}


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("relative", [True, False])
def test_a_table_of_messages_is_called_a_chat_log_where_files_are_checked(tmp_path, language, relative):
    *columns, ago = SPOKEN[language]
    lines = [";".join(columns)]
    for number in range(8):
        for place, (who, text) in enumerate([("Ann", f"Where is parcel {number}?"), ("Ben", f"Number {number} left.")]):
            sent = ago.format(2 + place) if relative else f"Jan {number + 1:02}, 2025 12:0{place} AM"
            lines.append(f"{number};{who};{sent};{text}")
    path = tmp_path / "it's a log.csv"
    path.write_text("\n".join(lines))
    report = sources.inspect(path)
    assert [item.code for item in report.findings] == ["chat_log"]
    assert report.findings[0].remedy.endswith(f"{shlex.join(['sft', 'chats', str(path), '--name', path.stem])}")
    assert (report.read, report.accepted, report.exit_code) == (16, 0, 1)
    suggested = sources.analyze_file(path)
    assert columns[2] not in str(suggested.suggestion)


@pytest.mark.parametrize(
    "texts",
    [
        ["2 hours ago", "an hour ago", "yesterday"],
        ["vor 3 Tagen", "vor einer Minute", "gestern"],
        ["hace 2 minutos", "hace una hora", "ayer"],
        ["3. März 2024", "4. Mai 2024", "12. Juli 2024"],
        ["Jan 07, 2025 12:04 AM", "Feb 08, 2025 01:04 PM", "Mar 09, 2025 11:59 AM"],
        ["7 de enero de 2025", "8 de enero de 2025", "9 de mayo de 2025"],
    ],
)
def test_times_in_words_are_neither_an_input_nor_a_label(texts):
    notes = ["The oak was felled in the night.", "Two boards were missing here.", "Nobody saw the thief at all."]
    rows = [Row(n, {"note": f"{notes[n % 3]} {n}", "when": texts[n % 3]}) for n in range(24)]
    column = analyze(rows).columns[1]
    assert not column.has_labels
    assert not column.has_texts


@pytest.mark.parametrize(
    "texts", [["May", "June", "April"], ["2 hours", "3 hours", "1 day"], ["Order 5", "Mars 12", "Sun"]]
)
def test_labels_that_resemble_times_remain_labels(texts):
    rows = [Row(n, {"note": f"A sentence about the number {n}.", "kind": texts[n % 3]}) for n in range(24)]
    assert analyze(rows).columns[1].has_labels
