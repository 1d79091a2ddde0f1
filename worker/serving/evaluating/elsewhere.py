"""Asks models behind connections: a few questions at a time, with the retries of every call to such a server."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from pathlib import Path
from typing import Final

from core.models.llm import Ask, Client, LlmError
from core.models.llm.retry import Patience
from core.models.tool_calls import as_text
from core.services.platform import connections
from core.services.serving import connected
from core.serving.evaluations.records import AnswerRecord, Contestant, EvaluationSettings
from core.text import plural
from worker.serving.evaluating.asking import GIVE_UP_AFTER, TICK_S, AskedQuestion
from worker.serving.evaluating.journal import AskedJournal

_AT_ONCE: Final = 4
_ATTEMPTS: Final = 4


class ConnectionAsker:
    """Opens the connection of the model that it asks.

    Args:
        evaluation_id: part of the key of every question.
        folder: survives a kill; what is asked is written down there.
        report: gets a sentence about questions that are asked again.
    """

    def __init__(self, evaluation_id: str, folder: Path, report: Callable[[str], None]) -> None:
        self._evaluation_id, self._report = evaluation_id, report
        self._journal = AskedJournal(folder / "asked")
        self._client: Client | None = None
        self._halt = threading.Event()

    def answers(
        self, model: Contestant, asked: Sequence[AskedQuestion], settings: EvaluationSettings
    ) -> Iterator[list[AnswerRecord]]:
        """See `Asker.answers`."""
        record, name = connected.place(model.id)
        names = {one.key: one.name(self._evaluation_id, model) for one in asked}
        if again := sum(name in self._journal for name in names.values()):
            text = (
                f"{plural(again, 'question')} to {model.title} had been sent before without an answer that was stored"
            )
            self._report(f"{text}: sent again.")
        client = self._client = connections.open_client(record.id)
        self._halt = halt = threading.Event()
        patience = Patience(attempts=_ATTEMPTS, wait=halt.wait)
        inbox: queue.SimpleQueue[AskedQuestion | None] = queue.SimpleQueue()
        outbox: queue.SimpleQueue[AnswerRecord | Exception] = queue.SimpleQueue()

        def work() -> None:
            while (one := inbox.get()) is not None and not halt.is_set():
                self._journal.add(names[one.key])
                outbox.put(_answer(client, patience, model, name, one, settings, names[one.key]))

        threads = min(int(record.settings.get("concurrency") or _AT_ONCE), len(asked))
        for _ in range(threads):
            threading.Thread(target=copy_context().run, args=(work,), daemon=True).start()
        for one in asked:
            inbox.put(one)
        open_answers, failures, succeeded = len(asked), 0, False
        try:
            while open_answers:
                done: list[AnswerRecord] = []
                for found in _ready(outbox):
                    open_answers -= 1
                    if isinstance(found, AnswerRecord):
                        succeeded = True
                        done.append(found)
                        continue
                    failures += 1
                    if isinstance(found, LlmError) and not found.fatal and (succeeded or failures < GIVE_UP_AFTER):
                        continue
                    raise found
                yield done
        finally:
            halt.set()
            for _ in range(threads):
                inbox.put(None)
            self._disconnect()
        if failures:
            raise LlmError(
                f"{failures} of {len(asked)} questions got no answer from {model.title}.",
                "Retry: only these are asked again.",
            )

    def close(self, *, ends: bool) -> None:
        """Close the connection; open calls end, whether or not others will ask for the same."""
        self._halt.set()
        self._disconnect()
        self._journal.close()

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _answer(
    client: Client,
    patience: Patience,
    model: Contestant,
    name: str,
    one: AskedQuestion,
    settings: EvaluationSettings,
    key: str,
) -> AnswerRecord | Exception:
    messages = tuple({name: value for name, value in message.to_dict().items() if name != "weight"}
                     for message in one.question.messages)  # fmt: skip
    ask = Ask(
        name,
        messages,
        one.schema,
        temperature=settings.temperature,
        max_tokens=one.max_tokens,
        seed=one.seed(settings),
        key=hashlib.blake2b(key.encode(), digest_size=16).hexdigest(),
        tools=one.question.tools,
    )
    began = time.perf_counter()
    try:
        completion, _ = patience.ask(client, ask)
    except LlmError as error:
        # One that takes no tools refuses these examples each time, and answers the others.
        takes_no_tools = bool(one.question.tools) and error.cause == "refused"
        return one.record(model, error=error.message) if takes_no_tools else error
    except Exception as error:  # handed to the thread that stores answers
        return error
    return one.record(
        model,
        as_text.written(completion.calls) or completion.text.strip(),
        finish_reason="tool_calls" if completion.calls else completion.finish_reason,
        prompt_tokens=completion.prompt_tokens,
        tokens=completion.completion_tokens,
        seconds=round(time.perf_counter() - began, 4),
    )


def _ready(outbox: queue.SimpleQueue[AnswerRecord | Exception]) -> Iterator[AnswerRecord | Exception]:
    try:
        yield outbox.get(timeout=TICK_S)
        while True:
            yield outbox.get_nowait()
    except queue.Empty:
        return
