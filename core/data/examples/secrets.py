"""Keys, tokens, passwords and private keys inside a text. Each finder yields (start, end) of what must not be shown.

Providers give their keys fixed prefixes so that they can be found: those are looked for first. A key without a prefix
is found by the name that it is assigned to (`api_key = "..."`), and only where its value does not look like an
ordinary word or a placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Spans = Iterator[tuple[int, int]]

_BEFORE = r"(?<![A-Za-z0-9_\-])"
_AFTER = r"(?![A-Za-z0-9_\-])"
# Source: the providers' own documentation and their registrations for secret scanning.
_PREFIXED = re.compile(
    _BEFORE
    + "(?:"
    + "|".join(
        (
            r"(?:AKIA|ASIA)[A-Z0-9]{16}",  # AWS access key
            r"gh[pousr]_[A-Za-z0-9]{36,255}",  # GitHub
            r"github_pat_[A-Za-z0-9_]{60,255}",
            r"glpat-[A-Za-z0-9_\-]{20,64}",  # GitLab
            r"xox[abeoprs]-[A-Za-z0-9\-]{10,250}",  # Slack
            r"xapp-[0-9]-[A-Za-z0-9\-]{20,250}",
            r"sk-ant-[A-Za-z0-9_\-]{20,250}",  # Anthropic
            r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_\-]{20,250}",  # OpenAI and compatible
            r"AIza[A-Za-z0-9_\-]{35}",  # Google
            r"GOCSPX-[A-Za-z0-9_\-]{28}",
            r"ya29\.[A-Za-z0-9_\-]{20,400}",
            r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,250}",  # Stripe
            r"whsec_[A-Za-z0-9+/=]{24,100}",
            r"hf_[A-Za-z0-9]{30,64}",  # Hugging Face
            r"npm_[A-Za-z0-9]{36}",
            r"pypi-[A-Za-z0-9_\-]{50,250}",
            r"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}",  # SendGrid
            r"key-[0-9a-f]{32}",  # Mailgun
            r"SK[0-9a-f]{32}",  # Twilio
            r"dop_v1_[0-9a-f]{64}",  # DigitalOcean
            r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",  # Shopify
            r"(?:r8|gsk|nvapi|fw|xai|pplx|tvly|lin_api|figd|dapi)[_-][A-Za-z0-9_\-]{24,200}",
            r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
            r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}",  # Telegram bot
            r"eyJ[A-Za-z0-9_\-]{10,2000}\.eyJ[A-Za-z0-9_\-]{10,4000}\.[A-Za-z0-9_\-]{10,1000}",  # JSON web token
        )
    )
    + ")"
    + _AFTER
)
# Every key contains one of these; a text without them is not searched.
_HINTS = (
    "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-", "sk-", "AIza",
    "GOCSPX-", "ya29.", "_live_", "_test_", "whsec_", "hf_", "npm_", "pypi-", "SG.", "key-", "SK", "dop_v1_", "shp",
    "r8_", "gsk_", "nvapi-", "fw_", "xai-", "pplx-", "tvly-", "lin_api_", "figd_", "dapi", "AGE-SECRET", ":AA", "eyJ",
)  # fmt: skip
_BEARER = re.compile(
    r"(?<![A-Za-z])(?:Authorization:[ \t]{0,3})?(?:Bearer|Basic)[ \t]{1,3}([A-Za-z0-9_\-.=+/~]{16,4000}+)"
)


def find_keys(text: str) -> Spans:
    """Keys with a provider's prefix, JSON web tokens, and bearer tokens."""
    if any(hint in text for hint in _HINTS):
        for match in _PREFIXED.finditer(text):
            if _varied(match.group()):
                yield match.span()
    if "Bearer" in text or "Basic" in text:
        for match in _BEARER.finditer(text):
            if len(set(match.group(1))) >= 8 and _mixed(match.group(1)):
                yield match.span(1)


_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")


def find_private_keys(text: str) -> Spans:
    """PEM and PGP private key blocks, to the end line; one that is cut off ends with its last line of base64."""
    at = 0 if "-----BEGIN" in text else len(text)
    while begin := _PEM_BEGIN.search(text, at):
        end = _PEM_END.search(text, begin.end(), begin.end() + 20_000)
        stop = end.end() if end else _BODY.match(text, begin.end()).end()  # type: ignore[union-attr]
        yield begin.start(), stop
        at = stop


_BODY = re.compile(r"[A-Za-z0-9+/=\s]{0,20000}+")  # also matches the empty text
_URL = re.compile(
    r"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{1,20}+://([^\s/@:?#\"'<>]{0,100}+:[^\s/@?#\"'<>]{1,200}+)@"
)


def find_url_credentials(text: str) -> Spans:
    """`user:password` in `scheme://user:password@host`."""
    if "://" not in text:
        return
    for match in _URL.finditer(text):
        if not _placeholder(match.group(1).partition(":")[2]):
            yield match.span(1)


_NAMES = (
    r"pass(?:word|wd|phrase|code)|pwd|secret(?:[_\- ]?key)?|api[_\- ]?key|apikey|access[_\- ]?key(?:[_\- ]?id)?"
    r"|auth[_\- ]?token|access[_\- ]?token|refresh[_\- ]?token|client[_\- ]?secret|private[_\- ]?key|account[_\- ]?key"
)
_ASSIGNED = re.compile(
    rf"(?i:{_NAMES})(?![A-Za-z0-9])[\"'`*]{{0,3}}[ \t]{{0,3}}(?:=>|:=|[:=]|\bis\b)[ \t]{{0,3}}[\"'`]?"
    r"([^\s\"'`<>,;]{6,200}+)"
)


def find_passwords(text: str) -> Spans:
    """The value after a name such as `password:` or `api_key =`, where it does not look like a word."""
    folded = text.lower()
    if not any(hint in folded for hint in ("pass", "pwd", "secret", "key", "token")):
        return
    for match in _ASSIGNED.finditer(text):
        start, end = match.span(1)
        while end > start and text[end - 1] in ".)]}!?:":
            if text[end - 1] == "!" and end - start <= 12:
                break  # some passwords end with one
            end -= 1
        value = text[start:end]
        if end - start >= 6 and not _placeholder(value) and _mixed(value):
            yield start, end


_PLACEHOLDER = re.compile(
    r"[\[({<$%]|\*{3}|[xX]{4}|\.{3}|(?i:your|example|placeholder|changeme|redacted|os\.|env|process\.|config|none|null)"
)


def _placeholder(value: str) -> bool:
    """A placeholder for a secret: `<password>`, `YOUR_KEY`, `$TOKEN`, `****`."""
    return _PLACEHOLDER.match(value) is not None or len(set(value)) < 4


def _mixed(value: str) -> bool:
    """Two kinds of characters besides letters, or digits among letters: not an ordinary word."""
    letters = any(character.isalpha() for character in value)
    digits = any(character.isdigit() for character in value)
    return letters and digits


def _varied(key: str) -> bool:
    """Not a placeholder such as `sk-xxxxxxxxxxxxxxxxxxxxxxxx` or an ordinary name such as `key-takeaways`."""
    tail = key[4:]
    return len(set(tail)) >= 8 and any(c.isdigit() for c in tail) and not _PLACEHOLDER_INSIDE.search(tail)


_PLACEHOLDER_INSIDE = re.compile(r"[xX]{6}|\*{3}|(?i:your|example_|placeholder)")
