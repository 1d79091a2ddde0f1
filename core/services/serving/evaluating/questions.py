"""What an evaluation asks: the examples of a dataset's split, and the items of guard suites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

from core.errors import DataError
from core.messages import Example, Message, Tools
from core.models.tool_calls import as_text
from core.services.data import datasets
from core.services.serving.evaluating import tools
from core.serving.evaluation.suites import SUITES
from core.serving.evaluations.records import Contestant, UnaskedExamples
from core.text import plural

JUDGES: Final = "judge:"  # then the id of the candidate: the `suite` of a judgment
_NO_OUTPUT: Final = "no output to compare with"
_NONE: Final = "Split off a part under Datasets, or choose another split."


@dataclass(frozen=True, slots=True)
class EvaluationQuestion:
    """What every model is asked.

    Attributes:
        suite: "" for an example of the dataset.
        position: of the example in its version, or of the item in its suite.
        expected: the output of the example, with its tool calls as text (core.models.tool_calls.as_text); "" for an
            item of a suite.
        check: of an item of a suite (core.serving.evaluation.suites); {} for an example.
        split, source: of the example; "" for an item of a suite.
        tools: that the example offers.
        output: the message that is expected; None for an item of a suite.
    """

    suite: str
    position: int
    messages: tuple[Message, ...]
    expected: str = ""
    check: Mapping[str, Any] | None = None
    split: str = ""
    source: str = ""
    tools: Tools = ()
    output: Message | None = None

    @classmethod
    def of(cls, position: int, example: Example) -> Self | None:
        """The question in an example; None without an output."""
        at = _last_output(example.messages)
        if at is None:
            return None
        output = example.messages[at]
        expected = as_text.of_message(output.tool_calls) or output.content
        return cls(
            "", position, example.messages[:at], expected, split=example.split, source=example.source,
            tools=example.tools, output=output,
        )  # fmt: skip

    @property
    def text(self) -> str:
        """The last input."""
        return next((message.content for message in reversed(self.messages) if message.role == "user"), "")

    @property
    def is_judgment(self) -> bool:
        """Whether it asks a judge for its opinion about two answers."""
        return self.suite.startswith(JUDGES)

    @property
    def expects_calls(self) -> bool:
        """Whether the output is a call of tools."""
        return self.output is not None and bool(self.output.tool_calls)


def of_dataset(
    version_id: str, split: str, limit: int | None, models: Sequence[Contestant] = ()
) -> tuple[list[EvaluationQuestion], tuple[UnaskedExamples, ...]]:
    """The first examples of a split ("": of the version) that every model can be asked, and what was left out.

    Raises:
        DataError: there is none.
    """
    found: list[EvaluationQuestion] = []
    left_out: Counter[tuple[str, str]] = Counter()
    problems = lru_cache(maxsize=1)(lambda: tools.problems(models))  # no tokenizer is loaded where nothing needs one
    for position, example in enumerate(datasets.iter_examples(version_id)):
        if split and example.split != split:
            continue
        asked = EvaluationQuestion.of(position, example)
        if asked is None:
            left_out["no_output", _NO_OUTPUT] += 1
            continue
        if asked.tools and problems().reading:
            left_out["tools", f"tools are offered, but {problems().reading}"] += 1
            continue
        if asked.expects_calls and problems().calling:
            left_out["tools", f"a tool is called, but {problems().calling}"] += 1
            continue
        found.append(asked)
        if limit and len(found) == limit:
            break
    reasons = tuple(UnaskedExamples(code, count, text) for (code, text), count in left_out.items())
    if not found:
        raise _nothing(split, reasons)
    return found, reasons


@lru_cache(maxsize=64)
def unasked(
    version_id: str, split: str, limit: int | None, models: tuple[Contestant, ...]
) -> tuple[UnaskedExamples, ...]:
    """What `of_dataset` would leave out; quick where no example of the version has tools.

    Raises:
        DataError: nothing would remain.
    """
    if not datasets.statistics(version_id).with_tools:
        return ()
    return of_dataset(version_id, split, limit, models)[1]


def of_suites(ids: Sequence[str]) -> Iterator[EvaluationQuestion]:
    """The items of guard suites."""
    for suite_id in ids:
        for position, item in enumerate(SUITES.get(suite_id).items):
            yield EvaluationQuestion(suite_id, position, item.messages, check=item.check)


def output_of(question: EvaluationQuestion, text: str) -> Message:
    """The output that a person wrote for a question: calls where calls are expected.

    Raises:
        DataError: it should be calls and is not.
    """
    if not question.expects_calls:
        return Message("assistant", text)
    if not (called := as_text.read(text)):
        raise DataError("The output should be calls of tools.", 'Write each in a line, such as `name({"key": 1})`.')
    return Message("assistant", "", tool_calls=tuple(
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(called, 1)
    ))  # fmt: skip


def _nothing(split: str, reasons: Sequence[UnaskedExamples]) -> DataError:
    where = f"the {split} split" if split else "the dataset"
    if not reasons:
        text = f"The dataset has no examples in its {split} split." if split else "The dataset has no examples to ask."
        return DataError(text, _NONE, field="split")
    why = "; ".join(f"{plural(one.count, 'example')}: {one.text}" for one in reasons)
    remedy = _NONE
    if any(one.code == "tools" for one in reasons):
        remedy = "Choose models whose chat templates take tools, or another dataset."
    return DataError(f"No example of {where} can be asked. {why}.", remedy, field="split")


def _last_output(messages: Sequence[Message]) -> int | None:
    """The place of the last output; None without one that says or calls something after an input."""
    at = next((at for at in range(len(messages) - 1, 0, -1) if messages[at].role == "assistant"), None)
    return at if at is not None and (messages[at].tool_calls or messages[at].content.strip()) else None
