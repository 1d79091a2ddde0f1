"""A llama.cpp server (package xllamacpp) in this process: one base model, any number of adapters beside it.

`python -m worker.serving.llama_server` reads its settings as one line of JSON from standard input, prints its address,
and ends when standard input does: with the process that started it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

IDLE_S: Final = 600  # then the model leaves memory, until the next question
PARALLEL: Final = 4  # answers at once


def parameters(settings: dict[str, Any]) -> Any:
    """The server's parameters: the loopback address, a key, and no page of another origin.

    Args:
        settings: `model` and `adapters` (paths), `key`, `threads`, and `context` (tokens of all answers at once).
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
