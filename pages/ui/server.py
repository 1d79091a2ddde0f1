"""The web process: Streamlit's app as an ASGI app, with the route that streams downloads.

`python -m pages.ui.server` is what `sft up` starts. `streamlit run Home.py` shows the same screens; only its downloads
pass through memory (`pages.ui.downloads`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from streamlit.runtime.pages_manager import PagesManager
from streamlit.starlette import App

from core.errors import StudioError
from core.platform import logs
from core.settings import get_settings
from pages.ui import downloads

HOME: Final = Path(__file__).parents[2] / "Home.py"


async def download(request: Request) -> Response:
    """Stream the download behind this token, block by block."""
    offer = downloads.find(request.path_params["token"])
    if offer is None:
        return PlainTextResponse(
            "This download link has expired. Open the page again and choose Download.", status_code=404
        )
    try:  # a zip archive may be written first
        content = await run_in_threadpool(offer.content)
    except StudioError as error:
        return PlainTextResponse(str(error), status_code=404)
    headers = {
        "Content-Disposition": downloads.disposition(offer.file_name),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(content, media_type=offer.mime, headers=headers)


@asynccontextmanager
async def _serving(app: App) -> AsyncIterator[dict[str, Any]]:
    # Until the first `st.navigation` of a process, Streamlit builds its own list from pages/*.py: whoever came first by
    # a deep link would read "Page not found".
    PagesManager.uses_pages_directory = False
    logs.adopt("streamlit", "uvicorn")
    downloads.streams(True)
    try:
        yield {}
    finally:
        downloads.streams(False)


app = App(HOME, routes=[Route(f"/{downloads.PATH}/{{token}}", download)], lifespan=_serving)


def main() -> None:
    """Serve the screens on the configured address until SIGINT or SIGTERM."""
    from streamlit.web import bootstrap

    settings = get_settings()
    logs.configure("web")
    options = {
        "server.address": settings.host,
        "server.port": settings.web_port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
    }
    bootstrap.load_config_options(options)
    bootstrap.run_asgi_app(str(HOME), "pages.ui.server:app", [], options)


if __name__ == "__main__":
    main()
