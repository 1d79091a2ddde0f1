"""One ASGI middleware around the web app: Host, Origin, sign-in, sizes, and the headers of each response.

The guard in every page remains: this is the wall around it, which also covers what no page draws, such as static
files, uploads, downloads, media files and the websocket itself.
"""

from __future__ import annotations

import logging
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import encode_provider_token

from core.services.platform.sign_in import SignIn
from core.services.platform.web.addresses import READING, host_problem, is_foreign, is_secure, names_of
from pages.ui.front_door import session
from pages.ui.front_door.bodies import Bodies, BodyTooLarge
from pages.ui.front_door.browser import give_id
from pages.ui.front_door.response import confine
from pages.ui.front_door.screens import SIGN_IN_PATH, closed_screen, is_screen, not_found_screen, plain, sign_in_screen

log = logging.getLogger("sft.web")

HEALTH: Final = "/_stcore/health"  # the supervisor, and a load balancer
SIGN_IN: Final = ("/auth/login", "/auth/logout", "/oauth2callback")  # Streamlit's own OIDC routes
FOREIGN: Final = "This request was made by a page of another address, and is refused."
_POLICY_VIOLATION: Final = 1008


class FrontDoor:
    """Refuses what must not reach Streamlit; `pages.ui.server` puts it around the app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.bodies = Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        state = session.current(session.bound_address())
        secure = is_secure(request, state)

        async def send_confined(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if not state.required and refusal is None and _shows_a_screen(request.headers):
                    give_id(request, headers)
                confine(headers, secure)
            await send(message)

        refusal = self._refusal(request, state, secure)
        if refusal is None and scope["type"] == "websocket":
            await self.app(scope, self._while_allowed(request, receive, send), send)
        elif refusal is None:
            await self._serve(request, receive, send_confined)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
        else:
            await refusal(scope, receive, send_confined)

    def _refusal(self, request: HTTPConnection, state: SignIn, secure: bool) -> Response | None:
        """What a request gets instead of the studio; None if it may pass."""
        path, headers = request.scope["path"], request.headers
        problem = host_problem(headers, names_of(request, state, session.bound_address()))
        if problem:
            log.warning("refused %s: %s", path[:200], problem)
            return plain(problem, 421)
        reading = request.scope["type"] == "http" and request.scope["method"] in READING
        if not reading and is_foreign(headers, secure):
            log.warning("refused %s: Origin %s", path[:200], headers.get("origin", "")[:200])
            return plain(FOREIGN, 403)
        if reading and path == HEALTH:
            return None
        if state.problem:
            return closed_screen(state.problem) if _shows_a_screen(headers) else plain(state.problem, 503)
        if not state.required or session.is_signed_in(request, state):
            missing = reading and _shows_a_screen(headers) and not is_screen(path)
            return not_found_screen(path) if missing else None
        if reading and path in SIGN_IN:
            return None
        if reading and path == SIGN_IN_PATH:
            return _to_provider(request.query_params.get("with", ""), state)
        return sign_in_screen(state.providers) if _shows_a_screen(headers) else plain("Sign in first.", 401)

    def _while_allowed(self, request: HTTPConnection, receive: Receive, send: Send) -> Receive:
        """The messages of a websocket for as long as it may be open.

        A page that was opened before asks for its parts on its own, without the guard: sign-in that is required now, or
        is closed, must end that too.
        """

        async def receive_allowed() -> Message:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            state = session.current(session.bound_address())
            if self._refusal(request, state, is_secure(request, state)) is None:
                return message
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}

        return receive_allowed

    async def _serve(self, request: HTTPConnection, receive: Receive, send: Send) -> None:
        path, started = request.scope["path"], False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        limited, done = self.bodies.limited(path, receive)
        try:
            self.bodies.check_length(path, request.headers)
            await self.app(request.scope, limited, send_noted)
        except BodyTooLarge as error:
            if started:
                raise
            await plain(str(error), 413)(request.scope, receive, send)
        finally:
            done()


def _shows_a_screen(headers: Headers) -> bool:
    return headers.get("sec-fetch-dest", "document") == "document" and "text/html" in headers.get("accept", "")


def _to_provider(name: str, state: SignIn) -> Response:
    """Send the browser to Streamlit's sign-in route, which needs a token that is valid for two minutes."""
    if name not in state.providers:
        return sign_in_screen(state.providers)
    token = encode_provider_token(name or "default")
    return RedirectResponse(f"/auth/login?provider={token}", status_code=303, headers={"Cache-Control": "no-store"})
