"""Languages by their codes (ISO 639-1) and English names."""

from __future__ import annotations

from typing import Final

_LISTED: Final = """
ar Arabic, bg Bulgarian, bn Bengali, ca Catalan, cs Czech, da Danish, de German, el Greek, en English,
es Spanish, et Estonian, fa Persian, fi Finnish, fr French, ga Irish, gu Gujarati, he Hebrew, hi Hindi,
hr Croatian, hu Hungarian, id Indonesian, is Icelandic, it Italian, ja Japanese, ko Korean, lt Lithuanian,
lv Latvian, ms Malay, nl Dutch, no Norwegian, pl Polish, pt Portuguese, ro Romanian, ru Russian, sk Slovak,
sl Slovenian, sr Serbian, sv Swedish, sw Swahili, ta Tamil, te Telugu, th Thai, tr Turkish, uk Ukrainian,
ur Urdu, vi Vietnamese, zh Chinese
"""
_LANGUAGES: Final = dict(pair.split() for pair in _LISTED.split(","))
_BY_NAME: Final = {name.lower(): name for name in _LANGUAGES.values()}


def language(name: str) -> str | None:
    """The English name of a language by its code (`en`, `pt_BR`) or its name; None if it is neither."""
    code, _, _ = name.lower().replace("-", "_").partition("_")
    return _BY_NAME.get(name.lower()) or _LANGUAGES.get(code)
