"""HTTP for endpoints that users enter: no redirects, one place that adds the key, bounded answers.

`openai` uses httpx2 and `ollama` httpx, so the functions here take the module as an argument; both have one API.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from core.models.llm.base import Endpoint

MAX_ANSWER_BYTES: Final = 8_000_000
CONNECT_TIMEOUT_S: Final = 10.0
# Libraries read these from the environment; an endpoint gets what its connection defines and nothing else.
_FROM_ENVIRONMENT: Final = ("authorization", "openai-organization", "openai-project", "x-api-key", "api-key", "cookie")


class AnswerTooLarge(Exception):
    """The endpoint sends more than `MAX_ANSWER_BYTES`."""


def make_client(module: Any, endpoint: Endpoint) -> Any:
    """An httpx client for one endpoint.

    Redirects are not followed, so that the key goes nowhere else; proxies from the environment are used only for
    addresses outside this machine; an answer must be complete within `timeout_s`, however slowly it arrives.
    """
    timeout = module.Timeout(endpoint.timeout_s, connect=min(CONNECT_TIMEOUT_S, endpoint.timeout_s))
    outside = not is_loopback(endpoint.base_url)
    guard = _guard(module, endpoint)
    limits = module.Limits(max_connections=32, max_keepalive_connections=16)
    client = module.Client(timeout=timeout, follow_redirects=False, trust_env=outside, limits=limits)
    client.event_hooks = {"request": [guard], "response": [_bounded(module, endpoint.timeout_s)]}
    return client


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: where a key goes."""
    parts = urlsplit(url)
    return (
        parts.scheme.lower(),
        (parts.hostname or "").lower(),
        parts.port or {"http": 80, "https": 443}.get(parts.scheme),
    )


def _guard(module: Any, endpoint: Endpoint) -> Any:
    """Sets the key on requests to the endpoint, and removes what the environment added."""
    home = origin(endpoint.base_url)

    def guard(request: Any) -> None:
        for name in _FROM_ENVIRONMENT:
            request.headers.pop(name, None)
        if origin(str(request.url)) != home:
            raise module.UnsupportedProtocol(f"a request to {request.url.host} is not allowed")
        if endpoint.key:
            request.headers["authorization"] = f"Bearer {endpoint.key}"
        request.extensions["began"] = time.monotonic()

    return guard


def _bounded(module: Any, timeout_s: float) -> Any:
    """Wraps the body of each answer: at most MAX_ANSWER_BYTES, and complete in time."""

    class Bounded(module.SyncByteStream):  # type: ignore[misc]
        def __init__(self, inner: Any, until: float) -> None:
            self._inner, self._until = inner, until

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for chunk in self._inner:
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    raise AnswerTooLarge
                if time.monotonic() > self._until:
                    raise module.ReadTimeout("the answer took too long")
                yield chunk

        def close(self) -> None:
            self._inner.close()

    def wrap(response: Any) -> None:
        began = response.request.extensions.get("began", time.monotonic())
        response.stream = Bounded(response.stream, began + timeout_s)

    return wrap
