"""Examples in a different language from most. Short and ambiguous texts are left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from core.data.examples.sets import ExampleSet
from core.data.issues.check import BaseCheck, Case, CheckSettings, Hit, Progress
from core.data.issues.issue import DROP, EDIT, ISSUES, Issue, ScoreShare

# Languages that py3langid distinguishes reliably and that people train on; rarer ones are confused with these.
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


class Languages(BaseCheck):
    """The language of each example, where it is certain; a sample of large sets."""

    LOOKED_AT = 10_000  # examples at most, evenly spread; the classifier needs about half a millisecond for each
    _READ = 400  # characters of an example
    _LEAST = 40  # letters (8 where a letter is a word)
    _CERTAIN = 0.98
    _MAIN = 0.6  # of the examples whose language is certain

    def __init__(self, settings: CheckSettings) -> None:
        super().__init__(settings)
        self._kept: list[tuple[int, str]] = []
        self._step = 1
        self._seen = 0

    def feed(self, case: Case) -> Iterator[Hit]:
        if case.position % self._step == 0:
            self._kept.append((case.position, case.text[: self._READ]))
            if len(self._kept) > self.LOOKED_AT:
                self._step *= 2
                self._kept = [item for item in self._kept if item[0] % self._step == 0]
        self._seen += 1
        yield from ()

    def finish(self, seen: ExampleSet, progress: Progress) -> Iterator[Hit]:
        detected: list[tuple[int, str]] = []
        for number, (position, text) in enumerate(self._kept):
            if number % 200 == 0:
                progress(number / len(self._kept))
            if language := _language(text, self._LEAST, self._CERTAIN):
                detected.append((position, language))
        counts = Counter(language for _, language in detected)
        if not counts:
            return
        main, most = counts.most_common(1)[0]
        if most < self._MAIN * len(detected) or len(counts) < 2:
            return
        share = most / len(detected)
        for position, language in detected:
            if language != main:
                detail = f"{_NAMES[language]}; {share:.0%} of the examples are {_NAMES[main]}."
                yield Hit("language_mix", position, detail)

    def notes(self) -> Sequence[str]:
        if self._step == 1:
            return ()
        return (f"Languages: {len(self._kept):,} of {self._seen:,} examples were examined, evenly spread.",)


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


# fmt: off
ISSUES.add(Issue("language_mix", "Different language from most", "info",
    "{examples} {are} in a different language from most.",
    "Fine if both languages are intended. Otherwise drop these examples, or translate them.", (DROP, EDIT),
    ScoreShare("text", 0.25), check=Languages, subject="Text of the examples", scope="set"))
