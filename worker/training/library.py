"""The same training from Python: examples from a file, a base model, a method, and a model that answers.

    from worker.training import load_examples, train

    examples = load_examples("chats.parquet", validation=0.05)
    result = train("starter", examples, method="lora", output_dir="runs/first")
    print(result.loss, result.model_dir)
    print(result.chat("What is the refund policy?"))

No database and no queue: files in, files out. Settings that are not given are resolved as in the app, and printed with
their sources. Called again with the same output directory, an interrupted run resumes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from core.data import formats
from core.data.conversion import chat_shapes, fields
from core.data.conversion.labeling import Labeler, Recipe
from core.errors import DataError, SettingsError
from core.messages import Example, Finding, Message, Reject, Row
from core.models import base_models, methods
from core.models.base_models import BaseModelRef
from core.models.base_models.light_tokenizer import load_tokenizer as load_light_tokenizer
from core.models.methods import Method
from core.models.refusals import question, rendered
from core.text import format_loss
from core.training import engines
from core.training.engines import Choice
from core.training.jobs.resolve import resolve
from core.training.jobs.spec import ResolvedTraining, TrainingConfig
from core.training.precision import PrecisionChoice
from worker.training import library_checks

if TYPE_CHECKING:
    from core.training.metrics import Point

Say = Callable[[str], object]
MOST_MEASURED: Final = 2_000  # most examples whose lengths are counted before the maximum length is chosen


class Examples(list[Example]):
    """Labeled examples of a file and its findings; `read` rows = rows that became examples + `rejects`."""

    def __init__(self, examples: Sequence[Example], findings: Sequence[Finding], rejects: Sequence[Reject], read: int):
        super().__init__(examples)
        self.findings = list(findings)
        self.rejects = list(rejects)
        self.read = read

    def report(self) -> str:
        """A summary of what was read, and the findings, one line each."""
        lines = [f"{self.read:,} rows read: {len(self):,} labeled examples, {len(self.rejects):,} left out."]
        for item in self.findings:
            where = f"line {item.line}: " if item.line else ""
            lines.append(f"{item.severity}: {where}{item.message} {item.remedy}".rstrip())
        return "\n".join(lines)


def load_examples(
    path: str | Path, *, validation: float = 0.0, seed: int = 42, without: Iterable[str] = ()
) -> Examples:
    """The labeled examples of a JSONL, JSON, CSV, Excel or Parquet file with known columns.

    Args:
        path: known formats are chat messages, ShareGPT conversations (FineTome), Alpaca instructions, prompt and
            completion, question and answer, input and output, or a column per role.
        validation: share of the examples (0 to 0.5) to hold out, drawn by `seed`.
        without: fields to leave out although that changes what an example means, such as a rating.

    Raises:
        DataError: the file cannot be read, its columns are not known, or a field that changes the meaning would be
            lost; names them.
        SettingsError: `validation` is out of bounds.
    """
    file = Path(path).expanduser()
    if not isinstance(validation, (int, float)) or not 0 <= validation <= 0.5:
        raise SettingsError(f"validation = {validation!r} does not work.", "Hold out a share between 0 and 0.5.")
    try:
        exists = file.is_file()
    except OSError:  # a name longer than the file system allows
        exists = False
    if not exists:
        raise DataError(f"There is no file {str(file)[:200]}.", "Check the path.")
    detection = formats.detect_file(file, file.name)
    beginning = islice(formats.read(file, detection), chat_shapes.SAMPLE)
    shape = chat_shapes.detect(item for item in beginning if isinstance(item, Row))
    if shape is None:
        columns = next((list(row.fields) for row in formats.read(file, detection) if not isinstance(row, Reject)), [])
        raise DataError(
            f"The columns of {file.name} are not known: {', '.join(map(repr, columns)) or 'none'}.",
            "Name the columns question and answer, or convert the table in the app or with `sft convert`.",
        )
    recipe = Recipe(shape=shape, without=tuple(without))
    fields.account(recipe, formats.read(file, detection)).check(recipe.without)
    labeler = Labeler(recipe, file.name)
    examples: list[Example] = []
    rejects: list[Reject] = []
    findings = list(detection.findings)
    for item in labeler.run(formats.read(file, detection)):
        findings += item.findings
        if isinstance(item, Reject):
            rejects.append(item)
        else:
            examples.append(item.example)
    train = [index for index, example in enumerate(examples) if example.split == "train"]
    held_out = round(len(train) * validation)
    for index in random.Random(seed).sample(train, held_out):  # noqa: S311  a seeded draw, not a secret
        examples[index] = replace(examples[index], split="validation")
    return Examples(examples, findings, rejects, labeler.read)


def method(method_id: str, **settings: Any) -> Method:
    """A method with validated settings: `method("lora", rank=8)`. Raises NotFound and SettingsError."""
    return methods.build(method_id, settings)


def settings(**values: Any) -> TrainingConfig:
    """Validated general settings of a run: `settings(num_epochs=3)`; the rest is *auto*.

    Raises:
        SettingsError: names the setting, its value and the bound.
    """
    try:
        return TrainingConfig(**values)
    except ValidationError as error:
        raise methods.setting_error(error, "Training", TrainingConfig.model_fields) from error


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes:
        status: `finished`, or `early_stopped`.
        loss, validation_loss: the last ones.
        losses, validation_losses: step -> loss, of the steps in this call.
        model_dir: the adapter (or all weights) with its tokenizer.
        base, method, training, sources, engine: what it was trained with, and the source of each number.
        run: everything that was measured (tokens, seconds, memory).
    """

    status: str
    loss: float | None
    validation_loss: float | None
    losses: dict[int, float]
    validation_losses: dict[int, float]
    model_dir: Path
    base: BaseModelRef
    method: Method
    training: ResolvedTraining
    sources: Mapping[str, str]
    engine: Choice
    run: Any = field(repr=False)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        from worker.training.model_files import load_tokenizer, load_tuned

        assert self.base.path is not None
        return load_tuned(self.base.path, self.model_dir).eval(), load_tokenizer(self.base.path)

    def chat(self, text: str | Sequence[Message], *, system: str = "", max_new_tokens: int = 256) -> str:
        """The tuned model's answer (greedy) to a question, or to a conversation that ends with one.

        Raises:
            DataError: there is nothing to answer, or it is not text. SettingsError: `max_new_tokens` is below 1.
        """
        from worker.training.generate import answer

        if max_new_tokens < 1:
            raise SettingsError(f"max_new_tokens = {max_new_tokens} does not work.", "Use 1 or more.")
        messages = (Message("user", text),) if isinstance(text, str) else text
        library_checks.check_messages(messages, "The conversation")
        lead = (Message("system", system),) if system else ()
        model, tokenizer = self._loaded
        conversation = question((*lead, *messages), tokenizer, self.training.on_refusal)
        return answer(model, tokenizer, [conversation], max_new_tokens=max_new_tokens)[0]


def train(
    base_model: str | Path,
    examples: Sequence[Example],
    *,
    output_dir: str | Path,
    method: str | Method = "lora",
    settings: TrainingConfig | None = None,
    engine: str = engines.AUTO,
    say: Say = print,
) -> Trained:
    """Fine-tune a base model on examples.

    Args:
        base_model: `starter` (built if it does not exist), a directory, or a Hub id whose files are in the local cache.
        examples: from `load_examples`, or your own; those of the splits `validation` and `test` are not trained on.
        output_dir: for `checkpoints/` and `model/`; the same call resumes from its checkpoints.
        method: an id (with its preset for the base) or the result of `method(...)`.
        settings: the result of `settings(...)`; None for all automatic.
        engine: `auto`, or the id of an engine.
        say: called with each line of progress; `lambda text: None` for silence.

    Raises:
        NotFound, DataError: no such base model or method, or nothing to train on. SettingsError: a setting that does
        not work, or `output_dir` has the run of another call. StorageError: it cannot be written. TrainingError: the
        run
        failed, with the remedy.
    """
    library_checks.check_settings(settings)
    library_checks.check_examples(examples)
    base = _base(base_model, say)
    tuner = method if isinstance(method, Method) else methods.build(method, base.preset(method).method)
    if base.dims is not None:
        tuner.check(base.dims)
    choice = engines.choose(engine, tuner, probe=True)
    train_examples = [example for example in examples if example.split == "train"]
    asked = settings or TrainingConfig()
    longest = _longest(train_examples, base, asked.on_refusal)
    training, sources = resolve(
        asked, base, tuner.id, len(train_examples), longest_tokens=longest, counted_by=base.title
    )
    library_checks.check_training(training, base, examples, longest or 0)
    folder = Path(output_dir).expanduser()
    library_checks.begin(folder, base, tuner, training, examples)
    _print_settings(base, tuner, choice, training, sources, say)
    losses: dict[str, dict[int, float]] = {"train": {}, "validation": {}}
    every = max(1, training.total_steps // 20)

    def on_point(point: Point) -> None:
        losses[point.split][point.step] = point.loss
        if point.split == "validation" or point.step % every == 0 or point.step == training.total_steps:
            part = f" (on {point.part})" if point.part else ""
            say(f"step {point.step:,} of {training.total_steps:,}: {point.split} loss {format_loss(point.loss)}{part}")

    assert base.path is not None
    # the engine must be imported before everything that imports transformers
    from worker.training.engines import Watching, import_engine

    import_engine(choice.engine)
    from worker.training import run

    watching = Watching(on_point=on_point, on_precision=lambda settled: _say_precision(settled, say))
    result = run.train(
        base.path,
        examples,
        tuner,
        training,
        folder,
        engine=choice.engine,
        watching=watching,
        revision=base.revision,
    )
    assert result.model_dir is not None  # it cannot be paused or cancelled: it finishes, or raises
    say(f"Model written to {result.model_dir}")
    return Trained(
        status=result.status,
        loss=result.loss,
        validation_loss=result.validation_loss,
        losses=losses["train"],
        validation_losses=losses["validation"],
        model_dir=result.model_dir,
        base=base,
        method=tuner,
        training=training,
        sources=sources,
        engine=choice,
        run=result,
    )


def _base(base_model: str | Path, say: Say) -> BaseModelRef:
    """The base of an id or a directory, ready to be trained."""
    named = str(base_model)
    is_directory = isinstance(base_model, Path) or named.startswith((".", "/", "~"))
    base = base_models.resolve(f"{base_models.LOCAL}{named}" if is_directory else named)
    if base.buildable and not base.ready:
        from core.models.base_models.starter import starter_dir
        from worker.training import starter

        say("Building the starter model; that takes a few minutes.")
        starter.build(starter_dir(), lambda percent, text: None)
        base = base_models.resolve(named)
    if not base.ready or base.path is None:
        raise DataError(base.reason, f"Run: {base.command}" if base.command else "", code="base_model")
    return base


def _longest(examples: Sequence[Example], base: BaseModelRef, on_refusal: str) -> int | None:
    """Tokens of the longest example; None if there are too many to count first."""
    if len(examples) > MOST_MEASURED or base.path is None:
        return None
    tokenizer = load_light_tokenizer(base.path, base.revision)
    tokens = rendered(examples, tokenizer, on_refusal)
    return max(len(item.input_ids) if item else 0 for item in tokens)


def _say_precision(settled: PrecisionChoice, say: Say) -> None:
    say(f"precision   {settled.precision}: {settled.reason}")
    if settled.warning:
        say(f"warning: {settled.warning}")


def _print_settings(
    base: BaseModelRef, tuner: Method, choice: Choice, training: ResolvedTraining, sources: Mapping[str, str], say: Say
) -> None:
    """Print every number with its source."""
    say(f"base model  {base.title} ({base.size} parameters, revision {base.revision[:12]})")
    say(f"method      {tuner.title}: {', '.join(f'{name} {value}' for name, value in tuner.model_dump().items())}")
    say(f"engine      {choice.title}: {choice.reason}")
    for name, value in training.model_dump().items():
        say(f"  {name:<28} {value!s:<10} {sources.get(name, '')}".rstrip())
