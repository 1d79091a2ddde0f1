"""A service's own estimate beside the studio's, against servers that enforce the recorded shapes of each service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.cli import main
from core.errors import DataError
from core.platform.db.tables import HOSTED_RUNS
from core.platform.db.uow import UnitOfWork, read
from core.services.platform import connections, drafts
from core.services.training import cost, hosted, jobs
from core.services.training.cost import own
from tests.support.hosted.fireworks import FireworksService
from tests.support.hosted.server import KEY, Service, Trouble
from tests.support.hosted.services import CrusoeService
from tests.support.hosted.together import TogetherService
from tests.support.jobs import make_dataset
from tests.support.screens import open_page, part

QWEN = "Qwen/Qwen3-8B"


@contextmanager
def served(kind: type[Service], training: str) -> Iterator[Service]:
    """The service with a connection to it, called as the service."""
    server = kind()
    try:
        url = f"{server.origin}/inference/v1" if training == "fireworks" else server.url
        connections.save(name=training, kind="openai", base_url=url, key=KEY, training=training)
        cost.save_price(training, "*", 0.5)
        yield server
        assert server.violations == []
    finally:
        server.close()


@pytest.mark.parametrize(
    ("kind", "training", "base", "price", "path"),
    [
        (TogetherService, "together", QWEN, 4.2, "estimate-price"),
        (CrusoeService, "crusoe", "model-qwen-1", 1.25, "estimate_price"),
    ],
)
def test_it_is_asked_for_once_its_files_may_be_sent(
    studio_env: Path, kind: type[Service], training: str, base: str, price: float, path: str
) -> None:
    data = make_dataset(validation=12)
    with served(kind, training) as server:
        ours = cost.estimate_at(training, base, data.id)
        assert (ours.can_ask, ours.service_usd) == (True, None)
        assert "once it has the training file" in ours.service_text
        assert {call.method for call in server.calls} == {"GET"}, "nothing is sent before it is asked for"
        theirs = cost.estimate_at(training, base, data.id, ask_service=True)
        assert (theirs.service_usd, theirs.can_ask) == (price, False)
        assert (theirs.low_usd, theirs.high_usd) == (ours.low_usd, ours.high_usd)
        assert theirs.service_text.endswith(f"estimates ${price:.2f}, above the range; it may have a minimum price.")
        (asked,) = server.seen("POST", path)
        assert len([call for call in server.calls if call.files]) == 2
        assert {asked.json["training_file"], asked.json["validation_file"]} <= set(server.files)
        cost.estimate_at(training, base, data.id, ask_service=True)
        assert len([call for call in server.calls if call.files]) == 2, "files that are there are used again"


def test_a_file_that_an_earlier_job_sent_is_asked_about_at_once(studio_env: Path) -> None:
    data = make_dataset()
    with served(TogetherService, "together") as server:
        job = jobs.create(
            dataset_id=data.id, draft_key=None, base_model=QWEN, method="lora", name="First",
            connection=connections.find("together").id,
        )  # fmt: skip
        cost.estimate_at("together", QWEN, data.id, ask_service=True)
        known = next(iter(server.files))
        with UnitOfWork() as uow:
            assert job.spec.hosted is not None
            intent = hosted.begin(uow, job.id, job.spec.hosted)
            hosted.change(uow, intent, {"training_file": known})
            uow.commit()
        found = cost.estimate_at("together", QWEN, data.id, {"n_epochs": 2, "lora_r": 16}, method="full")
        assert found.service_usd == 4.2
        asked = server.seen("POST", "estimate-price")[-1].json
        assert (asked["training_file"], asked["n_epochs"], asked["training_type"]) == (known, 2, {"type": "Full"})
        server.troubles.append(Trouble("POST", "/fine-tunes/estimate-price", status=404))
        assert cost.estimate_at("together", QWEN, data.id).can_ask, "the file was deleted there"
        server.troubles.append(Trouble("POST", "/fine-tunes/estimate-price", status=503))
        found = cost.estimate_at("together", QWEN, data.id)
        assert found.low_usd is not None, "the studio's own range does not depend on the service's"
        assert (found.service_usd, found.service_text.startswith("Together AI could not be asked: ")) == (None, True)
    assert len(read(HOSTED_RUNS.select())) == 1


def test_a_service_without_one_is_not_asked_and_a_large_file_is_not_sent(
    studio_env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_dataset()
    with served(FireworksService, "fireworks"):
        found = cost.estimate_at("fireworks", "accounts/fireworks/models/qwen3-8b", data.id, ask_service=True)
        assert (found.service_usd, found.service_text, found.can_ask) == (None, "", False)
    monkeypatch.setattr(own, "MOST_BYTES", 100)
    with served(TogetherService, "together") as server, pytest.raises(DataError, match="too large"):
        cost.estimate_at("together", QWEN, data.id, ask_service=True)
    assert not server.files


def test_it_is_in_the_output_of_the_command_line_and_on_the_screen(
    studio_env: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_dataset()
    with served(TogetherService, "together"):
        words = ["spending", "estimate", "--dataset", data.id, "--connection", "together", "--base", QWEN]
        assert main(words) == 0
        assert "--ask-service" in capsys.readouterr().err
        state = {
            "dataset_id": data.id, "connection": connections.find("together").id, "hosted_base": QWEN,
            "hosted_method": "lora", "name": "Together",
        }  # fmt: skip
        app = open_page("pages/training/new_job.py", draft=drafts.create("job", state, step="review").id)
        app.button(key="estimate_cost").click().run()
        assert "20 examples would be sent to" in part(app, "cost")
        app.button(key="ask_service").click().run()
        assert not app.exception
        assert "itself estimates" in part(app, "cost")
        assert main([*words, "--ask-service"]) == 0
        assert "Together AI itself estimates $4.20" in capsys.readouterr().err
