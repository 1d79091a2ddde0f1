"""What a mistyped command line is answered with: what was probably meant, or what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.cli import main
from core.cli._support.near import near
from core.errors import Conflict, NotFound
from core.services.data import datasets
from core.services.platform import api_keys
from core.services.serving import served
from tests.support.jobs import launch, make_dataset, succeed

pytestmark = pytest.mark.usefixtures("studio_env")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--lr", ["--learning-rate"]),
        ("--epoch", ["--epochs"]),
        ("--bs", ["--batch-size"]),
        ("--batch_size", ["--batch-size"]),
        ("--learing-rate", ["--learning-rate"]),
        ("--zzz", []),
    ],
)
def test_an_abbreviation_or_a_slip_finds_the_option(typed: str, meant: list[str]) -> None:
    assert near(typed, ["--epochs", "--batch-size", "--learning-rate", "--dora", "--rank", "--help"]) == meant


def test_an_unknown_option_or_setting_is_answered_by_the_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--learningrate", "1"]) == 2
    assert "--learning-rate?" in capsys.readouterr().err
    assert main(["datasets", "--jsn"]) == 2
    assert "--json?" in capsys.readouterr().err
    make_dataset("Items")
    assert main(["train", "--dataset", "Items", "--set", "epochs=3"]) == 1
    assert "num_epochs?" in capsys.readouterr().err


def test_a_value_out_of_range_names_the_range(capsys: pytest.CaptureFixture[str]) -> None:
    make_dataset("Items")
    assert main(["train", "--dataset", "Items", "--lr", "3"]) == 1
    said = capsys.readouterr().err
    assert "--learning-rate 3: it must be a number above 0 and at most 0.1, or auto." in said
    assert not re.search(r"[Ii]nput should", said)


def test_a_model_is_found_by_what_people_call_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes(bytes(10))
    job = launch(make_dataset("Garden shop"), name="Plants - v1")
    model = succeed(job, adapter)
    for name in (model.id, "Plants - v1", "plants-v1", "plan", "Garden shop", "garden shop", job.id, job.name):
        assert served.find(name) == model.id, name
    assert served.find("starter") == "starter"
    assert main(["chat", "Hello", "--model", "Nothing"]) == 1
    assert "“Plants - v1”" in capsys.readouterr().err
    second = succeed(launch(datasets.get_dataset(job.dataset_id), name="Plants - v2"), adapter)
    with pytest.raises(Conflict, match="2 models") as caught:
        served.find("Garden shop")
    assert second.name in caught.value.remedy
    with pytest.raises(NotFound):
        served.find("")


def test_everything_that_is_missing_is_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--days", "3"]) == 2
    said = capsys.readouterr().err
    assert "--name and --scope" in said
    for scope, allows in api_keys.SCOPES.items():
        assert f"{scope}: {allows[0].lower()}{allows[1:]}" in said
    assert main(["keys", "create", "--name", "Help desk"]) == 2
    assert "--name" not in capsys.readouterr().err
    assert main(["mix"]) == 2
    assert "PARTS and --name" in capsys.readouterr().err
