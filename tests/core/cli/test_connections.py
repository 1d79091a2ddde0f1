"""`sft connections`: added with a key from standard input, tested, removed; keys are never shown."""

from __future__ import annotations

import io
import json

import pytest

from core.cli import main
from core.services.platform import connections
from tests.support.hosted.openai_shaped import OpenAiShapedService
from tests.support.hosted.server import KEY

pytestmark = pytest.mark.usefixtures("studio_env")


def test_a_training_connection_is_added_tested_and_removed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = OpenAiShapedService()
    try:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{KEY}\n".encode())))
        assert (
            main(["connections", "add", "--name", "Ours", "--training", "custom", "--url", server.url, "--json"]) == 0
        )
        made = json.loads(capsys.readouterr().out)
        assert (made["training"], connections.endpoint_of(made["connection"]).key) == ("custom", KEY)
        assert main(["connections", "--test", "--json"]) == 0
        out = capsys.readouterr().out
        tested = [json.loads(line) for line in out.splitlines()][1]
        assert (tested["ok"], tested["trainable"]) == (True, ["base-1", "base-2"])
        assert KEY not in out
    finally:
        server.close()
    assert main(["connections"]) == 0
    assert "custom" in capsys.readouterr().out
    assert main(["connections", "remove", made["connection"]]) == 0
    assert [record.id for record in connections.list_connections()] == ["studio"]


def test_an_unknown_service_is_refused_with_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connections", "add", "--name", "x", "--training", "moon", "--key-env", "NEBIUS_API_KEY"]) == 1
    assert "sft_studio" in capsys.readouterr().err
    assert main(["connections", "remove", "llm_none"]) == 1
