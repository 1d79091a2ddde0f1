"""The profile `openai_cookbook` finds what the plain Python of the cookbook finds, line by line."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from typer.testing import CliRunner

from core.cli import build_app
from core.data.quality import line_chunks, openai_cookbook


def plain(path):
    """The seven checks as the cookbook writes them, each with its line; json.loads per line."""
    found = []
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            ex = json.loads(line)
            if not isinstance(ex, dict):
                found.append((number, "data_type"))
                continue
            messages = ex.get("messages", None)
            if not messages:
                found.append((number, "missing_messages_list"))
                continue
            for message in messages:
                if "role" not in message or "content" not in message:
                    found.append((number, "message_missing_key"))
                if any(k not in ("role", "content", "name", "function_call", "weight") for k in message):
                    found.append((number, "message_unrecognized_key"))
                if message.get("role", None) not in ("system", "user", "assistant", "function"):
                    found.append((number, "unrecognized_role"))
                content = message.get("content", None)
                function_call = message.get("function_call", None)
                if (not content and not function_call) or not isinstance(content, str):
                    found.append((number, "missing_content"))
            if not any(message.get("role", None) == "assistant" for message in messages):
                found.append((number, "example_missing_assistant_message"))
    return found


def by_profile(path, processes=1):
    return [(item.line, item.check) for item in openai_cookbook.check_file(path, processes=processes).findings]


U, A = {"role": "user", "content": "Hello ü"}, {"role": "assistant", "content": "Hi"}
DIRT = [
    [], {}, 3, "text", None, {"messages": None}, {"messages": []}, {"messages": {}}, {"Messages": [U, A]},
    {"messages": [U]}, {"messages": [A]}, {"messages": [U, A], "id": 3}, {"messages": [{}]}, {"messages": [{}, {}, A]},
    {"messages": [{"role": "user"}, A]}, {"messages": [{"content": "x"}, A]}, {"messages": [U, {**A, "mood": 1}]},
    {"messages": [U, {**A, "weight": 0}]}, {"messages": [U, {**A, "weight": "x"}]}, {"messages": [{**U, "name": 3}, A]},
    {"messages": [{**U, "name": "ann"}, A]}, {"messages": [{"role": "tool", "content": "x"}, A]},
    {"messages": [{"role": "function", "content": "x", "name": "f"}, A]},
    {"messages": [{"role": "User", "content": "x"}]},
    {"messages": [{"role": "user", "content": ""}, A]}, {"messages": [{"role": "user", "content": None}, A]},
    {"messages": [{"role": "user", "content": " "}, A]}, {"messages": [{"role": "user", "content": 3}, A]},
    {"messages": [{"role": "user", "content": [{"type": "text"}]}, A]}, {"messages": [{"role": ["a"], "content": "x"}]},
    {"messages": [U, {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}]},
    {"messages": [U, {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}}]},
    {"messages": [U, {"role": "assistant", "function_call": {}}]},
    {"messages": [{"role": "assistant", "content": "\ud800"}]},
]  # fmt: skip
RAW = [
    '{"messages": [{"role": "user", "role": "tool", "content": "x"}, {"role": "assistant", "content": "y"}]}',
    '{"messages": [{"role": "tool", "role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}',
    '{"messages": [], "messages": [{"role": "assistant", "content": "y"}]}',
    '{"messages": [{"role": "assistant", "content": "y"}], "messages": []}',
    '{"messages": [{"role": "assistant", "content": NaN}]}',
    '{"messages": [{"r\\u006fle": "assistant", "content": "x"}]}',
    '  {"messages":[{"role":"assistant","content":"x"}]}  ',
]


@pytest.mark.parametrize("seed", range(6))
def test_a_seeded_dirty_file_is_found_line_by_line_as_by_the_cookbook(tmp_path, seed, monkeypatch):
    rng = random.Random(seed)
    lines = []
    for _ in range(3_000):
        dirty = rng.random() < (0.0, 0.001, 0.02, 0.3, 0.6, 1.0)[seed]
        if dirty and rng.random() < 0.2:
            lines.append(rng.choice(RAW))
        else:
            example = (
                rng.choice(DIRT) if dirty else {"messages": [U, {"role": "assistant", "content": str(rng.random())}]}
            )
            lines.append(json.dumps(example, ensure_ascii=rng.random() < 0.5 or "\\ud800" in json.dumps(example)))
    path = tmp_path / "dirty.jsonl"
    path.write_bytes("".join(line + rng.choice(["\n", "\n", "\r\n" if seed == 3 else "\n"]) for line in lines).encode())
    monkeypatch.setattr(line_chunks, "_WORTH_FORKING", 1)
    assert by_profile(path) == plain(path)
    assert by_profile(path, processes=2) == plain(path)
    if seed > 1:
        assert set(Counter(check for _, check in plain(path))) == set(openai_cookbook.CHECKS)


def test_lines_that_the_cookbook_stops_at_are_named(tmp_path):
    path = tmp_path / "x.jsonl"
    sound = json.dumps({"messages": [U, A]}).encode()
    path.write_bytes(b"\n".join([sound, b"{", b'{"messages": ["a"]}', b'{"messages": 3}', b'"\xff"', b"", sound]))
    assert by_profile(path) == [(2, "unreadable"), (3, "unreadable"), (4, "unreadable"), (5, "unreadable")]


def test_the_command_prints_lines_and_checks(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"messages": [U]}) + "\n[]\n")
    result = CliRunner().invoke(build_app(), ["validate", "--profile", "openai_cookbook", "--json", str(path)])
    said = json.loads(result.stdout)
    assert result.exit_code == 1
    assert said["counts"] == {"data_type": 1, "example_missing_assistant_message": 1}
    assert said["findings"][1] == {"line": 2, "check": "data_type"}
    path.write_text(json.dumps({"messages": [U, A]}))
    assert CliRunner().invoke(build_app(), ["validate", "--profile", "openai_cookbook", str(path)]).exit_code == 0
