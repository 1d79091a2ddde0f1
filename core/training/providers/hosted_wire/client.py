"""Requests to a hosted service: JSON in and out, files from the disk and to the disk, failures as LlmError."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote, urljoin, urlsplit

import httpx

from core.models.llm import transport
from core.models.llm.base import Endpoint
from core.models.llm.failures import LlmError, clean, looks_like_html, of_status
from core.models.llm.openai_compatible import connection_lost, timed_out, too_large
from core.platform import network
from core.text import size as size_text
from core.training.providers.hosted import Beat

TRANSFER_S: Final = 6 * 3600.0  # a file of 25 GB at 10 Mbit/s
MOST_DOWNLOAD: Final = 64 << 30
_CHUNK: Final = 1 << 20
_FILE_NAME: Final = re.compile(r"filename\*?=(?:UTF-8'')?\"?([^\";]+)")


class Wire:
    """An open connection to one service. Every method raises LlmError.

    Args:
        key_header: where the key goes; see `transport.make_client`.
        transfer: files are sent or fetched: `timeout_s` limits each pause, not the complete request.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        key_header: str = "authorization",
        transfer: bool = False,
        check: network.Check = network.refuse_forbidden,
    ) -> None:
        self._endpoint = endpoint
        self._client = transport.make_client(
            httpx,
            endpoint,
            key_header=key_header,
            total_s=TRANSFER_S if transfer else None,
            max_bytes=MOST_DOWNLOAD if transfer else transport.MAX_ANSWER_BYTES,
            check=check,
        )

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def url(self, path: str) -> str:
        """The address of a path: below the endpoint's, or from the root of its host if it begins with a slash.

        A complete address stays as it is; the transport refuses one of another host.
        """
        base = self._endpoint.base_url
        if "://" in path:
            return path
        return urljoin(base, path) if path.startswith("/") else f"{base.rstrip('/')}/{path}"

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """The JSON object of an answer."""
        return _object(self.listing(path, **params))

    def listing(self, path: str, **params: Any) -> Any:
        """The JSON of an answer, which is an object or a list."""
        given = {name: value for name, value in params.items() if value not in ("", None)}
        return self._json("GET", path, params=given or None)

    def post(self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Send JSON; the JSON object of the answer."""
        return self.send("POST", path, json=body, headers=dict(headers or {}))

    def send(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """One request with any options of httpx; the JSON object of its answer, {} where it has no body."""
        return _object(self._json(method, path, **options))

    def _json(self, method: str, path: str, **options: Any) -> Any:
        with self._failures():
            response = self._client.request(method, self.url(path), **options)
            self._check(response)
        if not response.content:
            return {}
        try:
            return response.json()
        except (ValueError, RecursionError):
            what = "a web page" if looks_like_html(response.text) else "text that is not JSON"
            raise LlmError(f"The endpoint answers with {what}.", cause="not_json") from None

    def put(self, url: str, content: FileSlice, headers: Mapping[str, str]) -> None:
        """Send a file to signed storage, whose answer is not JSON."""
        with self._failures():
            blocks = iter(lambda: content.read(_CHUNK), b"")
            self._check(self._client.put(self.url(url), content=blocks, headers=dict(headers)))

    def text(self, path: str) -> str:
        """The body of an answer as text, at most `transport.MAX_ANSWER_BYTES` of it."""
        with self._failures(), self._client.stream("GET", self.url(path)) as response:
            self._check(response)
            parts, size = [], 0
            for part in response.iter_bytes():
                size += len(part)
                if size > transport.MAX_ANSWER_BYTES:
                    raise transport.AnswerTooLarge
                parts.append(part)
        return b"".join(parts).decode("utf-8", "replace")

    def download(self, path: str, to: Path, beat: Beat | None = None, **params: Any) -> str:
        """Write the body of an answer into a file; the name that the service gives it, or "".

        A redirect to signed storage is followed once, without the key (see `foreign`).
        """
        plain = {"Accept-Encoding": "identity"}  # an archive arrives as it is, and its length can be checked
        with (
            self._failures(),
            self._client.stream("GET", self.url(path), params=params or None, headers=plain) as response,
        ):
            if not 300 <= response.status_code < 400:
                self._check(response)
                _write(response, to, beat)
                return _name_of(response)
        target = response.headers.get("location", "")
        with foreign(self._endpoint, target) as wire:
            return wire.download(target, to, beat)

    def _check(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        response.read()
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = response.text
        raise explained(of_status(response.status_code, body, response.headers, self._endpoint.key), body)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException:
            raise timed_out(self._endpoint) from None
        except transport.AnswerTooLarge:
            raise too_large() from None
        except network.AddressRefused as error:
            raise connection_lost(self._endpoint, error) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise connection_lost(self._endpoint, error) from None


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise LlmError("The service answers with JSON of another shape.", cause="not_json")
    return answer


def explained(error: LlmError, body: Any = None) -> LlmError:
    """The failure in the terms of fine-tuning: an account without access, an address without it, an unknown job."""
    if error.status in (401, 403) and "training_not_available" in error.detail:
        return LlmError(
            "The service does not let this account fine-tune (training_not_available).",
            "Choose another service, or ask the service for access; inference with the same key still works.",
            cause="not_offered",
            status=error.status,
            detail=error.detail,
        )
    if error.status in (404, 405, 501):
        says = f": {error.detail}" if error.detail else "."
        return LlmError(
            f"The service does not know this path, job or file (status {error.status}){says}",
            cause="gone",
            status=error.status,
            detail=error.detail,
        )
    if error.status in (400, 422) and isinstance(body, Mapping) and isinstance(body.get("detail"), list):  # FastAPI
        texts = "; ".join(map(_validation, body["detail"]))
        return LlmError(
            f"The service rejected the request (status {error.status}): {clean(texts)}",
            cause="refused",
            status=error.status,
            detail=clean(texts),
        )
    return error


def _validation(one: Any) -> str:
    """An entry of FastAPI's list of what is wrong with a request."""
    if not isinstance(one, Mapping):
        return str(one)
    place = one.get("loc")
    parts = place if isinstance(place, list) else [] if place is None else [place]
    return f"{'.'.join(map(str, parts))}: {one.get('msg', '')}"


def foreign(endpoint: Endpoint, url: str) -> Wire:
    """A connection to signed storage that the service names, without the key.

    Raises:
        LlmError: the address is neither https on the internet nor on the service's own host; the service must not
            make this server send requests into the team's network.
    """
    try:
        parts, home = urlsplit(url), urlsplit(endpoint.base_url)
    except ValueError:  # half an IPv6 address
        raise LlmError(f"The service names an address that is none: {clean(url[:100])}.", cause="redirect") from None
    own = bool(parts.hostname) and parts.hostname == home.hostname
    if not own and (parts.scheme != "https" or not parts.hostname):
        raise LlmError(f"The service names an address that is refused: {clean(url.split('?')[0])}.", cause="redirect")
    there = replace(endpoint, base_url=f"{parts.scheme}://{parts.netloc}", key="")
    return Wire(there, transfer=True, check=network.refuse_forbidden if own else _refuse_private)


def _refuse_private(name: str, addresses: Sequence[str]) -> None:
    for address in addresses:
        if not network.is_public(address):
            raise network.AddressRefused(f"{name} leads to {address}, which is not on the internet")


def _write(response: httpx.Response, to: Path, beat: Beat | None) -> None:
    expected = int(response.headers.get("content-length") or 0)
    size = 0
    with to.open("wb") as out:
        for part in response.iter_raw(_CHUNK):
            out.write(part)
            size += len(part)
            if beat:
                beat(min(size / expected, 1.0) if expected else 0.0)
    if expected and size != expected:
        raise httpx.ReadError(f"it ended after {size_text(size)} of {size_text(expected)}")


def _name_of(response: httpx.Response) -> str:
    found = _FILE_NAME.search(response.headers.get("content-disposition", ""))
    return Path(found[1].strip()).name if found else ""


def quoted(part: str) -> str:
    """One segment of a path: an id from a service never becomes two segments."""
    return quote(part, safe="")


class FileSlice:
    """A part of a file as httpx reads it for a form; never in memory as a whole."""

    def __init__(self, stream: IO[bytes], begin: int, length: int, beat: Beat | None = None, of: int = 0) -> None:
        self._stream, self._begin, self._length, self._at = stream, begin, length, 0
        self._beat, self._of = beat, of or length

    def read(self, count: int = -1) -> bytes:
        left = self._length - self._at
        self._stream.seek(self._begin + self._at)
        data = self._stream.read(left if count < 0 else min(count, left))
        self._at += len(data)
        if self._beat and data:
            self._beat(min((self._begin + self._at) / max(self._of, 1), 1.0))
        return data

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset if whence == 0 else self._length + offset if whence == 2 else self._at + offset
        return self._at
