"""A llama.cpp server (package xllamacpp) in this process: one base model, any number of adapters beside it.

`python -m worker.serving.llama_server` reads its settings as one line of JSON from standard input, prints its address,
and ends when standard input does: with the process that started it. `LlamaServer` is such a process.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

IDLE_S: Final = 600  # then the model leaves memory, until the next question
PARALLEL: Final = 4  # answers at once
# llama.cpp's threads meet after every operation, and those of OpenMP wait for the others by spinning: beside other work
# on the same cores, the starter then answered with 33 tokens/s instead of 670 (2 threads, 2 cores, load 9).
_WAITING: Final = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
_SMALL_BYTES: Final = 100_000_000  # of a file; below, one thread is faster: 2,700 tokens/s at that load
_STOP_S: Final = 5.0


class NotLoaded(Exception):
    """llama.cpp could not load a file."""


def threads_for(model: Path) -> int:
    """The number of threads for a GGUF file: one for a small model, else every core of this process."""
    return 1 if model.stat().st_size < _SMALL_BYTES else len(os.sched_getaffinity(0))


class LlamaServer:
    """A running server on one GGUF file and the files of adapters, and a client that has its key."""

    def __init__(
        self,
        model: Path,
        adapters: Sequence[Path] = (),
        *,
        threads: int = 0,
        context: int,
        exact: bool = False,
        silent_s: float = 300.0,
    ) -> None:
        """Start it, and wait until the model is loaded.

        Args:
            threads: 0: as the file needs.
            context: tokens of all answers at once.
            exact: keys and values in fp32 and no flash attention, to compare arithmetic.
            silent_s: seconds without a byte, after which a request fails.

        Raises:
            NotLoaded: the process ended before it served.
        """
        import httpx

        if not model.is_file():
            raise NotLoaded(model.name)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], env=os.environ | _WAITING,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        key = secrets.token_hex(16)
        settings = {
            "model": str(model), "adapters": [str(path) for path in adapters], "key": key,
            "threads": threads or threads_for(model), "context": context, "exact": exact,
        }  # fmt: skip
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{json.dumps(settings)}\n")
            self._process.stdin.flush()
        lines = (line.split() for line in self._process.stdout)
        address = next((words[1] for words in lines if words[:1] == ["ADDRESS"]), "")
        if not address:
            self.stop()
            raise NotLoaded(model.name)
        self.client: httpx.Client = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(silent_s, connect=5.0), trust_env=False,
        )  # fmt: skip

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process: it ends when its standard input does."""
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def parameters(settings: dict[str, Any]) -> Any:
    """The server's parameters: the loopback address, a key, and no page of another origin.

    Args:
        settings: as `LlamaServer` sends them.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    for processors in (params.cpuparams, params.cpuparams_batch):
        setattr(processors, "n_threads", settings["threads"])  # noqa: B010  of a module without types
    chosen = {
        "lora_adapters": [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in settings["adapters"]],
        "lora_init_without_apply": True,  # each request names its adapter
        "n_ctx": settings["context"], "n_parallel": PARALLEL, "kv_unified": True,
        "hostnames": ["127.0.0.1"], "port": 0, "api_keys": [settings["key"]],
        "cors_origins": "http://127.0.0.1", "cors_credentials": False, "cors_origins_explicit": True,
        "ui": False, "endpoint_slots": False, "endpoint_props": False,
        "cache_ram_mib": 256, "sleep_idle_seconds": IDLE_S,
    }  # fmt: skip
    if settings["exact"]:
        off, wide = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED, xllamacpp.ggml_type.GGML_TYPE_F32
        chosen |= {"flash_attn_type": off, "cache_type_k": wide, "cache_type_v": wide, "n_gpu_layers": 0}
    for name, value in chosen.items():
        setattr(params, name, value)
    return params


def main() -> None:
    """Serve until standard input ends."""
    import xllamacpp

    settings = json.loads(sys.stdin.readline())
    server = xllamacpp.Server(parameters(settings))
    sys.stdout.write(f"\nADDRESS {server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
