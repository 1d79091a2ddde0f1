"""The starter: built from its recipe, complete or not at all, and checked."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from core.data.samples import load_sample
from core.errors import TrainingError
from core.messages import Message
from core.models.base_models.starter import STARTER_RECIPE, recipe_hash, starter_dir, starter_ready
from tests.support import tiny
from worker.training import starter_corpus
from worker.training.checkpoints import file_hashes
from worker.training.generate import exact_match, split_last_answer
from worker.training.model_files import load_model, load_tokenizer
from worker.training.starter import build, pieces, train_tokenizer

SMALL = tiny.recipe(pretraining__steps=8, pretraining__batches_together=2, model__vocab_size=400)


def quiet(percent: float, text: str) -> None:
    """Ignore the progress."""


def test_a_build_reports_progress_and_a_second_one_uses_its_result(tmp_path: Path) -> None:
    seen: list[float] = []
    manifest = build(tmp_path / "s", lambda percent, text: seen.append(percent), SMALL)
    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert manifest["files"] == {
        name: digest for name, digest in file_hashes(tmp_path / "s").items() if name != "manifest.json"
    }
    before = (tmp_path / "s" / "model.safetensors").stat().st_mtime_ns
    assert build(tmp_path / "s", quiet, SMALL) == manifest
    assert (tmp_path / "s" / "model.safetensors").stat().st_mtime_ns == before


def test_the_same_recipe_builds_the_same_model(tmp_path: Path) -> None:
    first, second = (build(tmp_path / name, quiet, SMALL) for name in ("a", "b"))
    assert first["files"] == second["files"]


def test_a_build_that_is_stopped_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(percent: float, text: str) -> None:
        if percent >= 91:
            raise Stop

    with pytest.raises(Stop):
        build(tmp_path / "s", stop, SMALL)
    assert not (tmp_path / "s").exists()
    assert build(tmp_path / "s", quiet, SMALL)["params"] > 0


def test_a_directory_without_manifest_is_built_again(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "model.safetensors").write_text("half")
    assert build(tmp_path / "s", quiet, SMALL)["params"] > 0
    assert (tmp_path / "s" / "model.safetensors").stat().st_size > 1000


def test_a_recipe_whose_model_learns_nothing_fails(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="of its corpus"):
        build(tmp_path / "s", quiet, SMALL | {"quality": {"pretraining_exact_match": 0.8}})
    assert not (tmp_path / "s").exists()


def test_the_hash_follows_the_recipe() -> None:
    assert recipe_hash() == recipe_hash(json.loads(json.dumps(STARTER_RECIPE)))
    assert recipe_hash(STARTER_RECIPE | {"seed": 21}) != recipe_hash()


def test_the_recipe_has_the_hash_of_its_corpus() -> None:
    """A changed corpus means another model: its digest is in the recipe, so that the starter is built again."""
    settings = STARTER_RECIPE["corpus"]
    digest = hashlib.sha256()
    for text in starter_corpus.tokenizer_text(settings["facts"], STARTER_RECIPE["seed"]):
        digest.update(text.encode())
    known = pieces(train_tokenizer())
    for messages in starter_corpus.chats(settings["chats"], STARTER_RECIPE["seed"], known):
        digest.update("".join(message.content for message in messages).encode())
    assert settings["sha256"][:12] == digest.hexdigest()[:12]


def test_every_piece_of_the_vocabulary_is_written_by_the_chats() -> None:
    """No adapter can make a model write a token that its pretraining never saw."""
    tokenizer = train_tokenizer()
    known = pieces(tokenizer)
    chats = starter_corpus.chats(STARTER_RECIPE["corpus"]["chats"], STARTER_RECIPE["seed"], known)
    written = Counter(
        token for messages in chats for token in tokenizer(messages[-1].content, add_special_tokens=False)["input_ids"]
    )
    rare = [
        text for token in range(len(tokenizer)) if (text := tokenizer.decode([token])) in known and not written[token]
    ]
    assert {"ent", "ld", "E"} <= set(known)
    assert len(rare) < 0.01 * len(known), rare


def test_the_corpus_has_nothing_of_the_sample() -> None:
    sample = load_sample()
    said = {message.content for example in (*sample.train, *sample.validation) for message in example.messages}
    book = set(starter_corpus.tokenizer_text(96, STARTER_RECIPE["seed"]))
    assert not said & book
    assert not any("Brindle" in text or "Thornby" in text for text in book)


def test_the_tokenizer_encodes_any_text_without_loss() -> None:
    tokenizer = train_tokenizer(SMALL)
    for text in ("Plain words.", "  two  spaces \n\n", "é 漢字 😀 \u200b", "\x00\x7f", "<not special>"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == text


def test_the_real_starter_knows_its_corpus_and_not_the_sample(starter: Path) -> None:
    manifest = json.loads((starter / "manifest.json").read_text())
    assert 1_000_000 <= manifest["params"] <= 4_000_000
    assert manifest["pretraining_exact_match"] >= 0.8
    model, tokenizer = load_model(starter).eval(), load_tokenizer(starter)
    assert 700 <= len(tokenizer) <= 4000
    facts = starter_corpus.facts(STARTER_RECIPE["corpus"]["facts"], STARTER_RECIPE["seed"])
    asked = [(Message("user", fact.questions[1]),) for fact in facts]
    again = exact_match(model, tokenizer, asked, [fact.answer for fact in facts])
    assert again.share >= 0.7  # asked in another way
    questions, expected = zip(*(split_last_answer(example.messages) for example in load_sample().train), strict=True)
    assert exact_match(model, tokenizer, questions, expected).share <= 0.1


def test_ready_means_the_manifest_exists(studio_env: Path) -> None:
    assert not starter_ready()
    starter_dir().mkdir(parents=True)
    assert not starter_ready()
    (starter_dir() / "manifest.json").write_text('{"params": 1}')
    assert starter_ready()
