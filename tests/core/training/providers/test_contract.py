"""The contract of training providers, over every entry."""

from __future__ import annotations

import pytest

from core.errors import NotFound
from core.models.methods import METHODS
from core.training.providers import PROVIDERS, Provider


@pytest.fixture(params=PROVIDERS.ids())
def provider(request: pytest.FixtureRequest) -> Provider:
    return PROVIDERS.get(request.param)


def test_a_provider_describes_itself(provider: Provider) -> None:
    assert provider.title
    assert provider.text.endswith(".")
    assert set(provider.capabilities.methods) <= set(METHODS.ids())


def test_an_unknown_provider_names_the_known_ones() -> None:
    with pytest.raises(NotFound) as refused:
        PROVIDERS.get("moon")
    assert "local" in refused.value.remedy
