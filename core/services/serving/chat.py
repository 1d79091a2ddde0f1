"""Chat with models: the available ones, streamed answers, and questions from the dataset to try."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import select

from core.errors import NotFound, ProviderUnavailable
from core.messages import Message
from core.models import base_models, methods
from core.models.thinking import matches as matches
from core.platform.db.tables import EVENTS
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.services.serving import connected, paid_answers
from core.services.serving.suggesting import (
    SuggestedQuestion as SuggestedQuestion,
    default_system as default_system,
    json_fields as json_fields,
    suggestions as suggestions,
    trained_on as trained_on,
)
from core.services.training import merging, models
from core.services.training.jobs import reader as job_reader
from core.serving.targets import AnswerChunk, AnsweringTarget, ChatOptions, answering, target_for

USED: Final = "chat"  # kind of the event *the model was used in a chat*; written once per model


@dataclass(frozen=True, slots=True)
class ChatModel:
    """An available model. `id` is its id on the server; `base_id` the base of a tuned model (else its own id), at
    its service if it only answers there;
    `model_id` the tuned model's id in the registry ("" for a base); `text` describes a base ("" for a tuned one)."""

    id: str
    title: str
    kind: Literal["base", "tuned"]
    base_id: str
    base_title: str
    model_id: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that answers, as a conversation records it. `adapter` and `template_hash` are SHA-256, or ""."""

    id: str
    title: str
    base_model: str
    adapter: str
    template_hash: str


def available_models() -> list[ChatModel]:
    """Tuned models first, newest first, each followed by its merged form; then every base model on this machine."""
    tuned = []
    for model in models.list_models():
        if model.only_there and not (model.hosted and model.hosted.model):
            continue  # it does not answer now
        base = (model.base_there or model.base_model, model.base_title, model.id)
        tuned.append(ChatModel(model.id, model.name, "tuned", *base))
        if model.merged:
            tuned.append(ChatModel(merging.served_id(model.id), f"{model.name} (merged)", "tuned", *base))
    bases = [
        ChatModel(base.id, base.title, "base", base.id, base.title, text=base.text)
        for base in base_models.list_models()
        if base.ready
    ]
    return tuned + bases


def base_at_service(model_id: str) -> ChatModel | None:
    """The base of a tuned model that only answers at its service, if that lists it. Asks the service."""
    base = connected.base_of(models.get_model(model_id))
    return ChatModel(base, title := connected.title(base), "base", base, title) if base else None


def warm_up() -> None:
    """Let every target prepare for a first question while the user still types; returns at once."""
    for target in answering():
        threading.Thread(target=target.warm_up, name=f"warm-up {target.id}", daemon=True).start()


def stream(
    model_id: str, messages: Sequence[Message | Mapping[str, Any]], max_tokens: int = 256, temperature: float = 0.0
) -> Iterator[str]:
    """The answer, piece by piece. Closing the iterator stops the generation.

    Args:
        model_id: of a tuned model (or its name), or of a base.
        temperature: 0 always takes the most likely token.

    Raises:
        NotFound: no such model. ProviderUnavailable: the inference process is down; says how to start it.
        ProviderError: the model refused the conversation, or the answer was interrupted. BudgetReached: a budget does
            not cover what a model behind a connection may cost.
    """
    options = ChatOptions(max_tokens=max_tokens, temperature=temperature)
    for chunk in chunks(model_id, messages, options):
        if chunk.text:
            yield chunk.text


def chunks(
    model_id: str, messages: Sequence[Message | Mapping[str, Any]], options: ChatOptions | None = None
) -> Generator[AnswerChunk]:
    """Like `stream`, with the finish reason and the token counts in the last chunk."""
    target, served = _served(model_id)
    noted_as = served if connected.is_connected(model_id) else _own_id(model_id, served)
    sent = [message.to_dict() if isinstance(message, Message) else dict(message) for message in messages]
    asked = options or ChatOptions()
    found: Iterable[AnswerChunk] = target.chat(served, sent, asked)
    if connected.is_connected(served):
        found = paid_answers.noted(served, identity(model_id).title, sent, asked, found)
    noted = False
    for chunk in found:
        if not noted and chunk.text:
            noted = True
            _note_use(noted_as)
        yield chunk


def check_budget(
    model_ids: Sequence[str],
    messages: Sequence[Message | Mapping[str, Any]],
    options: ChatOptions | None = None,
) -> None:
    """Check before answers begin that the budgets cover those of models behind connections.

    Raises:
        BudgetReached: they do not, and no reason was given (`budgets.acting`).
    """
    sent = [message.to_dict() if isinstance(message, Message) else dict(message) for message in messages]
    there = [served for model_id in model_ids if (served := connected.at_service(model_id))]
    paid_answers.check(there, sent, options or ChatOptions())


def identity(model_id: str) -> ServedModel:
    """What a conversation records about a model that answers. Raises as `stream`, before anything is asked."""
    _, served = _served(model_id)
    if connected.is_connected(served) and not connected.is_connected(model_id):
        model = models.get_model(model_id)
        return ServedModel(model.id, model.name, model.base_model, "", "")
    if connected.is_connected(served):
        return ServedModel(served, connected.title(served), "", "", "")
    own, merged = merging.split(served)
    if base_models.is_base(served):
        base, title, adapter = served, base_models.title_of(served), ""
    else:
        model = models.get_model(own)
        base, title = model.base_model, f"{model.name} (merged)" if merged else model.name
        adapter = model.weights_hash
    return ServedModel(served, title, base, adapter, base_models.template_hash(base))


def _served(model_id: str) -> tuple[AnsweringTarget, str]:
    """The target that serves a model, and the model's id there."""
    if connected.is_connected(model_id):
        return connected.target(model_id), model_id
    if base_models.is_base(model_id):
        base = base_models.resolve(model_id)
        if base.buildable and not base.ready:
            raise ProviderUnavailable("The starter is not built yet.", "Try the demo, or start a job: both build it.")
        return target_for(base, None), base.id
    own, merged = merging.split(model_id)
    model = models.get_model(own)
    if model.state != "active":
        raise NotFound(f"The model “{model.name}” is archived.", "Restore it under Models.")
    if model.only_there:
        served = connected.id_of(model)
        return connected.target(served), served
    method = methods.build(model.method, job_reader.get_job(model.job_id, with_deleted=True).spec.method_config)
    target = target_for(base_models.resolve(model.base_model), method)
    return target, merging.served_id(model.id) if merged else model.id


def _own_id(model_id: str, served: str) -> str:
    """The id of a model in the registry, also where a service answers for it."""
    return models.get_model(model_id).id if connected.is_connected(served) else served


def _note_use(model_id: str) -> None:
    """Record, once per model, that it was used: a step on the home screen."""
    if not model_id.startswith("fm_"):
        return
    model = models.get_model(merging.split(model_id)[0])
    task_id = job_reader.get_job(model.job_id, with_deleted=True).task_id
    with UnitOfWork() as uow:
        query = select(EVENTS.c.id).where(EVENTS.c.task_id == task_id, EVENTS.c.kind == USED).limit(1)
        if uow.execute(query).first() is None:
            store.event(uow, task_id, USED, f"“{model.name}” answered for the first time.", data={"model_id": model.id})
            uow.commit()
