"""Build the starter from its recipe: corpus -> tokenizer -> model -> a short pre-training -> a check -> files.

Everything is written into a temporary directory beside the final one, the manifest last, then renamed: a killed build
leaves nothing that looks finished. A second build uses the result of the first.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from core.errors import TrainingError
from core.messages import Message
from core.models.base_models.starter import MANIFEST_NAME, STARTER_RECIPE, recipe_hash, starter_dir
from core.models.render import render
from core.platform.tasks.context import Outcome, TaskContext
from worker.training import runtime, starter_corpus
from worker.training.checkpoints import file_hashes
from worker.training.generate import exact_match

Progress = Callable[[float, str], None]  # percent 0..100 and a description; it may raise to stop the build


def build(directory: Path, progress: Progress, recipe: dict[str, Any] = STARTER_RECIPE) -> dict[str, Any]:
    """Build the starter into `directory` and return its manifest; a complete one is not built again.

    Raises:
        TrainingError: the model did not learn its corpus (the recipe is broken).
    """
    manifest_path = directory / MANIFEST_NAME
    if manifest_path.is_file():
        return dict(json.loads(manifest_path.read_text()))
    started = time.perf_counter()
    runtime.seed_all(recipe["seed"])
    facts = starter_corpus.facts(recipe["corpus"]["facts"], recipe["seed"])
    progress(1, "Writing the corpus")
    tokenizer = train_tokenizer(recipe)
    progress(4, "Tokenizing it")
    pairs = [(question, fact.answer) for fact in facts for question in fact.questions]
    fact_set = [render(starter_corpus.as_messages([pair]), tokenizer).input_ids for pair in pairs]
    chats = starter_corpus.chats(recipe["corpus"]["chats"], recipe["seed"], pieces(tokenizer))
    chat_set = [render(messages, tokenizer).input_ids for messages in chats]

    model = LlamaForCausalLM(model_config(recipe, tokenizer))
    _pretrain(model, fact_set, chat_set, recipe, lambda share: progress(6 + 84 * share, "Pre-training"))
    progress(91, "Checking what it learned")
    questions = [(Message("user", fact.questions[0]),) for fact in facts]
    score = exact_match(model.eval(), tokenizer, questions, [fact.answer for fact in facts], max_new_tokens=48).share
    if score < recipe["quality"]["pretraining_exact_match"]:
        raise TrainingError(
            f"The starter answers only {score:.0%} of its corpus.", "Please report that this recipe is broken."
        )

    progress(97, "Writing the files")
    temporary = directory.with_name(f".{directory.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    model.save_pretrained(temporary)
    tokenizer.save_pretrained(temporary)
    manifest = {
        "id": "starter",
        "revision": recipe_hash(recipe),
        "recipe": recipe,
        "params": sum(p.numel() for p in model.parameters()),
        "pretraining_exact_match": score,
        "pretraining_questions": len(facts),
        "seconds": round(time.perf_counter() - started, 1),
        "files": file_hashes(temporary),
    }
    (temporary / MANIFEST_NAME).write_text(json.dumps(manifest, indent=1))
    _publish(temporary, directory)
    progress(100, "Ready")
    return manifest


def _publish(temporary: Path, directory: Path) -> None:
    """Rename into place; if another build finished first, its result is used."""
    try:
        temporary.rename(directory)
    except OSError:
        if not (directory / MANIFEST_NAME).is_file():
            shutil.rmtree(directory)
            temporary.rename(directory)
            return
        shutil.rmtree(temporary)


def train_tokenizer(recipe: dict[str, Any] = STARTER_RECIPE) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on the corpus only: it can encode any text without loss."""
    spec = recipe["tokenizer"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe["model"]["vocab_size"],
        special_tokens=spec["special_tokens"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text = starter_corpus.tokenizer_text(recipe["corpus"]["facts"], recipe["seed"])
    tokenizer.train_from_iterator(text, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=spec["pad_token"],
        eos_token=spec["eos_token"],
        additional_special_tokens=[
            t for t in spec["special_tokens"] if t not in (spec["pad_token"], spec["eos_token"])
        ],
        model_max_length=recipe["model"]["max_position_embeddings"],
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
    fast.chat_template = spec["chat_template"]
    return fast


def pieces(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """The texts of the vocabulary's tokens, sorted, without spaces. Bytes that form no character alone are left out."""
    texts = (
        tokenizer.decode([token]).strip() for token in range(len(tokenizer)) if token not in tokenizer.all_special_ids
    )
    return sorted({text for text in texts if text and text.isprintable() and "\ufffd" not in text})


def model_config(recipe: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """The architecture of the recipe, with the tokenizer's own size and special ids."""
    shape = {k: v for k, v in recipe["model"].items() if k not in ("vocab_size", "rope_theta")}
    return LlamaConfig(
        **shape,
        vocab_size=len(tokenizer),
        rope_parameters={"rope_type": "default", "rope_theta": recipe["model"]["rope_theta"]},
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )


def _batches(facts: list[list[int]], chats: list[list[int]], recipe: dict[str, Any]) -> Iterator[list[list[int]]]:
    """Batches of facts and chats in the recipe's shares; each pool is repeated in a new order each time.

    The examples of several batches are drawn together and sorted by length before they are split: with mixed lengths,
    half of the computation would be padding.
    """
    plan = recipe["pretraining"]
    rng = random.Random(recipe["seed"])  # noqa: S311  a seeded order, not a secret

    def endless(pool: list[list[int]]) -> Iterator[list[int]]:
        while True:
            yield from rng.sample(pool, len(pool))

    fact_stream, chat_stream = endless(facts), endless(chats)
    drawn = plan["batch_size"] * plan["batches_together"]
    from_facts = round(drawn * plan["fact_share"])
    for _ in range(plan["steps"] // plan["batches_together"]):
        pool = [next(fact_stream) for _ in range(from_facts)]
        pool += [next(chat_stream) for _ in range(drawn - from_facts)]
        pool.sort(key=len)
        batches = [pool[i : i + plan["batch_size"]] for i in range(0, drawn, plan["batch_size"])]
        rng.shuffle(batches)
        yield from batches


def _pretrain(
    model: LlamaForCausalLM,
    facts: list[list[int]],
    chats: list[list[int]],
    recipe: dict[str, Any],
    progress: Callable[[float], None],
) -> None:
    """A simple loop: AdamW, a short warm-up, cosine to zero. Rows are padded on the right, so no mask is needed."""
    plan = recipe["pretraining"]
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=plan["learning_rate"], weight_decay=plan["weight_decay"], betas=(0.9, 0.95)
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, runtime.warmup_cosine(plan["warmup_steps"], plan["steps"]))
    model.train()
    for step, batch in enumerate(_batches(facts, chats, recipe)):
        width = max(map(len, batch))
        input_ids = torch.zeros(len(batch), width, dtype=torch.long)
        labels = torch.full((len(batch), width), -100)
        for row, ids in enumerate(batch):  # all text is learned, the questions too, so that the model learns to read
            input_ids[row, : len(ids)] = labels[row, : len(ids)] = torch.tensor(ids)
        loss = model(input_ids=input_ids, labels=labels, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan["max_grad_norm"])
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 10 == 0:
            progress(step / plan["steps"])


def handle(ctx: TaskContext) -> Outcome:
    """The task `starter`: build it, unless it exists."""

    def progress(percent: float, text: str) -> None:
        ctx.raise_if_interrupted()
        ctx.progress(percent, "Building the starter", text)

    runtime.use_cores()
    build(starter_dir(), progress)
    return Outcome("succeeded")
