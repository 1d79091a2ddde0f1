"""Validate the arguments of the library before any heavy import."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from core.errors import DataError, SettingsError, StorageError
from core.messages import ROLES, Example, Message
from core.models.base_models import BaseModelRef
from core.models.methods import Method
from core.training.jobs.spec import ResolvedTraining, TrainingConfig
from worker.training import checkpoints

RUN_FILE: Final = "run.json"  # the arguments of the run in an output directory
_MAKE = "Pass the result of load_examples, or Example((Message('user', ...), Message('assistant', ...)))."


def check_examples(examples: Any) -> None:
    """Check that every item is an Example whose messages can be rendered, and that one is for training.

    Raises:
        DataError: names the first wrong item, and what is wrong with it.
    """
    if not isinstance(examples, Sequence) or isinstance(examples, (str, bytes)):
        raise DataError(f"The examples are {_kind(examples)}, not a list of examples.", _MAKE)
    for place, example in enumerate(examples):
        if not isinstance(example, Example):
            raise DataError(f"examples[{place}] is {_kind(example)}, not an Example.", _MAKE)
        check_messages(example.messages, f"examples[{place}]")
        if all(message.role != "assistant" for message in example.messages):
            raise DataError(f"examples[{place}] has no assistant message.", "Add the answer to learn.")
    if all(example.split != "train" for example in examples):
        raise DataError("There is no training example.", "Pass at least one from the train split.")


def check_messages(messages: Any, where: str) -> None:
    """Check that messages have a known role and text that can be tokenized.

    Raises:
        DataError: there are none; or names the first one that cannot be used.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, (str, bytes)) or not messages:
        raise DataError(f"{where} has no messages.", "Pass at least one Message(role, content).")
    for place, message in enumerate(messages):
        here = f"{where}, message {place}"
        if not isinstance(message, Message):
            raise DataError(f"{here} is {_kind(message)}, not a Message.", "Use Message(role, content).")
        if message.role not in ROLES:
            raise DataError(f"{here}: unknown role {message.role!r}.", f"Choose one of: {', '.join(ROLES)}.")
        if not isinstance(message.content, str):
            raise DataError(f"{here}: its content is {_kind(message.content)}, not text.", "Pass it as text.")
        try:
            message.content.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{here}: character {error.start} of its content is half of a character.", "Remove or replace it."
            ) from error


def check_settings(settings: Any) -> None:
    """Raises SettingsError if they are not the result of `settings(...)`."""
    if settings is not None and not isinstance(settings, TrainingConfig):
        raise SettingsError(f"settings is {_kind(settings)}.", "Create it with settings(num_epochs=3, ...).")


def check_training(training: ResolvedTraining, base: BaseModelRef, examples: Sequence[Example], longest: int) -> None:
    """Check that settings based on the validation loss have one, and that no example exceeds the base's context length.

    Raises:
        SettingsError: names the setting.
    """
    if all(example.split != "validation" for example in examples):
        for name in ("early_stopping_patience", "keep_best"):
            if getattr(training, name):
                raise SettingsError(
                    f"{name} = {getattr(training, name)} needs a validation loss, but no example is held out.",
                    f"Hold some out (load_examples(..., validation=0.1)), or turn {name} off.",
                )
    most = base.dims.max_position_embeddings if base.dims else 0
    needed = 0 if training.over_length == "drop" and longest > training.max_seq_length else longest
    if most and min(needed, training.max_seq_length) > most:
        raise SettingsError(
            f"max_seq_length = {training.max_seq_length:,} is more than the context length of {base.title} ({most:,} "
            f"tokens); the longest example has {longest:,}.",
            f"Set max_seq_length to {most:,} or less.",
        )


def begin(
    folder: Path, base: BaseModelRef, method: Method, training: ResolvedTraining, examples: Sequence[Example]
) -> None:
    """Create the output directory, and record the arguments of its run.

    Raises:
        SettingsError: its checkpoints are from another run; resuming from them would mix the two.
        StorageError: it cannot be created or written.
    """
    arguments = {
        "base_model": f"{base.id} {base.revision}",
        "method": method.id,
        **method.model_dump(mode="json"),
        **training.model_dump(mode="json"),
        "examples": _digest(examples),
    }
    note = folder / RUN_FILE
    try:
        if checkpoints.newest(folder / "checkpoints") is not None and note.is_file():
            _same_run(folder, json.loads(note.read_text(encoding="utf-8")), arguments)
        folder.mkdir(parents=True, exist_ok=True)
        checkpoints.write_json(note, arguments)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {checkpoints.reason(error)}.", "Choose another output_dir."
        ) from error


def _same_run(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    for name in ("base_model", "method", *now):
        if name in before and before[name] != now[name]:  # a setting that did not exist then is not a difference
            what = "other examples" if name == "examples" else f"{name} {before[name]} then, {now[name]} now"
            raise SettingsError(
                f"{folder} already has a run with different arguments: {what}.",
                "Choose another output_dir, or delete this one to start over.",
            )


def _digest(examples: Sequence[Example]) -> str:
    digest = hashlib.sha256()
    for example in examples:
        messages = [message.to_dict() for message in example.messages]
        content = [example.split, messages, *([example.tools] if example.tools else [])]
        digest.update(json.dumps(content, sort_keys=True).encode())
    return digest.hexdigest()


def _kind(value: object) -> str:
    return "nothing (None)" if value is None else f"of the type {type(value).__name__}"
