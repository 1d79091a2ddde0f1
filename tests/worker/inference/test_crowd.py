"""Many clients at once on a real process: three LoRA adapters, adapter layers and the base, side by side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter, make_model
from tests.worker.inference.conftest import free_port, inference_process

CLIENTS, LEAVING = 50, 20


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of the process, and what it serves."""
    folder = tmp_path_factory.mktemp("crowd")
    (folder / "studio.db").write_bytes(_migrated_sqlite.read_bytes())
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("DATA_DIR", str(folder)), ("INFERENCE_PORT", str(port))):
            patch.setenv(f"SFT_{name}", value)
        patch.setenv("OMP_NUM_THREADS", "1")
        path = make_model(folder / "base_models" / "random")
        base, dataset = f"local:{path}", make_dataset()
        names = [base]
        for number, method in enumerate(("lora", "lora", "lora", "bottleneck_adapter")):
            adapter = make_adapter(path, folder / f"a{number}", seed=number, method=method)
            names.append(succeed(launch(dataset, base, method=method, name=f"Tuned {number}"), adapter).id)
        with inference_process(port) as url:
            yield url, names


def body(names: list[str], number: int, **options: Any) -> dict[str, Any]:
    asked = [{"role": "user", "content": f"What is item {number}?" + " Say more." * (number % 4)}]
    return {"model": names[number % len(names)], "messages": asked, "max_tokens": 24, "temperature": 0, **options}


async def answers(url: str, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=len(bodies))
    async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False, limits=limits) as client:
        return await asyncio.gather(*(client.post("/v1/chat/completions", json=each) for each in bodies))


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


def open_answers(url: str) -> int:
    return int(httpx.get(f"{url}/health", trust_env=False).json()["open"])


def test_everyone_gets_the_answer_that_one_alone_gets(crowd: tuple[str, list[str]]) -> None:
    url, names = crowd
    bodies = [body(names, number) for number in range(CLIENTS)]
    together = [text_of(answer) for answer in asyncio.run(answers(url, bodies))]
    one_by_one = [text_of(asyncio.run(answers(url, [each]))[0]) for each in bodies]
    assert together == one_by_one
    assert len({*together[: len(names)]}) == len(names), "the models say different things"


def test_who_leaves_in_the_middle_leaves_nothing_behind(crowd: tuple[str, list[str]]) -> None:
    url, names = crowd

    async def leave(client: httpx.AsyncClient, number: int) -> int:
        asked = body(names, number, stream=True, max_tokens=400, temperature=1.5, seed=number)
        async with client.stream("POST", "/v1/chat/completions", json=asked) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                    return answer.status_code
        return answer.status_code

    async def all_leave() -> list[int]:
        limits = httpx.Limits(max_connections=LEAVING)
        async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False, limits=limits) as client:
            return await asyncio.gather(*(leave(client, number) for number in range(LEAVING)))

    assert asyncio.run(all_leave()) == [200] * LEAVING
    for _ in range(200):
        if open_answers(url) == 0:
            break
        asyncio.run(asyncio.sleep(0.05))
    assert open_answers(url) == 0
    assert text_of(asyncio.run(answers(url, [body(names, 1)]))[0])


def test_beyond_the_limit_clients_are_told_when_to_come_back(crowd: tuple[str, list[str]]) -> None:
    url, names = crowd
    found = asyncio.run(answers(url, [body(names, number, n=8) for number in range(30)]))
    assert {answer.status_code for answer in found} == {200, 429}
    refused = [answer for answer in found if answer.status_code == 429]
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert "the limit is 96" in refused[0].json()["error"]["message"]
    assert open_answers(url) == 0
