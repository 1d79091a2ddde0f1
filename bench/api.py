"""What the API adds to a request: `python -m bench.api [--json]`. The last line is one JSON object.

The inference process with a tiny random model and the API in front of it, both real; one client asks each of them for
one token by turns, with a key. Each way has a connection that stays open.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

TURNS, FIRST_ONES = 400, 20


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    chosen = parser.parse_args([] if arguments is None else arguments)
    with tempfile.TemporaryDirectory() as name:
        figures = measure(Path(name)) | {"load": os.getloadavg()[0]}
    if not chosen.json:
        for key, value in figures.items():
            print(f"{key:24} {value:,.3f}")
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


def measure(folder: Path) -> dict[str, float]:
    """Milliseconds of a request to either process, and the difference."""
    from tests.support.random_model import make_model
    from tests.support.servers import free_port

    os.environ |= {
        "SFT_DATA_DIR": str(folder),
        "SFT_INFERENCE_PORT": str(free_port()),
        "SFT_API_PORT": str(free_port()),
        "SFT_API_RATE": "1000000",
    }
    from core.platform.db import migrate
    from core.services.platform import api_keys

    migrate.upgrade()
    base = make_model(folder / "base_models" / "random")
    key = api_keys.create(name="bench", scopes=("serve",)).key
    with ExitStack() as stack:
        for module in ("worker.inference", "api"):
            stack.enter_context(_running(module))
        return _compared(f"local:{base}", key)


def _compared(model: str, key: str) -> dict[str, float]:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1, "temperature": 0}
    ports = {"engine": os.environ["SFT_INFERENCE_PORT"], "api": os.environ["SFT_API_PORT"]}
    times: dict[str, list[float]] = {name: [] for name in ports}
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(
                httpx.Client(
                    base_url=f"http://127.0.0.1:{port}",
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=120,
                    trust_env=False,
                )
            )
            for name, port in ports.items()
        }
        for client in clients.values():
            _wait(client)
        for turn in range(FIRST_ONES + TURNS):
            for name, client in clients.items():
                begun = time.perf_counter()
                client.post("/v1/chat/completions", json=body).raise_for_status()
                if turn >= FIRST_ONES:
                    times[name].append(1000 * (time.perf_counter() - begun))
    longer = sorted(api - engine for api, engine in zip(times["api"], times["engine"], strict=True))
    return {
        "engine_p50_ms": statistics.median(times["engine"]),
        "api_p50_ms": statistics.median(times["api"]),
        "overhead_p50_ms": statistics.median(longer),
        "overhead_p95_ms": longer[int(0.95 * len(longer))],
    }


def _wait(client: httpx.Client) -> None:
    for _ in range(600):
        try:
            client.get("/health").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("A process did not answer within a minute.")


@contextmanager
def _running(module: str) -> Iterator[None]:
    """A process of the studio."""
    process = subprocess.Popen([sys.executable, "-m", module])
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    main(sys.argv[1:])
