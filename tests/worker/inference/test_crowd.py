"""Many clients at once: three LoRA adapters, adapter layers and the base, at the inference process and by the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.services.platform import api_keys
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter, make_model
from tests.worker.inference.conftest import api_process, free_port, inference_process

CLIENTS, LEAVING = 50, 20


@dataclass(frozen=True)
class Crowd:
    """Where the clients ask, what is served there, and the inference process that answers."""

    url: str
    names: list[str]
    engine: str
    folder: Path
    headers: dict[str, str] = field(default_factory=dict)

    def client(self, most: int) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=most)
        return httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=300, trust_env=False, limits=limits)

    def open_answers(self) -> int:
        return int(httpx.get(f"{self.engine}/health", trust_env=False).json()["open"])


@pytest.fixture(scope="module")
def at_the_engine(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> Iterator[Crowd]:
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
            yield Crowd(url, names, url, folder)


@pytest.fixture(scope="module")
def at_the_api(at_the_engine: Crowd) -> Iterator[Crowd]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFT_DATA_DIR", str(at_the_engine.folder))
        patch.setenv("SFT_INFERENCE_PORT", at_the_engine.url.rpartition(":")[2])
        with api_process() as url:
            key = api_keys.create(name="Crowd", scopes=["serve"], days=None).key
            yield replace(at_the_engine, url=url, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture(scope="module")
def alone(at_the_engine: Crowd) -> list[str]:
    """The answers to the questions of all clients, asked one by one."""
    asked = (body(at_the_engine.names, number) for number in range(CLIENTS))
    return [text_of(asyncio.run(answers(at_the_engine, [each]))[0]) for each in asked]


@pytest.fixture(params=["at_the_engine", "at_the_api"])
def crowd(request: pytest.FixtureRequest) -> Crowd:
    found: Crowd = request.getfixturevalue(request.param)
    return found


def body(names: list[str], number: int, **options: Any) -> dict[str, Any]:
    asked = [{"role": "user", "content": f"What is item {number}?" + " Say more." * (number % 4)}]
    return {"model": names[number % len(names)], "messages": asked, "max_tokens": 24, "temperature": 0, **options}


async def answers(crowd: Crowd, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    async with crowd.client(len(bodies)) as client:
        return await asyncio.gather(*(client.post("/v1/chat/completions", json=each) for each in bodies))


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


def test_everyone_gets_the_answer_that_one_alone_gets(crowd: Crowd, alone: list[str]) -> None:
    bodies = [body(crowd.names, number) for number in range(CLIENTS)]
    assert [text_of(answer) for answer in asyncio.run(answers(crowd, bodies))] == alone
    assert len({*alone[: len(crowd.names)]}) == len(crowd.names), "the models say different things"


def test_who_leaves_in_the_middle_leaves_nothing_behind(crowd: Crowd) -> None:
    async def leave(client: httpx.AsyncClient, number: int) -> int:
        asked = body(crowd.names, number, stream=True, max_tokens=400, temperature=1.5, seed=number)
        async with client.stream("POST", "/v1/chat/completions", json=asked) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                    return answer.status_code
        return answer.status_code

    async def all_leave() -> list[int]:
        async with crowd.client(LEAVING) as client:
            return await asyncio.gather(*(leave(client, number) for number in range(LEAVING)))

    assert asyncio.run(all_leave()) == [200] * LEAVING
    for _ in range(200):
        if crowd.open_answers() == 0:
            break
        asyncio.run(asyncio.sleep(0.05))
    assert crowd.open_answers() == 0
    assert text_of(asyncio.run(answers(crowd, [body(crowd.names, 1)]))[0])


def test_beyond_the_limit_clients_are_told_when_to_come_back(crowd: Crowd) -> None:
    found = asyncio.run(answers(crowd, [body(crowd.names, number, n=8) for number in range(30)]))
    assert {answer.status_code for answer in found} == {200, 429}
    refused = [answer for answer in found if answer.status_code == 429]
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert "the limit is 96" in refused[0].json()["error"]["message"]
    assert crowd.open_answers() == 0
