"""`python -m api`: serve the API on the address of the web app."""

from __future__ import annotations

import sys
from typing import Any

from core.services.platform.web.serving import serve


def main() -> int:
    """Serve until SIGINT or SIGTERM; 1 when the settings cannot work."""
    return serve("api", lambda settings: (settings.host, settings.api_port), _app)


def _app(host: str) -> Any:
    from api.app import make_app

    return make_app(host)


if __name__ == "__main__":
    sys.exit(main())
