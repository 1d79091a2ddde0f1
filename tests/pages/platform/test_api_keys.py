"""Settings, API keys: one is created and shown once, listed, revoked.

AppTest cannot press a button in a dialog that a click opened, so the dialogs are drawn alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.platform import api_keys
from tests.pages.conftest import keys, shows
from tests.support.api_keys import cheap_hashes


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_hashes(monkeypatch)


def _create() -> None:
    from pages.platform._settings import keys

    keys.create_dialog()


def _revoke(key_id: str) -> None:
    from core.services.platform import api_keys
    from pages.platform._settings import keys

    keys.revoke_dialog(api_keys.find(key_id))


def test_a_key_is_created_and_shown_once(studio_env: Path, read) -> None:
    dialog = AppTest.from_function(_create, default_timeout=180).run()
    dialog.text_input(key="key_name").set_value("Support bot")
    dialog.checkbox(key="key_scope_train").check()
    dialog.button(key="key_create").click().run()
    (made,) = api_keys.list_keys()
    assert made.scopes == ("read", "train", "serve")
    assert made.expires_at
    dialog.run()
    (shown,) = [code.value for code in dialog.code]
    assert api_keys.check(shown).id == made.id
    dialog.button(key="key_done").click().run()
    assert shown not in read(dialog)


def test_a_key_without_a_name_or_a_scope_is_refused(studio_env: Path, read) -> None:
    dialog = AppTest.from_function(_create, default_timeout=180).run()
    dialog.button(key="key_create").click().run()
    assert shows("An API key needs a name", read(dialog))
    dialog.text_input(key="key_name").set_value("Bot")
    for scope in (api_keys.READ, api_keys.SERVE):
        dialog.checkbox(key=f"key_scope_{scope}").uncheck()
    dialog.button(key="key_create").click().run()
    assert shows("A key needs at least one scope", read(dialog))
    assert api_keys.list_keys() == []


def test_keys_are_listed_and_revoked(open_screen, read) -> None:
    made = api_keys.create(name="Support bot", scopes=[api_keys.SERVE])
    app = open_screen("settings")
    said = read(app)
    assert {"api_keys", "pick_create_key", f"revoke_{made.record.id}"} <= keys(app)
    assert shows(made.record.prefix, said)
    assert made.key not in said
    dialog = AppTest.from_function(_revoke, kwargs={"key_id": made.record.id}).run()
    dialog.button(key="revoke_confirm").click().run()
    assert api_keys.find(made.record.id).state == "revoked"
