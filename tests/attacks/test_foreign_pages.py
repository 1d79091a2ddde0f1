"""A page of another address that writes to the studio, opens its websocket, or shows it in a frame."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.harness import Studio
from tests.support.chromium import chromium
from tests.support.servers import free_port
from tests.support.web import STREAM, WEBSOCKET, ask, web_process

TOKEN = "2|00000000|00112233445566778899aabbccddeeff|1"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with web_process(tmp_path_factory.mktemp("web")) as studio:
        yield studio


def foreign(studio: Studio) -> list[str]:
    port = int(studio.url.rpartition(":")[2])
    return [
        "http://evil.example",
        f"http://evil.example:{port}",
        f"http://127.0.0.1:{port + 1}",  # another program of this machine
        "http://127.0.0.1",
        f"http://localhost:{port}",  # to a browser that opened 127.0.0.1, this is another origin
        f"http://127.0.0.1:{port}.evil.example",
        f"http://evil.example/?http://127.0.0.1:{port}",
        f"http://127.0.0.1:{port}@evil.example",
        "null",
        "file://",
        "chrome-extension://abcdefghijklmnop",
        "http://[",  # not an address at all
        f"http://[::1:{port}",
        f"http://127.0.0.1:{port}\\@evil.example",
        f"http://[{port}]",
        "",
    ]


def test_no_foreign_page_opens_the_websocket(web: Studio) -> None:
    for origin in foreign(web):
        assert ask(web.url, STREAM, [("Origin", origin), *WEBSOCKET]).status == 403, origin
    assert ask(web.url, STREAM, [("Origin", web.url), *WEBSOCKET]).status == 101
    both = [("Origin", web.url), ("Origin", "http://evil.example")]
    assert ask(web.url, STREAM, [*both, *WEBSOCKET]).status in (400, 403)


def test_no_foreign_page_writes(web: Studio) -> None:
    known = [("Cookie", f"_streamlit_xsrf={TOKEN}"), ("X-Xsrftoken", TOKEN)]
    for origin in foreign(web):
        for method in ("PUT", "POST", "DELETE"):
            answer = ask(web.url, "/_stcore/upload_file/a/b", [("Origin", origin), *known], method=method, body=b"x")
            assert answer.status == 403, (origin, method)
            assert "another address" in answer.text
    own = ask(web.url, "/_stcore/upload_file/a/b", [("Origin", web.url), *known], method="PUT", body=b"x")
    assert own.status == 400, "the studio's own page is not refused by its Origin; this session does not exist"


def test_nothing_may_be_read_by_a_foreign_page(web: Studio) -> None:
    for path in ("/", "/static/manifest.json", "/_stcore/host-config", "/_stcore/health", "/downloads/x"):
        headers = ask(web.url, path, [("Origin", "http://evil.example")]).headers
        assert headers.get("access-control-allow-origin", "") not in ("*", "http://evil.example"), path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'self'" in headers["content-security-policy"], path


@pytest.mark.browser
def test_no_foreign_page_shows_the_studio_in_a_frame_or_loads_its_files(web: Studio, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        f'<iframe src="{web.url}/" width="800" height="600"></iframe><img id="logo" src="{web.url}/favicon.png">'
    )
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with chromium("--host-resolver-rules=MAP evil.example 127.0.0.1") as browser:
            page = browser.new_page()
            page.goto(f"http://evil.example:{server.server_port}/")
            page.wait_for_timeout(3_000)
            frame = page.frames[1]
            assert frame.url.startswith("chrome-error://"), frame.url
            assert frame.locator('[data-testid="stApp"]').count() == 0
            assert page.evaluate("document.getElementById('logo').naturalWidth") == 0
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.browser
def test_a_page_of_the_studio_reaches_no_other_address(web: Studio) -> None:
    """The second wall behind the escaping: what outside text smuggles in loads and sends nothing."""
    with chromium("--host-resolver-rules=MAP evil.example 127.0.0.1") as browser:
        page = browser.new_page()
        page.goto(web.url)
        page.get_by_test_id("stSidebarNavLink").first.wait_for(timeout=240_000)
        attempted: list[str] = []
        page.on("request", lambda request: attempted.append(request.url) if "evil.example" in request.url else None)
        failed: list[str] = []
        page.on("requestfailed", lambda request: failed.append(request.url))
        page.evaluate(
            """async () => {
                const add = (tag, facts) => document.body.append(Object.assign(document.createElement(tag), facts))
                add('img', {src: 'http://evil.example/a.png'})
                add('iframe', {src: 'http://evil.example/b'})
                add('script', {src: 'http://evil.example/c.js'})
                add('link', {rel: 'stylesheet', href: 'http://evil.example/d.css'})
                add('form', {action: 'http://evil.example/e', method: 'post'})
                document.forms[document.forms.length - 1].submit()
                try { await fetch('http://evil.example/f') } catch (error) {}
                try { new WebSocket('ws://evil.example/g') } catch (error) {}
                await new Promise(done => setTimeout(done, 1000))
            }"""
        )
        assert page.url.startswith(web.url)
        assert set(attempted) <= set(failed), "a request left the page"
