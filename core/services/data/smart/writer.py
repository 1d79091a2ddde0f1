"""One row -> examples: call the model, check the answer, retry if that helps, count tokens, flag doubtful answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from core.data.conversion.smart import answers, grounding, prompts
from core.data.conversion.smart.answers import BadAnswer, WrittenPair
from core.data.conversion.smart.grounding import CUT, Flag
from core.data.conversion.smart.prompts import PROMPT_VERSION, SmartPrompt
from core.data.conversion.smart.recipe import SmartRecipe
from core.messages import Message
from core.models.llm import Ask, Client, LlmError
from core.models.llm.prices import Price
from core.models.llm.retry import Patience
from core.platform.tasks.records import TaskRecord
from core.services.data.smart.records import GeneratedExample, RowResult
from core.services.platform import connections

WRITTEN_BY_MODEL: Final = "written_by_model"  # flag of every example that a model wrote
ANSWER_TRIES: Final = 3  # of one row, when the model's answers cannot be used


@dataclass(frozen=True, slots=True)
class Item:
    """A row to send: its position among the readable rows, its line, and the chosen cells that are not empty."""

    position: int
    line: int
    cells: Mapping[str, str]


class Budget:
    """The remaining budget. The cost of a call is reserved before the call, so that the limit is never exceeded."""

    def __init__(self, limit_usd: float | None, spent_usd: float = 0.0) -> None:
        self.limit_usd, self.spent_usd = limit_usd, spent_usd
        self._aside_usd = 0.0
        self._lock = threading.Lock()

    def set_aside(self, most_usd: float) -> bool:
        """Reserve the most that a call can cost; False if the budget does not cover it."""
        with self._lock:
            if self.limit_usd is not None and self.spent_usd + self._aside_usd + most_usd > self.limit_usd:
                return False
            self._aside_usd += most_usd
            return True

    def settle(self, most_usd: float, spent_usd: float) -> None:
        """Release the reserve and record what was spent."""
        with self._lock:
            self._aside_usd = max(self._aside_usd - most_usd, 0.0)
            self.spent_usd += spent_usd


@dataclass
class Usage:
    """Tokens and calls of one row so far."""

    price: Price | None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 0

    @property
    def cost_usd(self) -> float | None:
        return self.price.cost(self.prompt_tokens, self.completion_tokens) if self.price else None


@dataclass
class Writer:
    """Writes rows through one client; used by several threads.

    `beats` holds the time (monotonic) of each thread's last sign of life, so that a hang is noticed.
    """

    client: Client
    recipe: SmartRecipe
    price: Price | None
    patience: Patience = field(default_factory=Patience)
    bounded: bool = False
    budget: Budget = field(default_factory=lambda: Budget(None))
    beats: dict[int, float] = field(default_factory=dict)

    def most_usd(self, prompt: SmartPrompt) -> float:
        """The most that one call can cost: every byte of the prompt a token, the answer as long as allowed."""
        if self.price is None:
            return 0.0
        most_prompt = sum(len(message["content"].encode()) for message in prompt.messages) + 64
        return self.price.cost(most_prompt, self.recipe.max_tokens)

    def prompt(self, item: Item) -> tuple[SmartPrompt, tuple[str, ...], int]:
        """The prompt for a row, its fixed questions, and how many questions the model writes itself."""
        questions = prompts.questions_of(self.recipe, item.position, item.cells)
        questions = questions[: self.recipe.examples_per_row]
        free = self.recipe.examples_per_row - len(questions)
        return prompts.for_row(self.recipe, item.cells, questions, free), questions, free

    def write(self, item: Item, prepaid_usd: float | None = None) -> RowResult:
        """Call the model for a row until its answer can be used or a retry cannot help; nothing is raised.

        Args:
            prepaid_usd: the amount that the caller has reserved for the first call.
        """
        usage = Usage(self.price)
        ended = RowResult(item.line, "failed", position=item.position)
        prompt, questions, free = self.prompt(item)
        try:
            pairs, cut = self._pairs(prompt, questions, free, usage, prepaid_usd)
        except LlmError as error:
            usage.attempts += error.attempts
            ended = replace(ended, reason=error.message if error.fatal else str(error), cause=error.cause)
        except BadAnswer as error:
            ended = replace(ended, reason=error.message, cause="answer")
        else:
            made = tuple(self.example(pair, item, cut) for pair in pairs)
            reason = "" if made else "The model wrote nothing; the row may not contain an answer."
            ended = replace(ended, state="ok" if made else "empty", examples=made, reason=reason)
        self.beats.pop(threading.get_ident(), None)
        return replace(
            ended,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cost_usd=usage.cost_usd,
            attempts=usage.attempts,
        )

    def _pairs(
        self, prompt: SmartPrompt, questions: tuple[str, ...], free: int, usage: Usage, prepaid_usd: float | None
    ) -> tuple[list[WrittenPair], bool]:
        schema = self.schema(len(questions), free)
        refused = ""
        for attempt in range(1, ANSWER_TRIES + 1):
            asked = _with_note(prompt, refused) if refused else prompt
            text, cut = self.ask(asked, schema, usage, prepaid_usd if attempt == 1 else None)
            try:
                return self.parse(text, questions, free), cut
            except BadAnswer as error:
                if cut:
                    limit = f"The answer was cut at {self.recipe.max_tokens:,} tokens. Raise “Maximum answer length”."
                    raise BadAnswer(limit) from None
                refused = error.message
        raise BadAnswer(f"{ANSWER_TRIES} answers could not be used. The last reason: {refused}")

    def ask(
        self, prompt: SmartPrompt, schema: Mapping[str, Any], usage: Usage, prepaid_usd: float | None = None
    ) -> tuple[str, bool]:
        """One answer, with its tokens added to `usage`: its text, and whether it was cut at the limit.

        Raises:
            LlmError: the endpoint, or the budget (cause `budget`). BadAnswer: the answer repeats the data's marker.
        """
        most = prepaid_usd if prepaid_usd is not None else self.most_usd(prompt)
        if prepaid_usd is None and not self.budget.set_aside(most):
            raise LlmError("The budget does not cover another attempt.", "Raise the budget.", cause="stopped")
        spent = 0.0
        try:
            recipe = self.recipe
            ask = Ask(recipe.model, prompt.messages, schema, recipe.temperature, recipe.max_tokens)
            answer, calls = self.patience.ask(self.client, ask, self._beat)
            usage.attempts += calls
            usage.prompt_tokens += answer.prompt_tokens
            usage.completion_tokens += answer.completion_tokens
            if self.price is not None:
                spent = self.price.cost(answer.prompt_tokens, answer.completion_tokens)
        finally:
            self.budget.settle(most, spent)
        if prompt.marker in answer.text:
            raise BadAnswer("The answer repeats the marker around the data instead of answering.")
        if answer.finish_reason == "content_filter":
            raise LlmError("The endpoint's content filter declined the row.", cause="refused")
        return answer.text, answer.finish_reason == "length"

    def _beat(self) -> None:
        self.beats[threading.get_ident()] = time.monotonic()

    def schema(self, fixed: int, free: int) -> dict[str, Any]:
        """The JSON schema of an answer."""
        return answers.schema_for(fixed, free, bounded=self.bounded)

    def parse(self, text: str, questions: tuple[str, ...], free: int) -> list[WrittenPair]:
        """The pairs of an answer. Raises BadAnswer."""
        return answers.parse(text, questions, free)

    def example(self, pair: WrittenPair, item: Item, cut: bool) -> GeneratedExample:
        """The example of a pair, with its flags."""
        spoken = (Message("user", pair.question), Message("assistant", pair.answer))
        system = (Message("system", self.recipe.system),) if self.recipe.system else ()
        given = [*item.cells.values(), *item.cells, self.recipe.system, self.recipe.instructions]
        if pair.given:  # a question that the model wrote is not a source
            given.append(pair.question)
        flags = grounding.check(pair.answer, given)
        return GeneratedExample((*system, *spoken), tuple(flags + ([cut_flag()] if cut else [])))


def cut_flag() -> Flag:
    return Flag(CUT, "", "The answer reached the maximum length; the text may end early.")


def _with_note(prompt: SmartPrompt, refused: str) -> SmartPrompt:
    """The prompt with the reason why the last answer was refused (in the studio's words)."""
    *before, last = prompt.messages
    changed = {**last, "content": f"{last['content']}\nAn earlier answer was refused: {refused}"}
    return SmartPrompt((*before, changed), prompt.marker)


# ---- who wrote an example: its flag and its provenance


def payload_of(recipe: SmartRecipe) -> dict[str, Any]:
    """What the payload of every task that writes has: the recipe, the version of the prompts, and the writer."""
    return {"recipe": recipe.model_dump(mode="json"), "prompt_version": PROMPT_VERSION, "writer": _writer_of(recipe)}


def _writer_of(recipe: SmartRecipe) -> dict[str, str]:
    record = connections.get(recipe.connection_id)  # it may be deleted before the work ends
    return {"connection": record.name, "kind": record.kind}


def provenance_of(recipe: SmartRecipe, task: TaskRecord) -> dict[str, Any]:
    """The writer of an example: model, connection, prompt and task."""
    return {
        "model": recipe.model,
        **(task.payload.get("writer") or _writer_of(recipe)),  # missing in tasks of earlier releases
        "prompt_version": PROMPT_VERSION,
        "task_id": task.id,
    }
