"""What an answer of the studio's own server says when the server is gone in the middle of it."""

from __future__ import annotations

import socket
from threading import Thread

import pytest

from core.errors import ProviderError
from core.serving.targets.base import ChatOptions
from core.serving.targets.studio import Studio

STARTED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'3c\r\ndata: {"choices": [{"delta": {"content": "We offer a "}}]}\n\n\r\n'
)


@pytest.mark.parametrize("sent", [b"", STARTED], ids=["before the answer", "within the answer"])
def test_an_answer_whose_server_ends_says_what_happened(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def end_early() -> None:
            asked, _ = server.accept()
            with asked:
                asked.recv(65536)
                asked.sendall(sent)

        Thread(target=end_early, daemon=True).start()
        monkeypatch.setenv("SFT_INFERENCE_PORT", str(server.getsockname()[1]))
        with pytest.raises(ProviderError) as error:
            list(Studio().chat("mod_x", [{"role": "user", "content": "Hello"}], ChatOptions()))
    assert error.value.message == "The answer was interrupted, because the inference process ended."
    assert "sft up" in error.value.remedy
