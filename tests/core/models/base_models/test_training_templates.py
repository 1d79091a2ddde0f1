"""Templates of the families in the catalog, as in TRL: every answer of a chat is learned, and nothing else."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from core.messages import Message
from core.models.base_models import training_templates
from core.models.base_models.light_tokenizer import LightTokenizer, training_template
from core.models.render import render, render_prompt
from tests.support.random_model import make_model

FOLDER = Path(importlib.util.find_spec("trl").submodule_search_locations[0]) / "chat_templates"  # type: ignore[union-attr]
FAMILIES = ("llama3", "llama3_1", "llama3_2", "qwen2_5", "qwen3", "gemma", "gemma3", "phi3", "phi3_5")
CHAT = (
    Message("user", "One?"),
    Message("assistant", "It is first."),
    Message("user", "Two?"),
    Message("assistant", "It is second."),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer with the special tokens that the templates name."""
    model = make_model(tmp_path_factory.mktemp("family"))
    settings = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps(settings | {"bos_token": "<|pad|>"}))
    return model


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest, directory: Path) -> Path:
    text = (FOLDER / f"{request.param}.jinja").read_text(encoding="utf-8")
    (directory / "chat_template.jinja").write_text(text, encoding="utf-8")
    return directory


def learnt(tokenizer: LightTokenizer, chat: tuple[Message, ...]) -> str:
    rendered = render(chat, tokenizer)
    marked = zip(rendered.offsets, rendered.assistant_mask, strict=True)
    return "".join(rendered.text[a:b] if on else "|" for (a, b), on in marked)


def test_both_answers_are_learned_and_a_prompt_is_a_prefix_of_the_training_text(family: Path) -> None:
    tokenizer = LightTokenizer(family)
    said = learnt(tokenizer, CHAT)
    assert "It is first." in said
    assert "It is second." in said
    assert "One?" not in said
    assert "Two?" not in said
    whole = render(CHAT, tokenizer).input_ids
    for asked in (CHAT[:1], CHAT[:3]):
        prompt = render_prompt(asked, tokenizer)
        assert whole[: len(prompt)] == prompt


def test_only_templates_that_do_not_work_for_training_are_replaced(directory: Path) -> None:
    needing = []
    for family in FAMILIES:
        (directory / "chat_template.jinja").write_text((FOLDER / f"{family}.jinja").read_text(encoding="utf-8"))
        if template := LightTokenizer(directory).training_template:
            needing.append(family)
            assert "generation" in template
            assert training_template(directory) == template
    assert needing == ["qwen3", "phi3", "phi3_5"]  # one rewrites its turns, the others end every chat


def test_an_unknown_template_is_not_replaced() -> None:
    assert training_templates.variant_of("{{ messages }}") is None


def test_the_worker_trains_with_the_same_template(directory: Path) -> None:
    from worker.training.model_files import load_tokenizer

    for family in ("qwen3", "phi3_5"):
        (directory / "chat_template.jinja").write_text((FOLDER / f"{family}.jinja").read_text(encoding="utf-8"))
        light, heavy = LightTokenizer(directory), load_tokenizer(directory)
        assert "generation" in heavy.chat_template
        assert render(CHAT, heavy) == render(CHAT, light)
        assert render_prompt(CHAT[:3], heavy) == render_prompt(CHAT[:3], light)
