"""`python -m worker.inference`: serve base and tuned models on the loopback address."""

from __future__ import annotations

import sys
from typing import Any, Final

from core.services.platform.web.serving import serve

HOST: Final = "127.0.0.1"  # never another address: there is no sign-in here


def main() -> int:
    """Serve until SIGINT or SIGTERM; 1 when the settings cannot work."""
    return serve("inference", lambda settings: (HOST, settings.inference_port), _app)


def _app(_: str) -> Any:
    from worker.inference.app import make_app

    return make_app()


if __name__ == "__main__":
    sys.exit(main())
