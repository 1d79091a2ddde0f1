"""A real llama.cpp server (package xllamacpp) on one GGUF file, in a process of its own, for comparisons.

`python -m bench.llama_server FILE KEY` starts one and prints its address; it ends with its standard input.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

THREADS = 2
CONTEXT = 1024  # tokens


@dataclass(frozen=True, slots=True)
class LlamaServer:
    """A running server."""

    client: httpx.Client

    def tokenize(self, text: str) -> list[int]:
        """Token ids of a text; special tokens are read as such."""
        answer = self._post("/tokenize", {"content": text, "add_special": False, "parse_special": True})
        return [int(token) for token in answer["tokens"]]

    def prompt(self, question: str) -> str:
        """The text that the file's chat template makes of a question."""
        answer = self._post("/apply-template", {"messages": [{"role": "user", "content": question}]})
        return str(answer["prompt"])

    def greedy(self, ids: list[int], tokens: int) -> list[int]:
        """The ids that the model continues `ids` with, the likeliest at each place, without the end token."""
        answer = self._post(
            "/completion",
            {
                "prompt": ids,
                "n_predict": tokens,
                "samplers": ["top_k"],
                "top_k": 1,
                "cache_prompt": False,
                "return_tokens": True,
            },
        )
        return [int(token) for token in answer["tokens"]]

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.post(path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@contextlib.contextmanager
def serving(file: Path) -> Iterator[LlamaServer]:
    """A server on a GGUF file; it is stopped at the end."""
    key = secrets.token_hex(16)
    command = [sys.executable, "-m", "bench.llama_server", str(file), key]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = next(line.split()[1] for line in process.stdout if line.startswith("ADDRESS "))
            headers = {"Authorization": f"Bearer {key}"}
            with httpx.Client(base_url=address, headers=headers, timeout=300, trust_env=False) as client:
                yield LlamaServer(client)
        finally:
            process.kill()


def main(file: str, key: str) -> None:
    """Serve until standard input ends."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = file
    params.n_ctx, params.n_parallel, params.n_gpu_layers = CONTEXT, 1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [key]
    params.warmup = False
    server = xllamacpp.Server(params)
    print(f"ADDRESS {server.listening_address}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
