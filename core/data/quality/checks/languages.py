"""Examples in another language than most. Short texts and doubtful ones are left out."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from core.data.quality.checks.base import Case, Progress, Quiet, Settings
from core.data.quality.records import Hit

# Those that py3langid tells apart reliably and that people train on; rarer ones are mistaken for these too often.
_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian",
    "sv": "Swedish", "ta": "Tamil", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip
_LETTERS = re.compile(r"[^\W\d_]")
_WIDE = re.compile("[\u2e80-\uffdc]")  # Chinese, Japanese, Korean: a letter is half a word
_CODE = re.compile(r"```|[{};=<>\\|]{2}|</|\bdef |\bfunction\b|=>|https?://")


class Languages(Quiet):
    """The language of each example, where it is certain; a sample of large sets."""

    LOOKED_AT = 10_000  # examples at most, evenly spread; the classifier needs about half a millisecond for each
    _READ = 400  # characters of an example
    _LEAST = 40  # letters (8 where a letter is a word)
    _CERTAIN = 0.98
    _MAIN = 0.6  # of the examples whose language is certain

    def __init__(self, settings: Settings) -> None:
        self._kept: list[tuple[int, str]] = []
        self._step = 1
        self._seen = 0
        self._codes: list[str] = []
        self._positions = array("q")

    def feed(self, case: Case) -> Iterator[Hit]:
        if case.position % self._step == 0:
            self._kept.append((case.position, case.text[: self._READ]))
            if len(self._kept) > self.LOOKED_AT:
                self._step *= 2
                self._kept = [item for item in self._kept if item[0] % self._step == 0]
        self._seen += 1
        yield from ()

    def finish(self, progress: Progress) -> Iterator[Hit]:
        found: list[tuple[int, str]] = []
        for number, (position, text) in enumerate(self._kept):
            if number % 200 == 0:
                progress(number / len(self._kept))
            if language := _language(text, self._LEAST, self._CERTAIN):
                found.append((position, language))
        counts = Counter(language for _, language in found)
        if not counts:
            return
        main, most = counts.most_common(1)[0]
        if most < self._MAIN * len(found) or len(counts) < 2:
            return
        share = most / len(found)
        for position, language in found:
            if language != main:
                told = f"{_NAMES[language]}; {share:.0%} of the examples are {_NAMES[main]}."
                yield Hit("language_mix", position, told)

    def notes(self) -> Sequence[str]:
        if self._step == 1:
            return ()
        return (f"Languages: {len(self._kept):,} of {self._seen:,} examples were looked at, evenly spread.",)


def _language(text: str, least: int, certain: float) -> str | None:
    """The language of a text; None where it is too short, code, or in doubt."""
    if _CODE.search(text):
        return None
    letters = len(_LETTERS.findall(text))
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    if letters + 4 * wide < least or letters < 0.5 * len(text.replace(" ", "")):
        return None
    language, chance = _classifier().classify(text)
    return language if chance >= certain and language in _NAMES else None


@lru_cache(maxsize=1)
def _classifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    classifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    classifier.set_languages(list(_NAMES))
    return classifier
