"""A model used from code: the address of the API, the model's name there, and examples that run as they are."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from core.errors import Conflict
from core.models import base_models
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.platform.supervisor import is_loopback
from core.services.serving import connected, served, suggesting
from core.services.training import models
from core.services.training.models import ModelRecord
from core.serving.targets import AnsweringTarget, target_for
from core.serving.targets.base import Availability
from core.settings import get_settings
from core.text import slug

Messages: TypeAlias = Sequence[Mapping[str, str]]
KEY_VARIABLE: Final = "SFT_KEY"  # the environment variable of the examples that holds a key
LONGEST_QUESTION: Final = 240  # characters of an input that is shown in an example


@dataclass(frozen=True, slots=True)
class CodeExample:
    """A program that asks a model. `language` is the one that a highlighter knows."""

    id: str
    title: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class AnsweringModel:
    """A model that answers programs: where, by which name, and whether the process that answers is running."""

    model: ModelRecord
    base_url: str
    name: str
    process: Availability


def base_url(opened_at: str = "") -> str:
    """The base URL of OpenAI's clients.

    Args:
        opened_at: the address of the web app in the user's browser. Where the API listens on all addresses of this
            machine, the name of the machine is taken from it.
    """
    settings = get_settings()
    name = urlsplit(opened_at).hostname or ""
    if not name or is_loopback(settings.host) or is_loopback(name):
        return f"{settings.api_url}/v1"
    return f"http://{f'[{name}]' if ':' in name else name}:{settings.api_port}/v1"


def name_of(model: ModelRecord) -> str:
    """The name by which programs ask for a model: its name as a slug; its id where another model has that slug."""
    short = slug(model.name)
    if base_models.is_base(short):
        return model.id
    found = served.tuned_model(short)
    return short if found is not None and found.id == model.id else model.id


def deploy(model_id: str) -> AnsweringModel:
    """Let a model answer: an archived one is restored.

    Raises:
        NotFound: the model does not exist.
        Conflict: no target can serve it, its base is not on this machine, or it does not answer at its service; says
            why.
    """
    model = models.get_model(model_id)
    target: AnsweringTarget = connected.target(model.id) if model.only_there else target_for(*_ready_base(model))
    if model.state != "active":
        models.restore([model.id])
        model = models.get_model(model.id)
    return AnsweringModel(model, base_url(), name_of(model), target.health())


def _ready_base(model: ModelRecord) -> tuple[BaseModelRef, Method]:
    base, method = models.base_and_method(model)
    if not base.ready:
        raise Conflict(f"{base.title}, the base of “{model.name}”, is missing: {base.reason}", base.command)
    return base, method


def messages(model: ModelRecord) -> list[Mapping[str, str]]:
    """An input to try, with the system message of the model's training."""
    system = suggesting.default_system(model.id)
    asked = [item.question for item in suggesting.suggestions(model.id) if len(item.question) <= LONGEST_QUESTION]
    opening = [{"role": "system", "content": system}] if system else []
    return [*opening, {"role": "user", "content": asked[0] if asked else "Hello!"}]


def examples(name: str, url: str, asked: Messages) -> tuple[CodeExample, ...]:
    """The same messages to a model from a shell, Python and JavaScript."""
    return tuple(CodeExample(one.id, one.title, one.language, one.write(name, url, asked)) for one in LANGUAGES)


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the examples; `write` takes the name of the model, the base URL and the messages."""

    id: str
    title: str
    language: str
    write: Callable[[str, str, Messages], str]


def _curl(name: str, url: str, asked: Messages) -> str:
    body = json.dumps({"model": name, "messages": asked}, ensure_ascii=False, indent=2)
    return (
        f"curl {shlex.quote(f'{url}/chat/completions')} \\\n"
        f'  -H "Authorization: Bearer ${KEY_VARIABLE}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(body)}\n"
    )


def _python(name: str, url: str, asked: Messages) -> str:
    return f"""\
import os

from openai import OpenAI  # pip install openai

client = OpenAI(base_url={_text(url)}, api_key=os.environ.get("{KEY_VARIABLE}", "none"))
stream = client.chat.completions.create(
    model={_text(name)},
    messages={_list(asked, 4)},
    stream=True,
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
"""


def _javascript(name: str, url: str, asked: Messages) -> str:
    return f"""\
import OpenAI from "openai"; // npm install openai; save as ask.mjs, run with node

const client = new OpenAI({{ baseURL: {_text(url)}, apiKey: process.env.{KEY_VARIABLE} ?? "none" }});
const stream = await client.chat.completions.create({{
  model: {_text(name)},
  messages: {_list(asked, 2)},
  stream: true,
}});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
console.log();
"""


def _list(asked: Messages, indent: int) -> str:
    lines = "".join(f"{' ' * 2 * indent}{json.dumps(message, ensure_ascii=False)},\n" for message in asked)
    return f"[\n{lines}{' ' * indent}]"


def _text(value: str) -> str:
    """A text as a literal of JSON, which Python and JavaScript read too."""
    return json.dumps(value, ensure_ascii=False)


LANGUAGES: Final = (
    Language("curl", "curl", "bash", _curl),
    Language("python", "Python", "python", _python),
    Language("javascript", "JavaScript", "javascript", _javascript),
)
