"""What a service answers that makes no sense: it is left out or named, and a job that is paid for is not lost to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from core.errors import SettingsError
from core.models.llm.base import Endpoint
from core.models.llm.failures import LlmError
from core.training.providers.hosted_services import HOSTED_SERVICES
from core.training.providers.hosted_wire import measured
from core.training.providers.hosted_wire.client import Wire, explained, foreign
from core.training.providers.hosted_wire.paging import epoch
from core.training.providers.hosted_wire.settings import checked
from tests.support.hosted.openai_shaped import OpenAiShapedService
from tests.support.hosted.server import KEY, Bytes, Trouble
from tests.support.hosted.services import AzureService

HUGE = 10**400


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(HUGE, id="huge"),
        pytest.param(-HUGE, id="less"),
        float("nan"),
        float("inf"),
        [],
        {},
        None,
        True,
        "many",
    ],
)
def test_a_number_that_is_none_is_left_out(value: Any) -> None:
    assert measured.number(value) is None
    assert epoch(value) == 0.0


@pytest.mark.parametrize("value", [1e18, -1, "0001-01-01T00:00:00", "9999-12-31T23:59:59Z", "tomorrow"])
def test_a_time_of_another_millennium_is_not_known(value: Any) -> None:
    assert epoch(value) == 0.0


def test_a_step_that_no_column_holds_is_left_out() -> None:
    assert measured.points([{"step": 1e30, "loss": 1.0}, {"step": HUGE, "loss": 1.0}]) == []
    assert [point.step for point in measured.points([{"step": 3, "loss": 1.0}])] == [3]


@pytest.mark.parametrize("service", ["openai", "sft_studio"])
def test_a_status_full_of_nonsense_is_a_running_job(service: str) -> None:
    job = {
        "id": "job-1", "status": {"a": 1}, "trained_steps": HUGE, "total_steps": float("nan"), "trained_tokens": 1e300,
        "estimated_finish": 1e18, "error": "no", "studio": {"progress": float("nan"), "state": ["x"]},
    }  # fmt: skip
    seen = HOSTED_SERVICES.get(service).seen(job)  # type: ignore[attr-defined]
    assert (seen.state, seen.known) == ("running", False)
    assert (seen.progress, seen.step, seen.total_steps, seen.trained_tokens, seen.finish_at) == (None,) * 5


def test_a_shutdown_in_milliseconds_does_not_hide_the_bases() -> None:
    server = AzureService()
    server.models = tuple({**model, "deprecation": {"inference": 1_830_297_600_000}} for model in server.models)
    try:
        found = HOSTED_SERVICES.get("azure").base_models(Endpoint(server.url, KEY, 5.0))
    finally:
        server.close()
    assert [base.shutdown_date for base in found] == [""]


@pytest.mark.parametrize("status", [200, 400])
def test_json_that_is_too_deep_is_a_failure_with_a_cause(status: int) -> None:
    server = OpenAiShapedService()
    server.troubles.append(Trouble("GET", "/", status=status, body=Bytes(b"[" * 200_000)))
    try:
        with Wire(Endpoint(server.url, KEY, 5.0)) as wire, pytest.raises(LlmError):
            wire.get("fine_tuning/jobs")
    finally:
        server.close()


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), pytest.param(HUGE, id="huge")])
@pytest.mark.parametrize("service", HOSTED_SERVICES.ids())
def test_a_hyperparameter_that_is_no_number_is_refused(service: str, value: float) -> None:
    for setting in HOSTED_SERVICES.get(service).hyperparameters:
        if setting.kind in ("int", "float"):
            with pytest.raises(SettingsError):
                checked((setting,), {setting.name: value})


@pytest.mark.parametrize("detail", [["wrong"], [None], [{"loc": 5, "msg": "wrong"}], [{"msg": "wrong"}], [[]]])
def test_a_refusal_of_any_shape_is_explained(detail: list[Any]) -> None:
    body: Mapping[str, Any] = {"detail": detail}
    error = explained(LlmError("No.", cause="refused", status=422), body)
    assert "422" in error.message
    json.dumps(error.message)


def test_a_redirect_to_half_an_address_is_refused() -> None:
    with pytest.raises(LlmError, match="address"):
        foreign(Endpoint("https://api.example.com/v1", KEY, 5.0), "https://[::1/adapter")
