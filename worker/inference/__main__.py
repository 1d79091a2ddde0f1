"""`python -m worker.inference`: serve base and tuned models on the loopback address."""

from __future__ import annotations

import sys

from core.errors import SettingsError
from core.platform import logs
from core.platform.private import keep_private
from core.settings import get_settings


def main() -> int:
    """Serve until told to stop; 1 when the settings cannot work."""
    try:
        port = get_settings().inference_port
        keep_private()
        logs.configure("inference")
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    import uvicorn

    from worker.inference.app import make_app

    uvicorn.run(
        make_app(),
        host="127.0.0.1",  # never another address: there is no sign-in here
        port=port,
        log_config=None,  # its loggers go through ours
        log_level="warning",
        timeout_graceful_shutdown=3,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
