"""A chat log of the largest size from the upload to its first page of the review, as a new process for each format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench._commands import Run, script
from bench._data_files import pairs_of_texts

TURNS = 2
LIMIT_MB = 300  # above the same process with a log of a few messages
_FEW = 60_000  # bytes of the small log
_BEGIN = datetime(2025, 1, 6, 9, tzinfo=UTC)

_REVIEW = """import sys
from pathlib import Path
from core.platform.supervisor import ensure
from core.services.data import chat_import
from core.services.data.chat_import import review_list
path = Path(sys.argv[1])
with ensure(set()), path.open("rb") as stream:
    draft = chat_import.begin(chat_import.ingest(stream, path.name))
    chosen = chat_import.choices(draft.state)
    recipe = review_list.suggested(chosen.source_id, chat_import.summary(chosen.source_id, chosen.options))
    chosen = chat_import.choices({**draft.state, "recipe": recipe})
    assert chat_import.plan(chosen).examples > 9
    assert chat_import.review(chosen, 0, 10).items"""


def _talks(size: int) -> Iterator[list[tuple[int, str, datetime, str]]]:
    """Conversations of two questions with their answers: number, speaker, time, text; about `size` bytes of text."""
    written, number, pairs = 0, 0, pairs_of_texts()
    while written < size:
        at = _BEGIN + timedelta(hours=3 * number)
        texts = [text for _ in range(2) for text in next(pairs)]
        yield [
            (number, "agent" if index % 2 else "customer", at + timedelta(seconds=50 * index), text)
            for index, text in enumerate(texts)
        ]
        written += sum(len(text.encode()) + 40 for text in texts)
        number += 1


def write_table(path: Path, size: int) -> None:
    """A help desk's table, newest first, with times to the minute."""
    import csv

    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("ticket", "author", "sent", "message"))
        for talk in _talks(size):
            writer.writerows((f"T{-number}", who, f"{at:%Y-%m-%d %H:%M}", text) for number, who, at, text in talk[::-1])


def write_whatsapp(path: Path, size: int) -> None:
    """The text of one chat as Android writes it."""
    with path.open("w", encoding="utf-8") as stream:
        for talk in _talks(size):
            stream.writelines(f"{at:%d.%m.%y, %H:%M} - {who}: {text}\n" for _, who, at, text in talk)


def write_telegram(path: Path, size: int) -> None:
    """One chat as Telegram Desktop writes it."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write('{"name": "Shop", "type": "personal_chat", "id": 1, "messages": [')
        for talk in _talks(size // 2):  # half of the file is names of fields
            for index, (number, who, at, text) in enumerate(talk):
                row = {
                    "id": 4 * number + index, "type": "message", "date": f"{at:%Y-%m-%dT%H:%M:%S}",
                    "date_unixtime": f"{at.timestamp():.0f}", "from": who, "from_id": f"user-{who}", "text": text,
                }  # fmt: skip
                comma = "," if number or index else ""
                stream.write(f"{comma}\n{json.dumps(row, ensure_ascii=False, indent=1)}")
        stream.write("]}\n")


def write_zendesk(path: Path, size: int) -> None:
    """Tickets with their comments, one per line."""
    with path.open("w", encoding="utf-8") as stream:
        for talk in _talks(size * 2 // 3):
            comments = [
                {
                    "author_id": 1 if who == "agent" else number + 2,
                    "body": text,
                    "public": True,
                    "created_at": at.isoformat(),
                }
                for number, who, at, text in talk
            ]
            requester = {"id": talk[0][0] + 2, "name": f"Customer {talk[0][0]}"}
            row = {"id": talk[0][0], "subject": "Help", "requester": requester, "comments": comments}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_sharegpt(path: Path, size: int) -> None:
    """Chats as lists of turns, one per line."""
    with path.open("w", encoding="utf-8") as stream:
        for talk in _talks(size):
            turns = [{"from": "gpt" if who == "agent" else "human", "value": text} for _, who, _, text in talk]
            stream.write(json.dumps({"id": talk[0][0], "conversations": turns}, ensure_ascii=False) + "\n")


WRITERS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "table": ("log.csv", write_table),
    "whatsapp": ("chat.txt", write_whatsapp),
    "telegram": ("result.json", write_telegram),
    "zendesk": ("tickets.jsonl", write_zendesk),
    "sharegpt": ("chats.jsonl", write_sharegpt),
}


def measure(folder: Path, megabytes: float) -> dict[str, Any]:
    """For each format: seconds, the memory above that of a small log, and whether it is within the limit."""
    results: dict[str, Any] = {}
    for kind, (name, write) in WRITERS.items():
        large, small = folder / "large" / name, folder / "small" / name
        for path, size in ((large, int(megabytes * 970_000)), (small, _FEW)):
            path.parent.mkdir(exist_ok=True)
            write(path, size)
        least = review(folder, small)
        runs = [review(folder, large) for _ in range(TURNS)]
        extra = max(run.peak_mb for run in runs) - least.peak_mb
        results |= {
            f"{kind}_megabytes": round(large.stat().st_size / 1e6, 1),
            f"{kind}_s": min(run.seconds for run in runs),
            f"{kind}_extra_mb": extra,
            f"{kind}_kept": extra <= LIMIT_MB,
        }
        large.unlink()
    return results


def review(folder: Path, path: Path) -> Run:
    """Upload a log and open the first page of the review, in a new process with its own data directory."""
    data = folder / f"data-{sum(1 for _ in folder.iterdir())}"
    data.mkdir()
    return script(data, _REVIEW, str(path))
