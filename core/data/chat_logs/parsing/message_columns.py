"""Which columns of a table of messages are conversation, speaker, time and text: by their names, then their content."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import filterfalse
from typing import Final

from core.data.chat_logs.parsing.times import parse
from core.data.conversion.cells import cell_text
from core.messages import Row


def _plain(column: str) -> str:
    """Lower case and without accents, which exports often leave out: `conversacion`."""
    letters = unicodedata.normalize("NFKD", column.strip().lower())
    return re.sub(r"[^\w]+", "_", "".join(filterfalse(unicodedata.combining, letters))).strip("_")


# Usual column names in tables of messages, best first.
_NAMES: Final = {
    part: tuple(map(_plain, names.split()))
    for part, names in {
        "conversation": "conversation_id conversationid conversation conv_id conv thread_id thread_ts thread ticket_id "
        "ticketid ticket ticket_nr ticketnummer vorgang vorgangsnummer gespräch unterhaltung chat_id chat session_id "
        "session case_id case_number case dialog_id dialog caso conversación dossier channel room fall",
        "speaker": "speaker author author_name author_type sender sender_name sender_type from from_name role user "
        "user_name username who direction name agent absender autor verfasser von rolle auteur expéditeur remitente "
        "emisor de mittente",
        "time": "timestamp time at sent_at created_at posted_at date datetime created sent ts zeit zeitpunkt "
        "zeitstempel uhrzeit datum gesendet gesendet_am erstellt erstellt_am heure date_heure envoyé fecha fecha_hora "
        "hora enviado data",
        "text": "text message content body body_text plain_body msg utterance value comment reply nachricht inhalt "
        "kommentar mensaje texto texte contenu mensagem messaggio",
    }.items()
}
# Columns that mark notes among colleagues, and whether "yes" marks them.
_INTERNAL: Final = {
    **dict.fromkeys(("private", "is_private", "internal", "is_internal", "internal_note", "is_note", "intern"), True),
    **dict.fromkeys(("public", "is_public", "comment_public", _plain("öffentlich")), False),
}
_YES = frozenset({"true", "1", "yes", "y", "t", "ja", "wahr", "oui", "sí", "si"})
_NO = frozenset({"false", "0", "no", "n", "f", "nein", "falsch", "non"})
_ENOUGH = 6  # rows from which columns without a usual name are recognized by their content


def guessed_columns(rows: Sequence[Row]) -> dict[str, str]:
    """Part -> its column, "" where none fits; a column has one part."""
    columns = tuple(dict.fromkeys(name for row in rows[:50] for name in row.fields))
    found: dict[str, str] = {}
    for part, names in _NAMES.items():
        free = [column for column in columns if column not in found.values()]
        found[part] = _by_name(free, names)
    if len(rows) >= _ENOUGH:
        texts = {column: [cell_text(row.fields.get(column)).strip() for row in rows] for column in columns}
        for part in ("time", "text", "speaker", "conversation"):
            free = [column for column in columns if column not in found.values()]
            found[part] = found[part] or _by_content(part, {column: texts[column] for column in free})
    return found


def is_conversation(rows: Sequence[Row], columns: Mapping[str, str]) -> bool:
    """Whether the rows are messages of conversations: columns are called so, and several speakers take turns in most.

    Args:
        columns: see guessed_columns.
    """
    named = all(columns[part] and _by_name([columns[part]], _NAMES[part]) for part in ("conversation", "speaker"))
    if len(rows) < _ENOUGH or not named or not columns["text"]:
        return False
    speakers: dict[str, set[str]] = {}
    for row in rows:
        key, speaker = (cell_text(row.fields.get(columns[part])).strip() for part in ("conversation", "speaker"))
        if key and speaker:
            speakers.setdefault(key, set()).add(speaker)
    everyone = {speaker for several in speakers.values() for speaker in several}
    talks = sum(len(several) > 1 for several in speakers.values())
    return 2 * talks > len(speakers) > 0 and 2 * len(everyone) <= len(rows)


def internal_column(columns: Sequence[str]) -> Callable[[Mapping[str, object]], bool] | None:
    """A test of a row for being a note among colleagues; None if no column marks them."""
    for column in columns:
        marks = _INTERNAL.get(_plain(column))
        if marks is not None:
            words = _YES if marks else _NO
            return lambda fields, name=column, words=words: cell_text(fields.get(name)).strip().lower() in words  # type: ignore[misc]
    return None


def _by_name(columns: Sequence[str], names: Sequence[str]) -> str:
    plain = {_plain(column): column for column in reversed(columns)}
    exact = next((plain[name] for name in names if name in plain), "")
    if exact:
        return exact
    # `comment_created_at` of an export that joins tickets and their comments; the message's before the ticket's
    endings = [(name, column) for name in names for column in plain if column.endswith(f"_{name}")]
    endings.sort(key=lambda item: not re.search("comment|message|reply|note|part", item[1]))
    return plain[endings[0][1]] if endings else ""


def _by_content(part: str, columns: Mapping[str, Sequence[str]]) -> str:
    def fits(texts: Sequence[str]) -> float:
        filled = [text for text in texts if text]
        if not filled:
            return 0.0
        distinct, length = len(set(filled)) / len(filled), sum(map(len, filled)) / len(filled)
        if part == "time":
            times = sum(parse(text) is not None and (not text.isdigit() or len(text) >= 9) for text in filled)
            return float(times >= 0.8 * len(filled))
        if part == "text":
            return length if distinct > 0.5 and length >= 10 and sum(" " in text for text in filled) > 1 else 0.0
        repeated = len(filled) == len(texts) and distinct <= 0.7
        if part == "speaker":
            return 1 - distinct if repeated and len(set(filled)) > 1 and not all(map(str.isdigit, filled)) else 0.0
        return float(repeated and len(set(filled)) > 1)

    best = max(columns, key=lambda column: fits(columns[column]), default="")
    return best if best and fits(columns[best]) else ""
