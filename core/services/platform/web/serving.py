"""An HTTP process of the studio: its settings, its log, and uvicorn around its application."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from core.errors import SettingsError
from core.platform import logs
from core.platform.private import keep_private
from core.settings import Settings, get_settings


def serve(process: str, address: Callable[[Settings], tuple[str, int]], app: Callable[[str], Any]) -> int:
    """Serve until SIGINT or SIGTERM; 1 when the settings cannot work.

    Args:
        process: the name of its log.
        address: host and port.
        app: creates the application for a host; called once the settings are known to work.
    """
    try:
        host, port = address(get_settings())
        keep_private()
        logs.configure(process)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    import uvicorn

    uvicorn.run(
        app(host),
        host=host,
        port=port,
        log_config=None,  # its loggers go through ours
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # it would believe any client on this machine
        timeout_graceful_shutdown=3,
    )
    return 0
