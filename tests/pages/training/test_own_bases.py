"""Adding and removing a base model on the screens. AppTest cannot press a button in a dialog that a click opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.training import own_bases
from core.serving.model_formats import places
from tests.pages.conftest import keys
from tests.support import screens
from tests.support.random_model import make_model

pytestmark = pytest.mark.usefixtures("studio_env")


def _add() -> None:
    from pages.ui import add_base

    add_base.add_dialog()


def _remove(base_id: str) -> None:
    from core.services.training import own_bases
    from pages.training._models import bases

    bases.remove_dialog(next(base for base in own_bases.list_own() if base.id == base_id))


def test_a_directory_is_added_and_removed_on_the_screen_of_all_models(
    open_screen, read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(tmp_path / "mymodel")
    monkeypatch.setenv("SFT_IMPORT_ROOTS", str(tmp_path))
    dialog = AppTest.from_function(_add, default_timeout=180).run()
    dialog.text_input(key="add_base_path").set_value(f"{tmp_path}/nowhere").run()
    assert "There is no file or directory" in screens.words(dialog)
    assert "add_base_confirm" not in keys(dialog)
    dialog.text_input(key="add_base_path").set_value(str(model)).run()
    assert "has to stay there" in screens.words(dialog)
    dialog.button(key="add_base_confirm").click().run()
    (base,) = own_bases.list_own()
    app = open_screen("models")
    assert "mymodel" in read(app)
    assert {"add_base_models", f"remove_{base.id}"} <= keys(app)
    made = places.base_gguf(base.id, base.revision, "f16")
    made.parent.mkdir(parents=True)
    made.write_bytes(bytes(2048))
    gone = AppTest.from_function(_remove, default_timeout=60, kwargs={"base_id": base.id}).run()
    assert "2.0 KB" in screens.words(gone)
    gone.button(key="remove_base_confirm").click().run()
    assert own_bases.list_own() == []
    assert not made.exists()
