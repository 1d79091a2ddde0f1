"""`sft agents`: created, changed, given a model, rolled back, deleted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.services.serving import agents
from tests.support.talking import talking, tuned


def test_an_agent_on_the_command_line(
    studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with talking(monkeypatch):
        first, second = tuned(tmp_path / "one", "First"), tuned(tmp_path / "two", "Second")
        text = tmp_path / "system.txt"
        text.write_text("Be kind.")

        def sft(*arguments: str) -> str:
            assert main(["agents", *arguments]) == 0, capsys.readouterr().err
            return capsys.readouterr().out

        made = sft("create", "Support", "--model", "First", "--system", f"@{text}", "--set", "max_tokens=64")
        assert made == "agent:support\n"
        sft("update", "support", "--split", "Second=0.25", "--set", "temperature=0.5", "--note", "A quarter")
        version = agents.get_agent("support").version
        assert (version.number, version.system, version.note) == (2, "Be kind.", "A quarter")
        assert (version.settings.max_tokens, version.settings.temperature) == (64, 0.5)
        assert version.split is not None
        assert (version.split.model_id, version.split.share) == (second.id, 0.25)
        assert sft("deploy", "support", "--model", "Second") == f"agent:support  version 3  {second.id}\n"
        assert sft("rollback", "support", "--to", "1") == f"agent:support  version 4  {first.id}\n"
        assert [one["number"] for one in json.loads(sft("show", "support", "--json"))["versions"]] == [4, 3, 2, 1]
        assert json.loads(sft("list", "--json"))["figures"]["answers"] == 0
        assert "A quarter" in sft("show", "support")
        sft("update", "support", "--fallback", "Second")
        assert sft("move", "First") == f"agent:support  version 6  {second.id}\n"
        assert main(["agents", "update", "support", "--split", "Second"]) == 1
        assert "the share is missing" in capsys.readouterr().err
        sft("delete", "support", "--yes")
        assert "agent:support" not in sft()
