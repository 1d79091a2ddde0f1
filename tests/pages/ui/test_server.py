"""The web process streams what a screen offers, and nothing else."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from core.errors import NotFound
from pages.ui import downloads, server


@pytest.fixture
def client() -> TestClient:
    """The download route alone, without Streamlit around it."""
    return TestClient(Starlette(routes=[Route(f"/{downloads.PATH}/{{token}}", server.download)]))


@pytest.fixture(autouse=True)
def _no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads.st, "session_state", {})


def offer(*blocks: bytes, name: str = "a.jsonl") -> str:
    return downloads._offer("k", lambda: iter(blocks), name, "application/jsonl")


def test_an_offer_is_streamed_with_its_name(client: TestClient) -> None:
    token = offer(b"one\n", b"two\n", name='Été "2".jsonl')
    answer = client.get(f"/{downloads.PATH}/{token}")
    assert answer.content == b"one\ntwo\n"
    assert answer.headers["content-type"] == "application/jsonl"
    assert "attachment" in answer.headers["content-disposition"]
    assert "%C3%89t%C3%A9%20%222%22.jsonl" in answer.headers["content-disposition"]


@pytest.mark.parametrize("token", ["x", "..%2f..%2fetc%2fpasswd", "a" * 5000])
def test_an_unknown_token_is_refused_in_words(client: TestClient, token: str) -> None:
    answer = client.get(f"/{downloads.PATH}/{token}")
    assert answer.status_code == 404


def test_an_offer_expires(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    token = offer(b"x")
    assert client.get(f"/{downloads.PATH}/{token}").status_code == 200
    later = downloads.time.time() + downloads.OFFERED_FOR_S + 1
    monkeypatch.setattr(downloads.time, "time", lambda: later)
    answer = client.get(f"/{downloads.PATH}/{token}")
    assert answer.status_code == 404
    assert "expired" in answer.text


def test_a_file_that_was_deleted_in_the_meantime_is_refused_with_its_reason(client: TestClient) -> None:
    def gone() -> Iterator[bytes]:
        raise NotFound("The dataset was deleted, and its examples with it.", "Choose another dataset.")

    answer = client.get(f"/{downloads.PATH}/{downloads._offer('k', gone, 'a', 'text/plain')}")
    assert (answer.status_code, answer.text) == (
        404,
        "The dataset was deleted, and its examples with it. Choose another dataset.",
    )


def test_a_screen_drawn_again_keeps_its_link() -> None:
    assert offer(b"1") == offer(b"2")


def test_old_offers_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MAX_OFFERS", 3)
    tokens = [downloads._offer(f"k{n}", lambda: iter(()), "a", "b") for n in range(5)]
    assert [downloads.find(token) is not None for token in tokens] == [False, False, True, True, True]


def test_a_large_file_is_never_in_memory() -> None:
    """The consumer takes one block at a time: the generator is never ahead by more than one."""
    made = 0

    def blocks() -> Iterator[bytes]:
        nonlocal made
        for _ in range(1_000):
            made += 1
            yield b"x" * 1_000_000

    token = downloads._offer("big", blocks, "big.bin", "application/octet-stream")
    found = downloads.find(token)
    assert found is not None
    stream = found.content()
    for taken in range(1, 4):
        next(stream)
        assert made == taken


@pytest.mark.parametrize("name", ['a"b.csv', "a\\b/c%d.csv", "漢字.csv", "line\nbreak.csv"])
def test_a_name_never_leaves_its_header(name: str) -> None:
    header = downloads.disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


def test_only_what_the_first_collections_find_is_never_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cycle:
        def __init__(self) -> None:
            self.me = self

    def cycles_left() -> int:
        gc.collect()
        return sum(isinstance(item, Cycle) for item in gc.get_objects())

    monkeypatch.setattr(server, "START_COLLECTIONS", 1)
    before = gc.get_threshold(), sys.getswitchinterval(), gc.get_freeze_count()
    with server.even_answers():
        assert gc.get_threshold()[0] > before[0][0]
        assert sys.getswitchinterval() < before[1]
        gc.collect()
        kept = gc.get_freeze_count()
        assert kept > before[2]
        sessions = [Cycle() for _ in range(100)]
        assert cycles_left() == 100
        assert gc.get_freeze_count() <= kept
        sessions.clear()  # people leave: what they had is collected, however long the process has run
        assert cycles_left() == 0
    assert (gc.get_threshold(), sys.getswitchinterval(), gc.get_freeze_count()) == (*before[:2], 0)
