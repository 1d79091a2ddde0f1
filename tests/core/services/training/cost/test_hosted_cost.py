"""The cost of a hosted job before launch: tokens x epochs x price, to the cent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import NotFound, SettingsError
from core.messages import Example, Message
from core.services.data import datasets
from core.services.platform import budgets, connections
from core.services.training import cost
from core.training.prices import auto_epochs, published
from core.training.providers.hosted import HostedBase, Hyperparameter
from tests.support.jobs import make_dataset

REPOSITORY = Path(__file__).parents[5]
Chat = list[tuple[str, str]]


def real(name: str) -> Path | None:
    """A file of the real-world data, where SFT_TEST_DATA names its folder."""
    folder = os.environ.get("SFT_TEST_DATA")
    return Path(folder) / name if folder else None


def instructions(name: str, instead: str) -> list[Chat]:
    path = real(name)
    rows = (
        json.loads(path.read_text("utf-8"))
        if path
        else [{"instruction": f"{instead} {n}?", "input": "", "output": f"{instead} {n * n}." * 3} for n in range(90)]
    )
    questions = [f"{row['instruction']}\n{row['input']}".strip() for row in rows]
    return [[("user", question), ("assistant", row["output"])] for question, row in zip(questions, rows, strict=True)]


def toy_chats() -> list[Chat]:
    path = real("chat/toy_chat_fine_tuning.jsonl")
    if path is None:
        return [
            [("system", "Be kind."), ("user", f"Bad day {n}"), ("assistant", "Tomorrow is new.")] for n in range(60)
        ]
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [[(one["role"], one["content"]) for one in row["messages"]] for row in rows]


def languages() -> list[Chat]:
    words = ["Grüße aus Köln – 12,50 €", "你好，退款政策是什么？", "שלום עולם", "👩‍👩‍👧 familia\n\tña", "plain words"]
    return [
        [("user", f"{word} {n}"), ("assistant", word * (n % 4 + 1)), ("user", "Und?"), ("assistant", f"{n}: {word}")]
        for n in range(12)
        for word in words
    ]


def many() -> list[Chat]:
    return [[("user", f"Order {n}?"), ("assistant", f"It left on day {n % 31}. " * (n % 5 + 1))] for n in range(2_600)]


SETS = {
    "toy chats": toy_chats,
    "alpaca": lambda: instructions("instruct/alpaca_en_demo.json", "What is"),
    "identity": lambda: instructions("instruct/identity.json", "Who are you"),
    "languages and turns": languages,
    "more than a forecast counts": many,
}


@pytest.fixture
def connection(studio_env: Path) -> str:
    return connections.save(name="The other studio", kind="openai", base_url="https://ft.example.org/v1").id


@pytest.mark.parametrize("name", SETS)
def test_the_estimate_is_what_an_independent_script_counts(
    studio_with_starter: Path, starter: Path, tmp_path: Path, name: str, connection: str
) -> None:
    chats = [chat for chat in SETS[name]() if all(content.strip() for _, content in chat)]
    examples = [Example(tuple(Message(role, content) for role, content in chat)) for chat in chats]
    held_out = Example((Message("user", "Is this billed?"), Message("assistant", "No, it is held out.")))
    dataset = datasets.create_dataset(name, examples, [held_out])
    written = tmp_path / "chats.jsonl"
    lines = [
        json.dumps({"messages": [dict(zip(("role", "content"), one, strict=True)) for one in chat]}) for chat in chats
    ]
    written.write_text("\n".join(lines), "utf-8")
    epochs, usd = 3, "4.37"
    script = [sys.executable, "tests/support/token_bill.py", str(written), str(starter / "tokenizer.json")]
    found = json.loads(subprocess.check_output([*script, str(epochs), usd], cwd=REPOSITORY, text=True))

    cost.save_price("The other studio", "*", float(usd), "2026-11-30")
    estimate = cost.estimate(
        connection, "sft_studio", HostedBase("starter"), dataset.id, hyperparameters={"n_epochs": 3}
    )
    assert estimate.exact, estimate.basis
    assert estimate.tokens == found["tokens"]
    cents = Decimal(found["usd"]).quantize(Decimal("0.01"))
    for end in (estimate.low_usd, estimate.high_usd):
        assert Decimal(end).quantize(Decimal("0.01")) == cents
        assert end == pytest.approx(float(found["usd"]), abs=1e-9)
    assert f"{found['tokens']:,} tokens (counted by" in estimate.basis
    assert "× 3 epochs × $4.37 per million tokens (entered by a person, 2026-11-30)" in estimate.basis


def test_without_the_tokenizer_the_estimate_is_a_range_and_says_by_what_rule(connection: str) -> None:
    dataset = make_dataset(count=40)
    estimate = cost.estimate(connection, "openai", HostedBase("gpt-4o-mini-2024-07-18"), dataset.id)
    assert not estimate.exact
    assert "estimated at 3 to 5 characters per token: its tokenizer is not here" in estimate.basis
    assert "3 epochs, which the service chooses × $3.00 per million tokens (OpenAI's list of prices, 2026-05-31)" in (
        estimate.basis
    )
    assert 0 < estimate.low_usd < estimate.tokens * 3 * 3 / 1e6 < estimate.high_usd
    assert " to " in estimate.text


def test_letters_that_take_many_bytes_are_in_the_range(connection: str) -> None:
    asked, answer = "退款政策是什么？" * 10, "三十天内可以退款。" * 10
    dataset = datasets.create_dataset("China", [Example((Message("user", f"{asked}{n}"), Message("assistant", answer)))
                                                for n in range(12)])  # fmt: skip
    estimate = cost.estimate(
        connection, "openai", HostedBase("gpt-4o-mini"), dataset.id, hyperparameters={"n_epochs": 1}
    )
    characters = 12 * (len(asked) + len(answer))
    assert estimate.high_usd >= characters * 3 / 1e6  # a token for each letter


def test_examples_are_cut_at_what_the_service_reads(studio_with_starter: Path, connection: str) -> None:
    dataset = make_dataset(count=10)
    cost.save_price(connection, "starter", 1_000)
    asked = {"hyperparameters": {"n_epochs": 1}}
    estimate = cost.estimate(connection, "sft_studio", HostedBase("starter", context_length=5), dataset.id, **asked)
    assert estimate.tokens == 50
    assert estimate.high_usd == pytest.approx(0.05)


def test_where_no_price_is_known_it_says_where_to_enter_one(connection: str) -> None:
    estimate = cost.estimate(connection, "nebius", HostedBase("Qwen/Qwen3-8B"), make_dataset().id)
    assert (estimate.low_usd, estimate.high_usd, estimate.text) == (None, None, "The price is not known.")
    assert estimate.remedy == "Enter what Qwen/Qwen3-8B costs at The other studio under Spending."


def test_a_price_that_a_person_entered_comes_first_then_the_service_then_the_table(connection: str) -> None:
    def usd(base: str, live: float | None = None) -> float:
        return cost.price_of(connection, "openai", base, live).usd

    assert usd("gpt-4.1") == 25
    assert usd("gpt-4.1", 20) == 20
    cost.save_price(connection, "*", 7)
    assert usd("gpt-4.1", 20) == 7
    with budgets.acting("Ada"):
        own = cost.save_price(connection, "gpt-4.1", 6)
    assert (usd("gpt-4.1"), own.person, own.connection) == (6, "Ada", "The other studio")
    cost.save_price(connection, "gpt-4.1", 5)
    assert [(price.base_model, price.usd) for price in cost.entered()] == [("*", 7), ("gpt-4.1", 5)]
    for price in cost.entered():
        cost.delete_price(price.id)
    assert usd("gpt-4.1") == 25
    with pytest.raises(NotFound):
        cost.delete_price(own.id)


@pytest.mark.parametrize(("base", "usd", "day"), [("", 1, ""), ("b", -1, ""), ("b", float("inf"), ""), ("b", 1, "May")])
def test_a_price_that_cannot_be_is_refused(connection: str, base: str, usd: float, day: str) -> None:
    with pytest.raises(SettingsError):
        cost.save_price(connection, base, usd, day)


def test_a_published_price_is_that_of_the_longest_id() -> None:
    assert published("openai", "gpt-4o-mini-2024-07-18").usd == 3
    assert published("openai", "gpt-4o-2024-08-06").usd == 25
    assert published("openai", "gpt-4.1-nano").usd == 1.5
    assert published("openai", "gpt-40") is published("nebius", "gpt-4o") is None


@pytest.mark.parametrize(
    ("examples", "epochs"),
    [(10, (3, 10)), (2, (3, 25)), (34, (3, 3)), (8_333, (3, 3)), (10_000, (2, 3)), (50_000, (1, 3))],
)
def test_epochs_that_the_service_chooses_are_a_range(examples: int, epochs: tuple[int, int]) -> None:
    assert auto_epochs(examples) == epochs


def test_a_services_own_default_is_used_where_it_has_one(connection: str) -> None:
    setting = Hyperparameter("n_epochs", "Epochs", "", "int", "n_epochs", default=2)
    dataset = make_dataset()
    estimate = cost.estimate(connection, "openai", HostedBase("gpt-4o"), dataset.id, settings=(setting,))
    assert estimate.epochs == (2, 2)
    assert "2 epochs, the service's default" in estimate.basis


def test_far_too_many_epochs_are_refused(connection: str) -> None:
    with pytest.raises(SettingsError, match="too many"):
        cost.estimate(
            connection, "openai", HostedBase("gpt-4o"), make_dataset().id, hyperparameters={"n_epochs": 10**400}
        )
