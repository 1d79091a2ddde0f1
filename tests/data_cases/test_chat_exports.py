"""Exports of help desks and messengers: recognized, in order, and every message kept or left out with a reason."""

from __future__ import annotations

import json
import time
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.data.chat_logs import Bundle, Conversation, Left, Person, recognize
from core.data.chat_logs.base import NOTES, REASONS


class Found:
    """A log as read: its format, texts by conversation, what was left out, and the people."""

    def __init__(self, path: Path, **options: Any) -> None:
        bundle = Bundle(path, path.name)
        log = recognize(bundle)
        self.format = log.id
        items = list(log.read(bundle, log.hints(bundle).options.model_copy(update=options)))
        self.talks = [item for item in items if isinstance(item, Conversation)]
        self.left = [item for item in items if isinstance(item, Left)]
        self.people = {item.id: item for item in items if isinstance(item, Person)}
        assert all(item.reason in REASONS for item in self.left)
        assert all(note in NOTES for talk in self.talks for turn in talk.turns for note in turn.notes)

    @property
    def texts(self) -> list[list[str]]:
        return [[turn.text for turn in talk.turns] for talk in self.talks]

    @property
    def reasons(self) -> Counter[str]:
        return Counter(item.reason for item in self.left)

    def lines(self) -> list[int]:
        return sorted([turn.line for talk in self.talks for turn in talk.turns] + [item.line for item in self.left])


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


# ---- WhatsApp

IOS = (
    "[31.12.24, 23:58:01] Shop: \u200eNachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.\r\n"
    "[31.12.24, 23:58:01] Ann Lee: Wo ist mein Paket?\r\nEs ist blau.\r\n\r\nAnn\r\n"
    "\u200e[31.12.24, 23:59:59] Shop: \u200eBild weggelassen\r\n"
    "[01.01.25, 00:00:10] Shop: Es kommt um 10: bitte warten \u200e<Diese Nachricht wurde bearbeitet.>\r\n"
    "[01.01.25, 00:01:10] ~\u202fAnn Lee: Du hast diese Nachricht gelöscht.\r\n"
    "\u200e[01.01.25, 00:02:10] Ann Lee: \u200e<Anhang: 00000012-PHOTO.jpg>\r\n"
)
ANDROID = (
    "12/31/24, 11:58\u202fPM - Messages and calls are end-to-end encrypted. No one outside can read them.\n"
    '12/31/24, 11:58\u202fPM - Ann created group "Shop: orders"\n'
    "12/31/24, 11:58\u202fPM - Ann: Where is my parcel?\nIt is blue.\n"
    "12/31/24, 11:59\u202fPM - +49 171 1234567: It comes at 10: please wait\n"
    "1/1/25, 12:00\u202fAM - Ann: <Media omitted>\n"
    "1/1/25, 12:01\u202fAM - Ann: IMG-20250101-WA0001.jpg (file attached)\nThis one\n"
    "1/1/25, 12:02\u202fAM - Bob: This message was deleted\n"
    "1/1/25, 12:03\u202fAM - Bob: null\n"
)


def test_whatsapp_of_ios(tmp_path: Path) -> None:
    found = Found(written(tmp_path, "_chat.txt", IOS))
    assert found.format == "whatsapp"
    assert found.texts == [["Wo ist mein Paket?\nEs ist blau.\n\nAnn", "Es kommt um 10: bitte warten"]]
    assert found.reasons == {"event": 1, "not_text": 2, "deleted": 1}
    assert found.lines() == [1, 2, 6, 7, 8, 9]
    assert found.talks[0].began == datetime(2024, 12, 31, 23, 58, 1, tzinfo=UTC).timestamp()
    assert list(found.people) == ["Ann Lee", "Shop"]


def test_whatsapp_of_android(tmp_path: Path) -> None:
    found = Found(written(tmp_path, "WhatsApp Chat with Ann.txt", ANDROID))
    assert found.texts == [["Where is my parcel?\nIt is blue.", "It comes at 10: please wait", "This one"]]
    assert found.talks[0].turns[2].notes == ("picture",)
    assert found.talks[0].turns[1].at == datetime(2024, 12, 31, 23, 59, tzinfo=UTC).timestamp()
    assert found.reasons == {"event": 2, "not_text": 2, "deleted": 1}
    assert found.lines() == [1, 2, 3, 5, 6, 7, 9, 10]
    assert found.talks[0].title == "WhatsApp Chat with Ann"


@pytest.mark.parametrize(
    "head",
    [
        "05/01/2025, 14:05 - Ann: ", "5/1/25, 2:05 pm - Ann: ", "05.01.25, 14:05 - Ann: ", "05/01/2025 14:05 - Ann: ",
        "05/01/2025 à 14:05 - Ann: ", "5/1/25, 2:05 p. m. - Ann: ", "2025-01-05, 14:05 - Ann: ",
        "[05/01/2025, 14:05:00] Ann: ", "[2025-01-05, 14:05:00] Ann: ", "[5/1/25, 2:05:00\u202fp.\u00a0m.] Ann: ",
        "[5.1.2025 klo 14.05.00] Ann: ", "2025년 1월 5일 오후 2:05 - Ann: ", "[2025/1/5 下午2:05:00] Ann: ",
        "05-01-2025 14:05 - Ann: ", "\ufeff05.01.2025, 14:05 – Ann: ",
    ],
)  # fmt: skip
def test_whatsapp_in_many_locales(tmp_path: Path, head: str) -> None:
    later = head.replace("\ufeff", "").replace("Ann", "Bob")
    days = "\n".join(f"{head if n % 2 else later}Text {n}" for n in range(4))
    found = Found(written(tmp_path, "chat.txt", f"{head}Hello: you\n{days}"))
    assert found.format == "whatsapp"
    assert found.texts == [["Hello: you", "Text 0", "Text 1", "Text 2", "Text 3"]]
    assert found.talks[0].began == datetime(2025, 1, 5, 14, 5, tzinfo=UTC).timestamp()


def test_the_order_of_day_and_month_is_the_one_in_which_whatsapp_ascends(tmp_path: Path) -> None:
    lines = [f"{month}/{day}/25, 14:05 - Ann: {month}" for month, day in ((1, 9), (2, 3), (3, 1))]
    found = Found(written(tmp_path, "chat.txt", "\n".join(lines)))
    assert [talk.began for talk in found.talks] == [
        datetime(2025, month, day, 14, 5, tzinfo=UTC).timestamp() for month, day in ((1, 9), (2, 3), (3, 1))
    ]


def test_a_zip_of_whatsapp_chats(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat - Ann Lee.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_chat.txt", IOS)
        archive.writestr("00000012-PHOTO.jpg", b"\xff\xd8")
        archive.writestr("notes.txt", "Not a chat")
    found = Found(path)
    assert (found.format, len(found.talks)) == ("whatsapp", 1)
    assert (found.talks[0].title, found.talks[0].place) == ("WhatsApp Chat - Ann Lee", "_chat.txt")


def test_plain_text_is_not_a_whatsapp_chat(tmp_path: Path) -> None:
    for content in ("Ann: Hello\nBob: Hi\n", "12/31/24 was a good day - really: yes\nand more\n", "a,b\n1,2\n"):
        path = written(tmp_path, "plain.txt", content)
        assert not any(log.recognizes(Bundle(path, path.name)) for log in [_whatsapp()])


def _whatsapp() -> Any:
    from core.data.chat_logs import LOG_FORMATS

    return LOG_FORMATS.get("whatsapp")


# ---- Telegram

CHAT = {
    "name": "Ann",
    "type": "personal_chat",
    "id": 7,
    "messages": [
        {"id": 1, "type": "service", "date": "2025-01-05T14:00:00", "date_unixtime": "1736085600", "actor": "Ann",
         "actor_id": "user1", "action": "phone_call", "text": "", "text_entities": []},
        {"id": 2, "type": "message", "date": "2025-01-05T14:01:00", "date_unixtime": "1736085660", "from": "Ann",
         "from_id": "user1", "text_entities": [],
         "text": ["See ", {"type": "text_link", "text": "this", "href": "https://a.org"}, " and ",
                  {"type": "link", "text": "https://b.org"}, "?"]},
        {"id": 3, "type": "message", "date": "2025-01-05T14:02:00", "date_unixtime": "1736085720", "from": "Shop",
         "from_id": "user2", "text": "Yes.", "photo": "photos/1.jpg", "text_entities": []},
        {"id": 4, "type": "message", "date": "2025-01-05T14:03:00", "date_unixtime": "1736085780", "from": "Ann",
         "from_id": "user1", "file": "stickers/1.webp", "media_type": "sticker", "text": "", "text_entities": []},
        {"id": 5, "type": "message", "date": "2025-01-06T14:03:00", "date_unixtime": "1736172180", "from": None,
         "from_id": "user3", "text": "A day later", "text_entities": []},
    ],
}  # fmt: skip


def test_a_telegram_chat(tmp_path: Path) -> None:
    found = Found(written(tmp_path, "result.json", json.dumps(CHAT, indent=1)))
    assert found.format == "telegram"
    assert found.texts == [["See this (https://a.org) and https://b.org?", "Yes."], ["A day later"]]
    assert found.talks[0].turns[1].notes == ("picture",)
    assert found.reasons == {"event": 1, "not_text": 1}
    assert found.lines()[0] == 6
    assert found.people["user3"].gone
    assert found.talks[0].began == 1_736_085_660


def test_an_account_of_telegram(tmp_path: Path) -> None:
    other = {**CHAT, "name": "Ann", "id": 8}
    account = {
        "about": "Here is the data you requested.", "personal_information": {"user_id": 1},
        "chats": {"about": "All chats", "list": [CHAT, other]},
        "left_chats": {"about": "", "list": [{**CHAT, "name": "Old", "id": 9}]},
    }  # fmt: skip
    found = Found(written(tmp_path, "result.json", account))
    assert [talk.id for talk in found.talks] == [
        "Ann (7)#1", "Ann (7)#2", "Ann (8)#1", "Ann (8)#2", "Old (9)#1", "Old (9)#2"
    ]  # fmt: skip
    assert found.reasons == {"event": 3, "not_text": 3}


# ---- Discord


def discord(author: str, content: str, kind: str = "Default", minute: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": str(minute), "type": kind, "timestamp": f"2025-01-05T14:{minute:02}:00.123+00:00", "content": content,
        "author": {"id": author, "name": author.lower(), "nickname": author, "isBot": more.pop("bot", False)},
        "attachments": more.pop("attachments", []), "embeds": more.pop("embeds", []), **more,
    }  # fmt: skip


def test_a_discord_channel(tmp_path: Path) -> None:
    channel = {
        "guild": {"id": "1", "name": "Shop"}, "channel": {"id": "2", "type": "GuildTextChat", "name": "help"},
        "messages": [
            discord("Ann", "Where is it?"), discord("Bob", "Here.", "Reply", 1, reference={"messageId": "0"}),
            discord("Bob", "Joined the server.", "GuildMemberJoin", 2), discord("Bot", "Beep", minute=3, bot=True),
            discord("Ann", "", minute=4, attachments=[{"fileName": "a.PNG"}]), discord("Ann", "", minute=5),
        ],
        "messageCount": 6,
    }  # fmt: skip
    path = written(tmp_path, "Shop - help [2].json", channel)
    found = Found(path)
    assert (found.format, found.texts) == ("discord", [["Where is it?", "Here."]])
    assert found.reasons == {"event": 1, "bot": 1, "not_text": 1, "empty": 1}
    assert found.talks[0].title == "#help"
    assert found.people["Ann"].name == "Ann"
    assert Found(path, bots=True).texts == [["Where is it?", "Here.", "Beep"]]


def test_a_discord_table(tmp_path: Path) -> None:
    rows = (
        "AuthorID,Author,Date,Content,Attachments,Reactions\n"
        '"1","ann","2025-01-05T14:00:00.0000000+00:00","Where is it?","",""\n'
        '"2","bob#0000","2025-01-05T14:01:00.0000000+00:00","Line one\nline two","https://c.d/a.png?x=1",""\n'
        '"2","bob#0000","2025-01-05T14:02:00.0000000+00:00","","https://c.d/a.pdf",""\n'
    )
    found = Found(written(tmp_path, "help.csv", rows))
    assert (found.format, found.texts) == ("discord", [["Where is it?", "Line one\nline two"]])
    assert found.talks[0].turns[1].notes == ("picture",)
    assert found.people["2"].name == "bob"
    assert found.lines() == [2, 3, 5]


# ---- Open WebUI


def webui(parent: str | None, role: str, content: Any, at: int, **more: Any) -> dict[str, Any]:
    return {"parentId": parent, "childrenIds": [], "role": role, "content": content, "timestamp": at, **more}


def test_open_webui(tmp_path: Path) -> None:
    thinking = '<details type="reasoning" done="true" duration="3">\n<summary>Thought</summary>\n> Hm\n</details>\n'
    messages = {
        "a": webui(None, "user", "Hello", 1_736_085_600, files=[{"type": "image"}]),
        "b": webui("a", "assistant", "First try", 1_736_085_601),
        "c": webui("a", "assistant", f"{thinking}Hi", 1_736_085_602),
        "d": webui("c", "user", "More", 1_736_085_603),
        "e": webui("d", "assistant", thinking, 1_736_085_604),
    }
    chat = {"title": "Greetings", "models": ["m"], "history": {"messages": messages, "currentId": "e"}, "messages": []}
    export = [{"id": "x1", "title": "Greetings", "chat": chat, "created_at": 1_736_085_600}]
    for content in (export, export[0]):
        found = Found(written(tmp_path, "chat-export-1736085600000.json", content))
        assert (found.format, found.texts) == ("open_webui", [["Hello", "Hi", "More"]])
        assert [turn.notes for turn in found.talks[0].turns] == [("picture",), ("steps",), ()]
        assert found.reasons == {"other_branch": 1, "reasoning": 1}
    old = {"id": "x2", "chat": {"title": "", "messages": [{"role": "user", "content": "A"}]}}
    assert Found(written(tmp_path, "old.json", [old])).texts == [["A"]]


# ---- help desks


def ticket(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "subject": "Parcel",
        "requester": {"id": 1, "name": "Ann Lee"},
        "assignee": {"id": 9, "name": "Eve"},
        "comments": [
            {
                "id": 3,
                "author_id": 9,
                "body": "It is in the van.",
                "public": True,
                "created_at": "2025-01-05T14:05:00Z",
            },
            {"id": 2, "author_id": 9, "body": "Call the driver", "public": False, "created_at": "2025-01-05T14:04:00Z"},
            {
                "id": 1,
                "author_id": 1,
                "html_body": "<p>Where is it&nbsp;now?</p><p>Ann</p>",
                "public": True,
                "created_at": "2025-01-05T14:00:00Z",
                "attachments": [{}],
            },
        ],
    }


@pytest.mark.parametrize("form", ["lines", "array", "object", "one"])
def test_zendesk_tickets(tmp_path: Path, form: str) -> None:
    tickets = [ticket(5)] if form == "one" else [ticket(5), ticket(6)]
    content: Any = {
        "lines": "\n".join(map(json.dumps, tickets)),
        "array": tickets,
        "object": {"tickets": tickets, "count": 2},
        "one": {"ticket": {**ticket(5), "comments": None}, **{"comments": ticket(5)["comments"]}},
    }[form]
    path = written(tmp_path, "tickets.json", content)
    found = Found(path)
    assert found.format == "zendesk"
    assert found.texts == [["Where is it now?\n\nAnn", "It is in the van."]] * len(tickets)
    assert found.reasons == {"note": len(tickets)}
    assert [(turn.speaker, turn.notes) for turn in found.talks[0].turns] == [("1", ("file",)), ("9", ())]
    assert {key: (item.name, item.role, item.named) for key, item in found.people.items()} == {
        "1": ("Ann Lee", "user", True),
        "9": ("Eve", "assistant", True),
    }
    assert Found(path, notes=True).texts[0] == ["Where is it now?\n\nAnn", "Call the driver", "It is in the van."]


def test_zendesk_chat(tmp_path: Path) -> None:
    chat = {
        "id": "c1",
        "type": "chat",
        "visitor": {"id": "v", "name": "Ann"},
        "history": [
            {"type": "chat.memberjoin", "name": "Ann", "timestamp": "2025-01-05T14:00:00Z"},
            {
                "type": "chat.msg",
                "name": "Ann",
                "msg": "Hello?",
                "sender_type": "Visitor",
                "timestamp": "2025-01-05T14:00:01Z",
            },
            {
                "type": "chat.msg",
                "name": "Eve",
                "msg": "Hi!",
                "sender_type": "Agent",
                "timestamp": "2025-01-05T14:00:02Z",
            },
        ],
    }
    found = Found(written(tmp_path, "chats.json", {"chats": [chat]}))
    assert (found.format, found.texts, found.reasons) == ("zendesk", [["Hello?", "Hi!"]], {"event": 1})


def test_freshdesk_tickets(tmp_path: Path) -> None:
    api = {
        "id": 4,
        "subject": "Parcel",
        "requester_id": 1,
        "responder_id": 9,
        "description_text": "Where is it?",
        "created_at": "2025-01-05T14:00:00Z",
        "requester": {"id": 1, "name": "Ann Lee"},
        "conversations": [
            {
                "user_id": 9,
                "body_text": "In the van.",
                "incoming": False,
                "private": False,
                "created_at": "2025-01-05T14:05:00Z",
            },
            {
                "user_id": 9,
                "body_text": "Call him",
                "incoming": False,
                "private": True,
                "created_at": "2025-01-05T14:06:00Z",
            },
            {
                "user_id": 1,
                "body": "<div>Thanks</div>",
                "incoming": True,
                "private": False,
                "created_at": "2025-01-05T14:07:00Z",
            },
        ],
    }
    old = {
        "helpdesk_ticket": {
            **{key: value for key, value in api.items() if key != "conversations"},
            "display_id": 4,
            "notes": [{"helpdesk_note": note} for note in api["conversations"]],
        }
    }
    for content in ([api], [old], api):
        found = Found(written(tmp_path, "Tickets0.json", content))
        assert (found.format, found.texts) == ("freshdesk", [["Where is it?", "In the van.", "Thanks"]])
        assert found.reasons == {"note": 1}
        assert [turn.speaker for turn in found.talks[0].turns] == ["1", "9", "1"]


def test_intercom_conversations(tmp_path: Path) -> None:
    talk = {
        "type": "conversation",
        "id": "77",
        "created_at": 1_736_085_600,
        "title": None,
        "source": {
            "type": "conversation",
            "body": "<p>Where is it?</p>",
            "author": {"type": "lead", "id": "1", "name": "Ann"},
        },
        "conversation_parts": {
            "type": "conversation_part.list",
            "total_count": 5,
            "conversation_parts": [
                {
                    "part_type": "assignment",
                    "body": None,
                    "created_at": 1_736_085_601,
                    "author": {"type": "bot", "id": "b"},
                },
                {
                    "part_type": "comment",
                    "body": "<p>A bot.</p>",
                    "created_at": 1_736_085_602,
                    "author": {"type": "bot", "id": "b"},
                },
                {
                    "part_type": "comment",
                    "body": "In<br>the van.",
                    "created_at": 1_736_085_603,
                    "author": {"type": "admin", "id": "9", "name": "Eve"},
                },
                {
                    "part_type": "note",
                    "body": "Hm",
                    "created_at": 1_736_085_604,
                    "author": {"type": "admin", "id": "9"},
                },
                {
                    "part_type": "close",
                    "body": None,
                    "created_at": 1_736_085_605,
                    "author": {"type": "admin", "id": "9"},
                },
            ],
        },
    }
    for content in (talk, [talk], {"type": "conversation.list", "conversations": [talk]}):
        path = written(tmp_path, "intercom.json", content)
        found = Found(path)
        assert (found.format, found.texts) == ("intercom", [["Where is it?", "In\nthe van."]])
        assert found.reasons == {"event": 2, "bot": 1, "note": 1}
    assert [person.role for person in found.people.values()] == ["user", "assistant"]


def test_front_conversations(tmp_path: Path) -> None:
    def message(inbound: bool, text: str, at: float, author: Any = None) -> dict[str, Any]:
        sender = {"handle": "ann@example.com", "role": "from"}
        return {
            "id": text,
            "type": "email",
            "is_inbound": inbound,
            "text": text,
            "created_at": at,
            "author": author,
            "recipients": [sender] if inbound else [],
        }

    eve = {"id": "tea_1", "first_name": "Eve", "last_name": "Ray"}
    messages = [message(False, "In the van.", 1_736_085_700.5, eve), message(True, "Where is it?", 1_736_085_600.5)]
    talk = {
        "id": "cnv_1",
        "subject": "Parcel",
        "messages": messages,
        "comments": [{"id": "com_1", "body": "Hm", "author": eve, "posted_at": 1_736_085_650}],
    }
    for content in ([talk], {"_results": [talk]}, {**talk, "messages": {"_results": messages}}):
        found = Found(written(tmp_path, "front.json", content))
        assert (found.format, found.texts) == ("front", [["Where is it?", "In the van."]])
        assert found.reasons == {"note": 1}
    assert found.people["tea_1"].name == "Eve Ray"


def test_a_table_of_comments_as_help_desks_export_it(tmp_path: Path) -> None:
    rows = (
        "Ticket ID,Ticket Created At,Comment Author,Comment Created At,Comment Body,Public\n"
        "5,2025-01-01,customer,2025-01-05 14:00,Where is it?,true\n"
        "5,2025-01-01,agent,2025-01-05 14:05,Call the driver,false\n"
        "5,2025-01-01,agent,2025-01-05 14:06,In the van.,true\n"
    )
    path = written(tmp_path, "comments.csv", rows)
    found = Found(path)
    assert (found.format, found.texts, found.reasons) == ("table", [["Where is it?", "In the van."]], {"note": 1})
    assert found.talks[0].began == datetime(2025, 1, 5, 14, tzinfo=UTC).timestamp()
    assert len(Found(path, notes=True).texts[0]) == 3


def test_columns_without_usual_names_are_known_by_their_content(tmp_path: Path) -> None:
    rows = ["c1,c2,c3,c4"]
    for n in range(8):
        rows += [
            f"K{n},kim,07.01.2025 14:0{n},Wo ist mein Paket Nummer {n}?",
            f"K{n},lu,07.01.2025 14:1{n},Es kommt bald {n}.",
        ]
    found = Found(written(tmp_path, "odd.csv", "\n".join(rows)))
    assert len(found.talks) == 8
    assert found.texts[0] == ["Wo ist mein Paket Nummer 0?", "Es kommt bald 0."]
    assert [turn.speaker for turn in found.talks[0].turns] == ["kim", "lu"]


def test_lists_of_messages_under_other_names(tmp_path: Path) -> None:
    ticket = {
        "id": 1,
        "thread": [
            {"author": {"name": "Ann", "type": "customer"}, "body": "Where?", "sent_at": "2025-01-05T10:00:00Z"},
            {"author": {"name": "Eve", "type": "agent"}, "body": "Here", "sent_at": "2025-01-05T10:01:00Z"},
        ],
    }
    call = {"conversation_id": "c1", "transcript": [{"speaker": "customer", "utterance": "Help"}]}
    found = Found(written(tmp_path, "tickets.jsonl", f"{json.dumps(ticket)}\n{json.dumps(call)}"))
    assert (found.format, found.texts) == ("sharegpt", [["Where?", "Here"], ["Help"]])
    assert [person.role for person in found.people.values()] == ["user", "assistant"]


def test_hostile_texts_take_no_time(tmp_path: Path) -> None:
    begun = time.perf_counter()
    for piece in ("<details type=x>", "</details><details type=x>", "<think>", "\n", " "):
        long = f"Answer {piece * 100_000}x"
        messages = {"a": webui(None, "user", "Hello", 1), "b": webui("a", "assistant", long, 2)}
        chat = {"id": "x", "chat": {"history": {"messages": messages, "currentId": "b"}}}
        assert len(Found(written(tmp_path, "chat.json", [chat])).texts[0]) == 2
        line = long.replace("\n", "\u2028")
        found = Found(written(tmp_path, "chat.txt", f"[05.01.25, 14:05:00] Ann: {line}\n"))
        assert found.format == "whatsapp"
    assert time.perf_counter() - begun < 30
