"""`python -m api`: serve the API on the address of the web app."""

from __future__ import annotations

import sys

from core.errors import SettingsError
from core.platform import logs
from core.platform.private import keep_private
from core.settings import get_settings


def main() -> int:
    """Serve until SIGINT or SIGTERM; 1 when the settings cannot work."""
    try:
        settings = get_settings()
        keep_private()
        logs.configure("api")
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    import uvicorn

    from api.app import make_app

    uvicorn.run(
        make_app(settings.host),
        host=settings.host,
        port=settings.api_port,
        log_config=None,  # its loggers go through ours
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # it would believe any client on this machine
        timeout_graceful_shutdown=3,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
