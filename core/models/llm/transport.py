"""HTTP for endpoints that users enter: checked addresses, no redirects, one place that adds the key, bounded answers.

`openai` uses httpx2 and `ollama` httpx, so the functions here take the module as an argument; both have one API.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from core.models.llm.base import Endpoint
from core.platform import network

MAX_ANSWER_BYTES: Final = 8_000_000
CONNECT_TIMEOUT_S: Final = 10.0
# Libraries read these from the environment; an endpoint gets what its connection defines and nothing else.
_FROM_ENVIRONMENT: Final = ("authorization", "openai-organization", "openai-project", "x-api-key", "api-key", "cookie")


class AnswerTooLarge(Exception):
    """The endpoint sends more bytes than an answer may have."""


def make_client(
    module: Any,
    endpoint: Endpoint,
    *,
    key_header: str = "authorization",
    total_s: float | None = None,
    max_bytes: int = MAX_ANSWER_BYTES,
    check: network.Check = network.refuse_forbidden,
) -> Any:
    """An httpx client for one endpoint.

    A name may lead into the team's network, but not to the addresses of `network.is_forbidden`. Redirects are not
    followed, so that the key goes nowhere else; proxies from the environment are used only for addresses outside this
    machine; an answer must be complete within `timeout_s`, headers included, however slowly it arrives.

    Args:
        key_header: `authorization` sends the key as a bearer token; any other header gets the key itself.
        total_s: for transfers of files: all of a request may take this long, and `timeout_s` limits each pause.
        max_bytes: of an answer.
        check: refuses addresses that a name leads to.
    """
    timeout = module.Timeout(endpoint.timeout_s, connect=min(CONNECT_TIMEOUT_S, endpoint.timeout_s))
    outside = not network.is_loopback(urlsplit(endpoint.base_url).hostname or "")
    guard = _guard(module, endpoint, key_header, total_s or endpoint.timeout_s)
    limits = module.Limits(max_connections=32, max_keepalive_connections=16)
    verify = _certificates(module, outside)
    client = module.Client(timeout=timeout, follow_redirects=False, trust_env=outside, limits=limits, verify=verify)
    client.event_hooks = {"request": [guard], "response": [_bounded(module, max_bytes)]}
    network.guard(client._transport, check)
    for proxy in client._mounts.values():  # None where the environment excludes a host from its proxy
        if proxy is not None:
            network.guard(proxy, None)
    return client


@lru_cache(maxsize=4)
def _certificates(module: Any, trust_env: bool) -> Any:
    """The certificates that are trusted: reading them takes longer than a request on this machine."""
    return module.create_ssl_context(trust_env=trust_env)


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: where a key goes."""
    parts = urlsplit(url)
    return (
        parts.scheme.lower(),
        (parts.hostname or "").lower(),
        parts.port or {"http": 80, "https": 443}.get(parts.scheme),
    )


def _guard(module: Any, endpoint: Endpoint, key_header: str, total_s: float) -> Any:
    """Sets the key on requests to the endpoint, and removes what the environment added."""
    home = origin(endpoint.base_url)

    def guard(request: Any) -> None:
        for name in _FROM_ENVIRONMENT:
            request.headers.pop(name, None)
        if origin(str(request.url)) != home:
            raise module.UnsupportedProtocol(f"a request to {request.url.host} is not allowed")
        if endpoint.key:
            is_token = key_header == "authorization"
            request.headers[key_header] = f"Bearer {endpoint.key}" if is_token else endpoint.key
        until = time.monotonic() + total_s
        request.extensions["timeout"] = network.timeouts(endpoint.timeout_s, until, connect_s=CONNECT_TIMEOUT_S)

    return guard


def _bounded(module: Any, max_bytes: int) -> Any:
    """Wraps the body of each answer, which ends with an error at the limit."""

    class Bounded(module.SyncByteStream):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for chunk in self._inner:
                size += len(chunk)
                if size > max_bytes:
                    raise AnswerTooLarge
                yield chunk

        def close(self) -> None:
            self._inner.close()

    def wrap(response: Any) -> None:
        response.stream = Bounded(response.stream)

    return wrap
