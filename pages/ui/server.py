"""The web process: what surrounds Streamlit's ASGI app (`Home.py`), and the process that serves it.

`python -m pages.ui.server` is what `sft up` starts. `streamlit run Home.py` serves the same app with the same front
door, because Streamlit finds the app in `Home.py`.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from streamlit.runtime.pages_manager import PagesManager
from streamlit.starlette import App

from core.errors import StudioError
from core.platform import logs
from core.platform.private import keep_private
from core.services.platform import sign_in
from core.settings import get_settings
from pages.ui import downloads
from pages.ui.front_door.middleware import FrontDoor

SWITCH_S: Final = 0.001  # Python's own is 0.005
COLLECT_AFTER: Final = 5_000  # new containers; Python's own is 700
START_COLLECTIONS: Final = 8  # full ones: while screens are opened for the first time, they import their libraries
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


@contextmanager
def even_answers() -> Iterator[None]:
    """In this block no screen waits long for the interpreter, which the screens of all users share.

    A short poll waits for the interpreter at each of its queries and messages, each time as long as a screen that is
    being drawn may hold it. A full collection of reference cycles stops everything for a quarter of a second to look
    through what was imported, which stays anyway: the survivors of the first ones are not looked at again.
    """
    switch_s, collect_after = sys.getswitchinterval(), gc.get_threshold()
    left = START_COLLECTIONS

    def keep(phase: str, info: Mapping[str, int]) -> None:
        nonlocal left
        if phase == "stop" and info["generation"] == 2 and left:
            left -= 1
            gc.freeze()

    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(COLLECT_AFTER, *collect_after[1:])
    gc.callbacks.append(keep)
    try:
        yield
    finally:
        gc.callbacks.remove(keep)
        gc.set_threshold(*collect_after)
        sys.setswitchinterval(switch_s)
        gc.unfreeze()


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[dict[str, Any]]:
    # Until the first `st.navigation` of a process, Streamlit builds its own list from pages/*.py: whoever came first by
    # a deep link would read "Page not found".
    PagesManager.uses_pages_directory = False
    logs.adopt("streamlit", "uvicorn")
    downloads.streams(True)
    try:
        with even_answers():
            yield {}
    finally:
        downloads.streams(False)


ROUTES: Final = [Route(f"/{downloads.PATH}/{{token}}", download)]
MIDDLEWARE: Final = [Middleware(FrontDoor)]


def main() -> None:
    """Serve the screens on the configured address until SIGINT or SIGTERM.

    The sign-in is checked at each start: a restart of this process alone does not open the studio either.
    """
    from streamlit.web import bootstrap

    settings = get_settings()
    keep_private()
    logs.configure("web")
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # uvicorn would believe any client on this machine; see `is_secure`
    if problem := sign_in.state(address=settings.host).problem:
        logging.getLogger("sft.web").error(problem)
    options = {
        "server.address": settings.host,
        "server.port": settings.web_port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableAgentApi": False,
        "browser.gatherUsageStats": False,
    }
    bootstrap.load_config_options(options)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again after it has stopped
        bootstrap.run_asgi_app(str(HOME), "Home:app", [], options)


if __name__ == "__main__":
    main()
