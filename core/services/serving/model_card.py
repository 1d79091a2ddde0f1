"""The model card of an export, in Hugging Face form: what it was made from, how, how well it does, and its license."""

from __future__ import annotations

import json
from typing import Any, Final

from core.models import base_models
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.services.training import jobs, models
from core.services.training.metrics import final_loss_text
from core.services.training.models import ModelRecord
from core.serving.model_formats import ModelFormat

# The catalog's names of licenses -> the Hub's ids. Source: the Hub's documentation of model cards.
_LICENSES: Final = {
    "apache 2.0": "apache-2.0", "mit": "mit", "gemma": "gemma", "llama 2": "llama2", "llama 3.2": "llama3.2",
}  # fmt: skip
_SPDX: Final = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "openrail", "gpl-3.0", "lgpl-3.0")


def card(model: ModelRecord, entry: ModelFormat) -> str:
    """README.md of an export."""
    base, method = models.base_and_method(model)
    parts = (
        _front_matter(base, method, entry),
        f"# {_line(model.name)}\n\n{_intro(base, method, entry)}",
        f"## Training\n\n{_training(model, method)}",
        f"## Data\n\n{_data(model)}",
        f"## Scores\n\n{_scores(model)}",
        f"## License\n\n{_license_text(base)}",
        f"## Notes\n\n{model.notes.strip()}" if model.notes.strip() else "",
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def license_id(base: BaseModelRef) -> str:
    """The Hub's id of the base's license; `other` for one that the Hub has no id for, "" if none is known."""
    name = base.license.strip().lower()
    if name in _SPDX:
        return name
    return _LICENSES.get(name, "other" if name and base.id in base_models.BASE_MODELS else "")


def _front_matter(base: BaseModelRef, method: Method, entry: ModelFormat) -> str:
    tags = ["sft-studio", "supervised-fine-tuning", method.id]
    lines = ["---"]
    if license := license_id(base):
        lines.append(f"license: {license}")
        if license == "other":
            lines.append(f"license_name: {json.dumps(base.license)}")
    if base.id in base_models.BASE_MODELS:
        lines += [f"base_model: {base.id}", f"base_model_relation: {'finetune' if entry.complete else 'adapter'}"]
    lines += [f"library_name: {entry.library}", "pipeline_tag: text-generation"]
    return "\n".join([*lines, "tags:", *(f"- {tag}" for tag in tags), "---"])


def _intro(base: BaseModelRef, method: Method, entry: ModelFormat) -> str:
    return (
        f"A fine-tuned model of SFT Studio: {_line(base.title)}, trained with {method.title} on labeled examples "
        f"(supervised fine-tuning). These files: {entry.title}.\n\n"
        "`SHA256SUMS` has the checksums (`sha256sum -c SHA256SUMS`); `generation_config.json` the tokens that end an "
        "answer. The chat template must be used as it is: the model was trained with it."
    )


def _training(model: ModelRecord, method: Method) -> str:
    spec = jobs.get_job(model.job_id, with_deleted=True).spec
    if spec.hosted:
        there: list[tuple[str, Any]] = [("Base model", spec.base_model), ("Trained at", _line(spec.hosted.connection))]
        return _table(("Setting", "Value"), [*there, *spec.hosted.hyperparameters.items()])
    training = spec.training
    rows: list[tuple[str, Any]] = [
        ("Base model", f"{spec.base_model}{f' (revision {spec.base_revision[:12]})' if spec.base_revision else ''}"),
        ("Method", method.title),
        *((f"{name}", value) for name, value in spec.method_config.items()),
        ("Epochs", training.num_epochs),
        ("Steps", training.total_steps),
        ("Batch size", training.per_device_batch_size * training.gradient_accumulation_steps),
        ("Learning rate", training.learning_rate),
        ("Maximum length (tokens)", training.max_seq_length),
        ("Seed", training.seed),
        ("Chat template (SHA-256)", str(model.manifest.get("chat_template_sha256", ""))[:16]),
    ]
    return _table(("Setting", "Value"), rows)


def _data(model: ModelRecord) -> str:
    facts = model.manifest.get("dataset") or {}
    spec = jobs.get_job(model.job_id, with_deleted=True).spec
    digest = str(facts.get("sha256") or spec.dataset_sha256)
    return f"Dataset “{_line(model.dataset_name)}”, version {spec.dataset_version_id} (SHA-256 `{digest[:16]}…`)."


def _scores(model: ModelRecord) -> str:
    lines = []
    if loss := final_loss_text(model.final_loss):
        lines.append(f"- Training: {loss}.")
    for score in models.scores(model):
        lines.append(f"- {_line(score.title)}{f' ({_line(score.part)})' if score.part else ''}: {score.text}.")
    return "\n".join(lines) or "It has not been evaluated yet."


def _license_text(base: BaseModelRef) -> str:
    if base.buildable:
        return "The base model was built by SFT Studio on this machine and has no restrictions."
    known = base.license or "unknown; see the base model's own card"
    return f"License of the base model: {_line(known)}. It also applies to models that are derived from it."


def _table(head: tuple[str, str], rows: list[tuple[str, Any]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    return "\n".join([*lines, *(f"| {_line(str(name))} | {_line(str(value))} |" for name, value in rows)])


def _line(text: str) -> str:
    """Text of users on one line of Markdown."""
    return " ".join(text.replace("|", "\\|").split())
