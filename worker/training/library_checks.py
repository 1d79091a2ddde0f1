"""What a call from Python is held against before anything is loaded: a wrong value is said in words, with its place."""

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

RUN_FILE: Final = "run.json"  # what the run in an output directory was asked for
_MAKE = "Give what load_examples returns, or Example((Message('user', ...), Message('assistant', ...)))."


def check_examples(examples: Any) -> None:
    """Every item is an Example of messages that can be rendered, and there is one to learn from.

    Raises:
        DataError: names the first item that is none, and what is wrong with it.
    """
    if not isinstance(examples, Sequence) or isinstance(examples, (str, bytes)):
        raise DataError(f"The examples are {_kind(examples)}, not a list of examples.", _MAKE)
    for place, example in enumerate(examples):
        if not isinstance(example, Example):
            raise DataError(f"examples[{place}] is {_kind(example)}, not an Example.", _MAKE)
        check_messages(example.messages, f"examples[{place}]")
        if all(message.role != "assistant" for message in example.messages):
            raise DataError(f"examples[{place}] has no assistant message.", "Add the answer that is to be learnt.")
    if all(example.split != "train" for example in examples):
        raise DataError("There is no example to learn from.", "Give at least one of the split train.")


def check_messages(messages: Any, where: str) -> None:
    """Messages with a known role and text that a tokenizer takes.

    Raises:
        DataError: there is none, or names the first that cannot be used.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, (str, bytes)) or not messages:
        raise DataError(f"{where} has no messages.", "Give at least one Message(role, content).")
    for place, message in enumerate(messages):
        here = f"{where}, message {place}"
        if not isinstance(message, Message):
            raise DataError(f"{here} is {_kind(message)}, not a Message.", "Make it Message(role, content).")
        if message.role not in ROLES:
            raise DataError(f"{here}: there is no role {message.role!r}.", f"Choose one of: {', '.join(ROLES)}.")
        if not isinstance(message.content, str):
            raise DataError(f"{here}: its content is {_kind(message.content)}, not text.", "Give it as text.")
        try:
            message.content.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{here}: character {error.start} of its content is half of a character.", "Remove or replace it."
            ) from error


def check_settings(settings: Any) -> None:
    """Raises SettingsError where they are not what `settings(...)` makes."""
    if settings is not None and not isinstance(settings, TrainingConfig):
        raise SettingsError(f"settings is {_kind(settings)}.", "Make it with settings(num_epochs=3, ...).")


def check_training(training: ResolvedTraining, base: BaseModelRef, examples: Sequence[Example], longest: int) -> None:
    """What looks at the validation loss has one, and no example reaches beyond what the base can read.

    Raises:
        SettingsError: names the setting.
    """
    if all(example.split != "validation" for example in examples):
        for name in ("early_stopping_patience", "keep_best"):
            if getattr(training, name):
                raise SettingsError(
                    f"{name} = {getattr(training, name)} looks at the validation loss, and no example is held out.",
                    f"Hold some out (load_examples(..., validation=0.1)), or leave {name} off.",
                )
    most = base.dims.max_position_embeddings if base.dims else 0
    kept = 0 if training.over_length == "drop" and longest > training.max_seq_length else longest
    if most and min(kept, training.max_seq_length) > most:
        raise SettingsError(
            f"max_seq_length = {training.max_seq_length:,} is more than {base.title} can read: {most:,} tokens; the "
            f"longest example has {longest:,}.",
            f"Set max_seq_length to {most:,} or less.",
        )


def begin(
    folder: Path, base: BaseModelRef, method: Method, training: ResolvedTraining, examples: Sequence[Example]
) -> None:
    """Make the output directory, and note there what its run is asked for.

    Raises:
        SettingsError: its checkpoints are those of another run; going on from them would mix the two.
        StorageError: it cannot be made or written.
    """
    asked = {
        "base_model": f"{base.id} {base.revision}",
        "method": method.id,
        **method.model_dump(mode="json"),
        **training.model_dump(mode="json"),
        "examples": _digest(examples),
    }
    note = folder / RUN_FILE
    try:
        if checkpoints.newest(folder / "checkpoints") is not None and note.is_file():
            _same_run(folder, json.loads(note.read_text(encoding="utf-8")), asked)
        folder.mkdir(parents=True, exist_ok=True)
        checkpoints.write_json(note, asked)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {checkpoints.reason(error)}.", "Choose another output_dir."
        ) from error


def _same_run(folder: Path, before: dict[str, Any], asked: dict[str, Any]) -> None:
    for name in ("base_model", "method", *asked):
        if name in before and before[name] != asked[name]:  # a setting that was not there then is no other wish
            said = "other examples" if name == "examples" else f"{name} {before[name]} then, {asked[name]} now"
            raise SettingsError(
                f"{folder} holds a run that was asked for something else: {said}.",
                "Choose another output_dir, or delete this one to begin anew.",
            )


def _digest(examples: Sequence[Example]) -> str:
    digest = hashlib.sha256()
    for example in examples:
        messages = [message.to_dict() for message in example.messages]
        digest.update(json.dumps([example.split, messages], sort_keys=True).encode())
    return digest.hexdigest()


def _kind(value: object) -> str:
    return "nothing (None)" if value is None else f"of the type {type(value).__name__}"
