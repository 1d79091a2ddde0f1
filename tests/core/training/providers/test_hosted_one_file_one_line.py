"""A new hosted training service is one file and one line: a dummy appears everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import NotFound, SettingsError
from core.services.platform import connections, key_hosts
from core.training.providers.hosted import FileRules, HostedCapabilities
from core.training.providers.hosted_services import HOSTED_SERVICES
from core.training.providers.hosted_wire.dialect import FINE_TUNE, ServiceDialect
from core.training.providers.hosted_wire.openai_shaped import OpenAiShaped
from tests.support.hosted.openai_shaped import OpenAiShapedService
from tests.support.hosted.server import KEY
from tests.support.registry import registered
from tests.support.screens import open_page

ROWS = (
    (
        "a hosted training service",
        "core/training/providers/hosted_services/<id>.py",
        "core/training/providers/hosted_services/__init__.py: HOSTED_SERVICES.add(...)",
    ),
)
DUMMY = ServiceDialect(
    "moon",
    "Moon base",
    "Trains where nobody looks.",
    default_url="https://moon.example/v1",
    capabilities=HostedCapabilities(methods=("lora",)),
    file_rules=FileRules(FINE_TUNE, max_bytes=1_000, min_examples=1),
    key_hosts={"MOON_API_KEY": ("moon.example",)},
)


@pytest.fixture
def moon(studio_env: Path) -> Iterator[OpenAiShaped]:
    with registered(HOSTED_SERVICES, OpenAiShaped(DUMMY)) as entry:
        yield entry


def test_a_connection_can_train_there(moon: OpenAiShaped) -> None:
    saved = connections.save(name="Moon", kind="openai", key="key-0123456789abcdef", training="moon")
    assert (saved.training, saved.service, saved.base_url) == ("moon", moon, "https://moon.example/v1")
    assert key_hosts.is_for("MOON_API_KEY", "https://moon.example/v1")
    with pytest.raises(SettingsError) as unknown:
        connections.save(name="Sun", kind="openai", training="sun")
    assert (unknown.value.field, "moon" in unknown.value.remedy) == ("training", True)
    with pytest.raises(NotFound, match="sun"):
        HOSTED_SERVICES.get("sun")


def test_the_connection_form_offers_it(moon: OpenAiShaped) -> None:
    app = open_page("pages/platform/settings.py")
    app.button(key="pick_add_connection").click().run()
    app.segmented_control(key="connection_kind_new").set_value("openai").run()
    trains = app.selectbox(key="connection_training_new_openai")
    assert "Moon base" in trains.options
    trains.set_value("moon").run()
    assert "Trains where nobody looks" in str([caption.value for caption in app.caption])
    assert app.text_input(key="connection_url_new_openai_moon").value == "https://moon.example/v1"


def test_its_test_lists_what_can_be_trained(moon: OpenAiShaped) -> None:
    server = OpenAiShapedService()
    try:
        tested = connections.test_values(kind="openai", base_url=server.url, key=KEY, training="moon")
    finally:
        server.close()
    assert (tested.ok, tested.message) == (True, "It responds and trains 2 base models.")
    assert [base.id for base in tested.trainable] == ["base-1", "base-2"]
