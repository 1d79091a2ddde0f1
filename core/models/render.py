"""Example -> text, token ids and loss mask through the chat template: one function for preview, training and chat.

Only the template can write special tokens. A message that contains the text of a special token is encoded as ordinary
characters, unchanged. The ids of a prompt are always a prefix of the ids of the same conversation in training.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from jinja2 import TemplateError

from core.errors import DataError
from core.messages import Message, Tools
from core.models.chat_template import Chat, Prefixes, RefusedByTemplate, Span, Turns, all_said, text_of, turns_of

IGNORED = -100  # the label of a token that carries no loss
# where loss falls on a token: only if it falls everywhere, always, or never (a turn of weight 0)
EVERYWHERE, ON_ANSWERS, NEVER = 0, 1, 2
REFUSED = "chat_template"  # code of the errors of a template that refuses a conversation, or fails on it
SPELLED = "special_token"  # code where a message contains a special token and the template treats it specially
_TOGETHER, _TOGETHER_CHARACTERS = 64, 1_000_000  # conversations that are rendered by one call, and their length
_MOST_ROLES, _MOST_REASON = 8, 400  # roles named in an error, and characters of a template's own words
_MARK, _MARKS = 0xF0000, 0xFFFE  # private-use characters, one per message
_MARKED = re.compile("([\U000f0000-\U000ffffd])\\1*")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as the model sees it.

    `input_ids`, `loss` and `offsets` are equally long; `loss` has an ON_ANSWERS, EVERYWHERE or NEVER for each token.
    `offsets` has the characters of `text` that each token encodes, `turns` those of each assistant message (weight 0
    too).
    """

    text: str
    input_ids: list[int]
    loss: list[int]
    offsets: list[Span] = field(default_factory=list)
    turns: list[Span] = field(default_factory=list)

    @property
    def assistant_mask(self) -> list[int]:
        """1 for every token of the assistant's text and the token that ends the turn; 0 in turns of weight 0."""
        return [int(kind == ON_ANSWERS) for kind in self.loss]

    def labels(self, *, completion_only: bool = True) -> list[int]:
        """As `labels_of`."""
        return labels_of(self.input_ids, self.loss, completion_only=completion_only)


def labels_of(input_ids: Sequence[int], loss: Sequence[int], *, completion_only: bool) -> list[int]:
    """Unshifted labels: the token where loss falls, else -100.

    Args:
        loss: of each token, as in `Rendered`; may be longer than `input_ids`.
        completion_only: loss falls on the assistant's text alone; else on every token, except in turns of weight 0.
    """
    kinds = (ON_ANSWERS,) if completion_only else (ON_ANSWERS, EVERYWHERE)
    return [token if kind in kinds else IGNORED for token, kind in zip(input_ids, loss, strict=False)]


def render(messages: Sequence[Message], tokenizer: Any, tools: Tools = ()) -> Rendered:
    """Render a conversation for training.

    Args:
        messages: an assistant turn of weight 0 never carries loss.
        tokenizer: one of transformers' fast tokenizers, with a chat template.
        tools: go to the template, which may ignore them (`chat_template.takes_tools`).

    Raises:
        DataError: the tokenizer has no template, or its template refuses this conversation (code `chat_template`).
    """
    chat = _as_template_input(messages, tools)
    text, all_spans = _text_and_spans(chat, tokenizer, messages)
    cuts = [start for start, _ in all_spans]
    ids, offsets = _encode(text, _layout(chat, text, tokenizer), cuts, tokenizer)
    turns = [message for message in messages if message.role == "assistant"]
    kinds = [NEVER if turn.weight == 0 else ON_ANSWERS for turn in turns]
    return Rendered(text, ids, _loss(offsets, all_spans, kinds), offsets, all_spans)


class Rendering(Protocol):
    @property
    def messages(self) -> Sequence[Message]: ...

    @property
    def tools(self) -> Tools: ...


E = TypeVar("E", bound=Rendering)
_ready = threading.local()  # said: (id of the messages, template) -> (messages, tools, what the template made of them)


def ahead(examples: Iterable[E], tokenizer: Any) -> Iterator[E]:
    """The same examples, each to be rendered next: the template is run for many of them together.

    Nothing changes but the time: `render` and `check` find the template's part done.
    """
    rest = iter(examples)
    while batch := list(itertools.islice(rest, _TOGETHER)):
        _ready.said = {}
        length = sum(len(message.content) for example in batch for message in example.messages)
        if tokenizer.chat_template and length < _TOGETHER_CHARACTERS:
            chats = [_as_template_input(example.messages, example.tools) for example in batch]
            said = all_said(tokenizer.chat_template, chats, tokenizer.special_tokens_map)
            _ready.said = {
                (id(example.messages), tokenizer.chat_template): (example.messages, list(example.tools), one)
                for example, one in zip(batch, said, strict=True)
            }
        yield from batch
    _ready.said = {}


def check(messages: Sequence[Message], tokenizer: Any, tools: Tools = ()) -> None:
    """Check that `render` accepts a conversation, without encoding it. Raises DataError as `render`."""
    chat = _as_template_input(messages, tools)
    text, _ = _text_and_spans(chat, tokenizer, messages)
    _layout(chat, text, tokenizer)


def render_prompt(messages: Sequence[Message], tokenizer: Any, tools: Tools = ()) -> list[int]:
    """Token ids of a prompt for the assistant's next turn: a prefix of what `render` returns with the answer.

    Raises:
        DataError: as `render`.
    """
    chat = _as_template_input(messages, tools)
    text = _apply(chat, tokenizer, generate=True)
    spans = _text_and_spans(chat, tokenizer)[1] if any(m.role == "assistant" for m in messages) else []
    return _encode(text, _layout(chat, text, tokenizer, generate=True), [start for start, _ in spans], tokenizer)[0]


def message_spans(
    messages: Sequence[Message], rendered: Rendered, tokenizer: Any, tools: Tools = ()
) -> list[Span | None]:
    """The characters of each message in the rendered text: for an assistant turn with its calls and its end, else the
    content alone. None for a message that the template left out or rewrote.

    The template runs a second time with every character replaced by one that only its message has. This finds the
    place of each message even if two messages have the same text.
    """
    chat = _as_template_input(messages, tools)
    items = chat["messages"]
    marked = [
        {**item, "content": re.sub(r"\S", chr(_MARK + index), item["content"])}
        for index, item in enumerate(items[:_MARKS])
    ]
    spans: list[Span | None] = [None] * len(items)
    try:
        marked_text = _apply({**chat, "messages": [*marked, *items[_MARKS:]]}, tokenizer)
    except DataError:  # it refuses such text: search for the contents instead
        marked_text = ""
    if len(marked_text) == len(rendered.text):
        for run in _MARKED.finditer(marked_text):
            index = ord(run.group(1)) - _MARK
            if index < len(spans):
                first = spans[index]
                spans[index] = (first[0] if first else run.start(), run.end())
    else:
        spans = _searched(items, rendered.text)
    turns = iter(rendered.turns)
    return [next(turns) if item["role"] == "assistant" else span for item, span in zip(items, spans, strict=True)]


def _searched(chat: list[dict[str, Any]], text: str) -> list[Span | None]:
    """The place of each content in the text, in order."""
    spans: list[Span | None] = []
    start = 0
    for item in chat:
        content = item["content"].strip()
        at = text.find(content, start) if content else -1
        spans.append((at, at + len(content)) if at >= 0 else None)
        start = at + len(content) if at >= 0 else start
    return spans


@lru_cache(maxsize=4)  # per tokenizer object: needed for every example
def special_tokens(tokenizer: Any) -> tuple[str, ...]:
    """The texts that this tokenizer turns into special tokens, longest first."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    texts = {token.content for token in added.values() if token.special} | set(tokenizer.all_special_tokens)
    return tuple(sorted(texts - {""}, key=lambda text: (-len(text), text)))


def _as_template_input(messages: Iterable[Message], tools: Tools = ()) -> Chat:
    """What templates expect. Source of None for no tools: transformers."""
    return {"messages": list(map(_message, messages)), "tools": [dict(tool) for tool in tools] or None}


def _message(message: Message) -> dict[str, Any]:
    """Tool calls carry their arguments as an object; no weight."""
    out = message.to_dict()
    out.pop("weight", None)
    if message.tool_calls:
        out["tool_calls"] = [_with_arguments(dict(call)) for call in message.tool_calls]
    return out


def _with_arguments(call: dict[str, Any]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    if isinstance(function.get("arguments"), str):
        with contextlib.suppress(ValueError, RecursionError):  # text that is not JSON is shown unchanged
            function["arguments"] = json.loads(function["arguments"])
    return {**call, "function": function}


def _apply(chat: Chat, tokenizer: Any, *, generate: bool = False) -> str:
    """The template's text. Raises DataError: there is no template, or it refuses or fails."""
    with _errors_of_template(chat, tokenizer):
        return text_of(tokenizer.chat_template, chat, tokenizer.special_tokens_map, generate=generate)


@contextlib.contextmanager
def _errors_of_template(chat: Chat, tokenizer: Any) -> Iterator[None]:
    if not tokenizer.chat_template:
        raise DataError(
            "The base model's tokenizer has no chat template.",
            "Choose an instruct model, or add a chat template to its directory.",
            code=REFUSED,
        )
    try:
        yield
    except RefusedByTemplate as error:
        raise DataError(
            f"The base model's chat template refuses a conversation of the roles {_roles(chat)}: {_short(error)}.",
            "Bring the turns into the order it accepts, or choose another base model.",
            code=REFUSED,
        ) from error
    except (
        TemplateError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:  # or the conversation cannot be passed to it
        raise DataError(
            f"The base model's chat template fails on a conversation of the roles {_roles(chat)}: {_short(error)}.",
            "Choose another base model, or fix its chat template.",
            code=REFUSED,
        ) from error


def _short(error: Exception) -> str:
    return str(error)[:_MOST_REASON].rstrip(". ")


def _roles(chat: Chat) -> str:
    roles = [str(message["role"]) for message in chat["messages"]]
    return ", ".join(roles if len(roles) <= _MOST_ROLES else [*roles[: _MOST_ROLES - 1], "…"])


def _text_and_spans(chat: Chat, tokenizer: Any, messages: Sequence[Message] = ()) -> tuple[str, list[Span]]:
    """The rendered text and one character span per assistant turn, the end-of-turn token included."""
    known = getattr(_ready, "said", {}).get((id(messages), tokenizer.chat_template))
    of, tools, said = known or (None, None, None)
    ready = of is messages and (tools or None) == chat["tools"]
    with _errors_of_template(chat, tokenizer):
        turns: Turns = turns_of(tokenizer.chat_template, chat, tokenizer.special_tokens_map, said if ready else None)
    text = turns.text
    if turns.prefixes:
        return text, [_span_by_prefix(prefix, text, tokenizer) for prefix in turns.prefixes]
    return text, [(start, _end_of_turn(text, start, end, tokenizer)) for start, end in turns.spans]


def _end_of_turn(text: str, start: int, end: int, tokenizer: Any) -> int:
    """Where the special token ends that ends a marked turn.

    Some templates include a line break after it in their markers, others exclude the token itself.
    """
    specials = special_tokens(tokenizer)
    last = start + len(text[start:end].rstrip())
    if any(text.endswith(special, start, last) for special in specials):
        return last
    return next((end + len(special) for special in specials if text.startswith(special, end)), end)


def _span_by_prefix(prefix: Prefixes, text: str, tokenizer: Any) -> Span:
    """The span of an assistant turn in a template without markers: the text that is added with the turn.

    Raises:
        DataError: the template rewrites earlier turns, so that no such span exists.
    """
    if prefix.problem:
        raise _no_span(f"it does not render the conversation up to an answer ({prefix.problem})")
    if not prefix.grows:
        raise _no_span("it writes earlier turns differently when a turn is added")
    if not prefix.begins:
        raise _no_span("it begins a finished answer differently from one that it asks for")
    gained = text[prefix.before : prefix.until]
    for special in special_tokens(tokenizer):  # "<|im_end|>\n": the line break after the turn's end is not part of it
        head, end, tail = gained.rpartition(special)
        if end and not tail.strip():
            return prefix.before, prefix.before + len(head) + len(special)
    return prefix.before, prefix.until


def _no_span(why: str) -> DataError:
    return DataError(
        f"The base model's chat template does not mark the assistant's text, and {why}, so which tokens an answer is "
        "cannot be determined.",
        "Choose a base model whose chat template has {% generation %} markers, or add them.",
        code=REFUSED,
    )


def _layout(chat: Chat, text: str, tokenizer: Any, *, generate: bool = False) -> list[Span] | None:
    """Where the template wrote special tokens; None if no message contains one, so that all are the template's."""
    pattern = re.compile("|".join(re.escape(special) for special in special_tokens(tokenizer)) or r"(?!)")
    if not pattern.search(json.dumps(chat, ensure_ascii=False)):
        return None

    def blind(value: Any) -> Any:  # private-use characters of the same length keep every position
        if isinstance(value, str):
            return pattern.sub(lambda match: "\ue000" * len(match.group()), value)
        if isinstance(value, dict):
            return {key: blind(item) for key, item in value.items()}
        return [blind(item) for item in value] if isinstance(value, list) else value

    hidden = [{**blind(message), "role": message["role"]} for message in chat["messages"]]
    masked = _apply({"messages": hidden, "tools": blind(chat["tools"])}, tokenizer, generate=generate)
    if len(masked) != len(text):
        raise DataError(
            "The text contains a special token of the base model, and the chat template treats it specially.",
            "Remove the special token from the text.",
            code=SPELLED,
        )
    return [match.span() for match in pattern.finditer(masked)]


def _encode(text: str, layout: list[Span] | None, cuts: Sequence[int], tokenizer: Any) -> tuple[list[int], list[Span]]:
    """Ids and character offsets, such that the ids of `text[:cut]` are a prefix of the ids of `text` for every cut."""
    if layout is not None:
        return _encode_pieces(text, layout, cuts, tokenizer)
    ids: list[int] = []
    offsets: list[Span] = []
    done = 0
    for cut in (*cuts, len(text)):
        prefix_ids, prefix_offsets = _plain(text[:cut], tokenizer, specials=True)
        if prefix_ids[: len(ids)] == ids:
            ids, offsets = prefix_ids, prefix_offsets
        else:  # a token would cross the cut: encode the rest separately
            piece_ids, piece_offsets = _plain(text[done:cut], tokenizer, specials=True)
            ids = ids + piece_ids
            offsets = offsets + [(done + a, done + b) for a, b in piece_offsets]
        done = cut
    return ids, offsets


def _encode_pieces(text: str, layout: list[Span], cuts: Sequence[int], tokenizer: Any) -> tuple[list[int], list[Span]]:
    """Encode the text between the template's special tokens (and between cuts) piece by piece."""
    edges = sorted({0, len(text), *cuts, *(edge for span in layout for edge in span)})
    template_spans = set(layout)
    ids: list[int] = []
    offsets: list[Span] = []
    for start, end in itertools.pairwise(edges):
        if (start, end) in template_spans:
            ids.append(tokenizer.convert_tokens_to_ids(text[start:end]))
            offsets.append((start, end))
            continue
        piece_ids, piece_offsets = _plain(text[start:end], tokenizer, specials=False)
        ids += piece_ids
        offsets += [(start + a, start + b) for a, b in piece_offsets]
    return ids, offsets


def _plain(text: str, tokenizer: Any, *, specials: bool) -> tuple[list[int], list[Span]]:
    """Encode one text; with `specials` off, the text of a special token is encoded as ordinary characters."""
    encoded = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, split_special_tokens=not specials, verbose=False
    )
    return list(encoded["input_ids"]), [(int(a), int(b)) for a, b in encoded["offset_mapping"]]


def _loss(offsets: Sequence[Span], spans: Sequence[Span], kinds: Sequence[int]) -> list[int]:
    """The kind of the span that each token lies in, EVERYWHERE outside them."""
    loss = [EVERYWHERE] * len(offsets)
    for (start, end), kind in zip(spans, kinds, strict=True):
        for index, (a, b) in enumerate(offsets):
            if start <= a < end and b <= end:
                loss[index] = kind
    return loss
