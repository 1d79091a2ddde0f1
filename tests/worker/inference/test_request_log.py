"""The lines of one request carry one id, also those of the engine's thread, and the caller learns it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from tests.worker.inference.conftest import Served


def test_the_lines_of_a_request_carry_one_id(at_the_studio: Served) -> None:
    body = {"model": at_the_studio.whole, "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 2}
    url = f"{at_the_studio.url}/v1/chat/completions"
    with httpx.Client(trust_env=False, timeout=300) as client:
        answer = client.post(url, json=body, headers={"X-Request-Id": "request-7"})
        unnamed = client.post(url, json=body, headers={"X-Request-Id": "not a plain id"})
    assert answer.headers["X-Request-Id"] == "request-7"
    assert unnamed.headers["X-Request-Id"] not in ("", "not a plain id")
    file = Path(at_the_studio.base.removeprefix("local:")).parents[1] / "logs" / "inference.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    (ended,) = [line for line in lines if line["logger"].endswith("request_log") and line["request_id"] == "request-7"]
    assert (ended["method"], ended["path"], ended["status"]) == ("POST", "/v1/chat/completions", 200)
    requests = {line["request_id"] for line in lines if line["logger"].endswith("request_log")}
    loads = [line for line in lines if line["logger"].endswith("weights")]
    assert loads
    assert {line["request_id"] for line in loads} <= requests
