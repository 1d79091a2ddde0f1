"""HTTP to a server that models are published to: checked addresses, and errors that name it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from core.errors import ProviderError, ProviderUnavailable
from core.models.llm import Endpoint
from core.models.llm.transport import AnswerTooLarge, make_client
from core.platform.network import AddressRefused

if TYPE_CHECKING:
    import httpx


@contextmanager
def connected(title: str, endpoint: Endpoint | None) -> Iterator[httpx.Client]:
    """A client for an endpoint; what fails inside is an error that names the server.

    Raises:
        ProviderUnavailable: nothing answers there. ProviderError: the connection broke.
    """
    import httpx

    if endpoint is None:
        raise ProviderError(f"{title} has no address.", "Add a connection in Settings.")
    client = make_client(httpx, endpoint)
    client.base_url = httpx.URL(endpoint.base_url)
    try:
        with client:
            yield client
    except (httpx.ConnectError, httpx.ConnectTimeout, AddressRefused) as error:
        raise ProviderUnavailable(
            f"{title} is not responding at {endpoint.base_url}.", "Start it, or correct its address in Settings."
        ) from error
    except httpx.HTTPError as error:
        raise ProviderError(f"The connection to {title} broke: {type(error).__name__}.", "Try again.") from error
    except AnswerTooLarge:
        raise ProviderError(f"{title} sends more than 8 MB for one answer.", "Check its address.") from None
    except (json.JSONDecodeError, RecursionError):
        raise ProviderError(f"{title} answers with text that is not JSON.", "Check its address.") from None


def checked(title: str, response: httpx.Response, *allowed: int) -> httpx.Response:
    """The response, if its status is 2xx or one of `allowed`. Raises ProviderError with the server's own words."""
    if response.is_success or response.status_code in allowed:
        return response
    response.read()
    raise ProviderError(f"{title} refused the request ({response.status_code}): {message_of(response)}.", "")


def message_of(response: httpx.Response) -> str:
    """What a server says about an error: Ollama's and OpenAI's shapes, or the text."""
    body = body_of(response)
    return said(body) if not isinstance(body, str) else body.strip()[:300].rstrip(".") or "no reason given"


def body_of(response: httpx.Response) -> Any:
    """The JSON of a response, or its text."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return response.text


def said(body: Any) -> str:
    """The reason in the body of an error, in either shape."""
    error = body.get("error", body) if isinstance(body, dict) else body
    text = error.get("message", error) if isinstance(error, dict) else error
    return str(text)[:300].rstrip(".")


def json_lines(lines: Iterator[str], prefix: str = "") -> Iterator[dict[str, Any]]:
    """The objects of a stream: one a line, or server-sent events with the prefix `data: `; ends at [DONE]."""
    for line in lines:
        text = line.removeprefix(prefix).strip()
        if not text or (prefix and not line.startswith(prefix)):
            continue
        if text == "[DONE]":
            return
        found = json.loads(text)
        if isinstance(found, dict):
            yield found
