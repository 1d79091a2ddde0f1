"""Plain American English: words and turns that must not appear in a string, a docstring or a comment.

The list holds what was found in this code once. A word with a legitimate other use is banned only in the phrase that
is wrong.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each with what to write instead.
BANNED = {
    r"learnt": "learned",
    r"by heart": "memorize",
    r"mends?|mended|mending": "fix, repair",
    r"foretells?|foretold": "predicts, forecasts",
    r"anew": "again",
    r"begun": "started; drafts",
    r"(?<!there )(?:is|are) no (?!longer|more)[a-z]": "is not a, are not",
    r"(?:is|are|was|were) gone(?! at)": "was deleted; no longer exists",
    r"cannot be\.|can be\.|may be\.": "say what the limit is",
    r"rests? on": "is based on",
    r"to spare": "redundant, extra",
    r"hangs? together": "is connected, belongs to a group",
    r"of (?:its|their|his|your) own": "separate; or leave it out",
    r"stands? (?:in|on|at|there|here|beside|before|after|under|\d)": "is, appears",
    r"(?:says?|said|told|refused|ends?|shown) in words": "as a message; or leave it out",
    r"(?:nobody|somebody)(?! dares to)": "no user, another user; or the passive",
    r"licences?|colou?red? of|colours?|behaviours?|honours?|neighbours?": "American spelling",
    r"\w*(?:recogn|neutral|memor|normal|general|summar|initial|optim|organ|token|serial)is(?:e|es|ed|ing|ation)\b": (
        "American spelling (-ize)"
    ),
    r"meanwhile": "in the meantime; or leave it out",
    r"is to be|are to be": "must be",
    r"comes? of": "results from",
    r"give (?:it|them) back": "return",
    r"choke on": "reject, fail on",
    r"speaks? louder": "scales up",
    r"put right": "fix",
    r"to and fro": "back and forth; alternates",
    r"files are here": "is downloaded",
    r"(?-i:Empty): (?:all|any|no|the)": "Leave empty for ...",
    r"counts? for the loss": "count toward the loss",
}
PATTERN = {name: re.compile(rf"\b(?:{name})", re.IGNORECASE) for name in BANNED}
EVERY = re.compile(rf"\b(?:{'|'.join(BANNED)})", re.IGNORECASE)  # one pass finds most texts clean
FILES = sorted(
    [ROOT / "Home.py", *(file for room in ("core", "pages", "worker", "api") for file in (ROOT / room).rglob("*.py"))]
)
# Ids that are stored and therefore cannot change.
# Ids and keys that are stored, and therefore cannot change.
EXCEPTIONS = {
    "core/data/issues/text.py": {name for name in BANNED if "neutral" in name},
    "core/services/training/jobs/first_batch.py": {"learnt"},
    "worker/training/first_batch.py": {"learnt"},
}


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string and comment of a file."""
    for token in tokenize.generate_tokens(io.StringIO(file.read_text(encoding="utf-8")).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1)):
            yield token.start[0], token.string


def hits(text: str, allowed: Collection[str] = ()) -> list[str]:
    """The banned turns in a text, each with what to write instead."""
    return [
        f"{found.group()!r} -> {BANNED[name]}"
        for name, pattern in PATTERN.items()
        if name not in allowed
        for found in pattern.finditer(text)
    ]


def test_no_banned_words_in_the_code() -> None:
    found = []
    for file in FILES:
        place = str(file.relative_to(ROOT))
        allowed = EXCEPTIONS.get(place, set())
        for line, text in texts(file):
            if EVERY.search(text):
                found += [f"{place}:{line}: {hit}" for hit in hits(text, allowed)]
    assert found == []


def test_no_banned_words_in_the_documents() -> None:
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    documents += [file for ending in ("md", "toml") for file in (ROOT / "pages").rglob(f"*.{ending}")]
    found = [f"{file.relative_to(ROOT)}: {hit}" for file in documents for hit in hits(file.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("text", ["What was learnt.", "This is no number.", "The file is gone.", "Of its own."])
def test_the_list_finds_what_it_should(text: str) -> None:
    assert hits(text)


@pytest.mark.parametrize("text", ["It is no longer there.", "They learned it.", "A colon.", "The recommended choice."])
def test_the_list_leaves_plain_sentences_alone(text: str) -> None:
    assert hits(text) == []
