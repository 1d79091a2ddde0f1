"""The language of a text, where it is certain."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

# Languages that py3langid distinguishes reliably and that people train on; rarer ones are confused with these.
LANGUAGES = {
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


def language_of(text: str, least: int = 40, certain: float = 0.98) -> str | None:
    """The language of a text as a key of LANGUAGES; None where it is too short, code, or in doubt.

    Args:
        least: letters that the text needs; of a script in which a letter is a word, a fifth of them.
        certain: how sure the classifier must be, from 0 to 1.
    """
    if _CODE.search(text):
        return None
    letters = len(_LETTERS.findall(text))
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    if letters + 4 * wide < least or letters < 0.5 * len(text.replace(" ", "")):
        return None
    language, chance = _classifier().classify(text)
    return language if chance >= certain and language in LANGUAGES else None


@lru_cache(maxsize=1)
def _classifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    classifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    classifier.set_languages(list(LANGUAGES))
    return classifier
