"""The failures of an endpoint, by a stable cause, in messages without secrets."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from core.errors import ProviderError

# A retry may help: the endpoint is unreachable, slow, busy, temporarily broken, or its answer is not usable.
RETRYABLE: Final = frozenset({"unreachable", "timeout", "rate_limited", "server", "broken", "not_json"})
# The next row would fail too: a user has to act first.
FATAL: Final = frozenset({"key", "model", "redirect", "quota", "address", "not_offered"})
MAX_SHOWN: Final = 300  # characters of an endpoint's message that are shown
_SECRETS = re.compile(r"\b(?:(?:sk|pk|gsk|xai|hf)[-_]|Bearer )[A-Za-z0-9*._-]{6,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")

FAILURE_REMEDIES: Final = {
    "unreachable": "Start the server, or correct the address of the connection.",
    "timeout": "Try again, choose a smaller model, or allow more time per answer.",
    "rate_limited": "Wait a moment, or send fewer rows at once.",
    "server": "Try again later; the server's log has the details.",
    "broken": "Try again; if it happens every time, the server uses another protocol.",
    "not_json": "Check the address of the connection; for OpenAI-compatible servers it usually ends in /v1.",
    "key": "Give the connection a key that is valid for this endpoint.",
    "quota": "Top up the account at the provider, or choose another connection.",
    "model": "Test the connection and choose one of the models that it lists.",
    "redirect": "Enter the address that it redirects to, if you trust it.",
    "address": "Correct the address of the connection.",
    "refused": "Read the endpoint's message; change the model or the settings.",
    "too_large": "Check the address of the connection; an answer is never that large.",
    "gone": "Look for it in the service's console; it may have been deleted there.",
    "not_offered": "Choose another service, or ask the service to enable fine-tuning for the account.",
    "stopped": "Resume to continue.",
}


class LlmError(ProviderError):
    """An endpoint failed to answer.

    Args:
        cause: stable word, a key of FAILURE_REMEDIES.
        retry_after_s: seconds that the endpoint requests to wait; None if it does not.
        status: the HTTP status, if there was one.
        detail: the endpoint's message, cleaned; used to detect what it refuses.
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        cause: str = "server",
        retry_after_s: float | None = None,
        status: int | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message, remedy or FAILURE_REMEDIES[cause])
        self.cause, self.retry_after_s, self.status, self.detail = cause, retry_after_s, status, detail
        self.attempts = 1  # calls in total

    @property
    def retryable(self) -> bool:
        return self.cause in RETRYABLE

    @property
    def fatal(self) -> bool:
        return self.cause in FATAL


def of_status(status: int, body: Any, headers: Mapping[str, str], key: str = "") -> LlmError:
    """The error for an HTTP status other than 2xx.

    Args:
        body: the parsed JSON, or the text; only a short, cleaned part of it is shown.
        key: the key that was sent; removed from the message if the endpoint repeats it.
    """
    message, code = words_of(body, key)
    tail = f": {message}" if message else "."
    common: dict[str, Any] = {
        "status": status,
        "detail": f"{code} {message}".strip(),
        "retry_after_s": retry_after(headers),
    }
    if 300 <= status < 400:
        target = clean(headers.get("location", "").split("?")[0], key) or "another address"
        return LlmError(f"The endpoint redirects to {target}; nothing was sent there.", cause="redirect", **common)
    if status in (401, 403):
        what, cause = "The endpoint rejected the key", "key"
    elif status == 402 or "insufficient_quota" in common["detail"]:
        what, cause = "The account at the endpoint has no credit left", "quota"
    elif status == 404:
        what, cause = "The endpoint does not know this model or path", "model"
    elif status == 429:
        what, cause = "The endpoint's rate limit was reached", "rate_limited"
    elif status in (408, 409, 425) or status >= 500:
        what, cause = "The endpoint failed", "server"
    else:
        what, cause = "The endpoint rejected the request", "refused"
    return LlmError(f"{what} (status {status}){tail}", cause=cause, **common)


def words_of(body: Any, key: str = "") -> tuple[str, str]:
    """The message and the code in an error body of any of the usual shapes; a web page has neither."""
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    code = ""
    if isinstance(inner, Mapping):
        code = str(inner.get("code") or inner.get("type") or "")
        inner = inner.get("message") or inner.get("detail") or ""
    text = inner if isinstance(inner, str) else ""
    if looks_like_html(text):
        return "the response is a web page", ""
    return clean(text, key), clean(code, key)[:60]


def clean(text: str, key: str = "") -> str:
    """Text from an endpoint, safe to show and log: short, on one line, without anything that looks like a key."""
    if len(key) >= 4:
        text = text.replace(key, "•••")
    text = _SECRETS.sub("•••", _CONTROL.sub(" ", text[: MAX_SHOWN * 4]))
    text = " ".join(text.split())
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def looks_like_html(text: str) -> bool:
    return text.lstrip()[:200].lower().startswith(("<!doctype", "<html", "<head", "<body", "<?xml"))


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds from `Retry-After`: a number or a date; None if it is missing or cannot be parsed.

    Source: RFC 9110, 10.2.3. `retry-after-ms` is OpenAI's, in milliseconds.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = lower.get(name, "").strip()
        try:
            seconds = float(value) * unit_s
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        date = parsedate_to_datetime(lower.get("retry-after", ""))
    except (ValueError, TypeError):
        return None
    return max(date.timestamp() - (time.time() if now is None else now), 0.0)
