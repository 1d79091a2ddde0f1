"""Whether two examples are the same: one definition, and quick ways to compare many.

Two examples are the same when their messages are (role, content, weight, name, tool calls and the id of the answered
call), and their tools and rejected answers. Inside a tool call, its JSON arguments and a tool, neither the order of
keys nor the spacing counts. The source, the line and the split of an example do not count.

They are compared by their stored JSON (`stored_example`), which is that of the messages (`stored`) where there is
nothing else: `Message.to_dict` fixes the order of its keys, so only tool calls and tools have to be rewritten
(`canonical`). Two keys are made of it:

    identity, seeded_keys   16 and 8 bytes, the same in every process and on every machine
    quick_key and others    64 bits, the same within one run: by a seed that every run draws and forked processes
                            inherit, so that no file can be made for its keys; among a million examples, that two
                            different ones share a key has a probability of 3 in 100 million
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import xxhash

from core.messages import Example, Message

Numbers = Any  # a one-dimensional numpy array of integers

_BYTES = 16
_RUN_SEED = int.from_bytes(os.urandom(8))
CALLS = '"tool_calls"'  # cannot occur inside a JSON string, where its quotes would be escaped


def stored(messages: Iterable[Message]) -> str:
    """The JSON that dataset versions store of an example's messages."""
    return json.dumps([message.to_dict() for message in messages], ensure_ascii=False)


def stored_tools(tools: Sequence[Mapping[str, Any]]) -> str | None:
    """The JSON that dataset versions store of an example's tools; None where it has none."""
    return json.dumps([dict(tool) for tool in tools], ensure_ascii=False) if tools else None


def tools_of(text: str | None) -> tuple[Mapping[str, Any], ...]:
    """The tools of stored JSON; none for None."""
    return tuple(json.loads(text)) if text else ()


def stored_example(example: Example) -> str:
    """The JSON by which examples are compared."""
    rejected = stored(example.rejected) if example.rejected else None
    return beside(stored(example.messages), stored_tools(example.tools), rejected)


def beside(messages: str, tools: str | None, rejected: str | None) -> str:
    """Stored JSON of messages, and after them in separate lines that of tools and of a rejected answer, if any."""
    return messages if tools is None and rejected is None else f"{messages}\n{tools or ''}\n{rejected or ''}"


def messages_of(text: str) -> tuple[Message, ...]:
    """The messages of stored JSON."""
    return tuple(Message.from_dict(item) for item in json.loads(text))


def canonical(text: str) -> str:
    """Stored JSON in the one spelling that all examples that are the same share."""
    if "\n" in text:  # never inside JSON that `json.dumps` wrote in one line
        messages, tools, rejected = text.split("\n")
        return "\n".join((canonical(messages), canonical_tools(tools), canonical(rejected)))
    if CALLS not in text:
        return text
    messages = json.loads(text)
    for message in messages:
        if "tool_calls" in message:
            message["tool_calls"] = [_canonical_call(call) for call in message["tool_calls"]]
    return json.dumps(messages, ensure_ascii=False, sort_keys=True)


def canonical_tools(text: str) -> str:
    """Stored JSON of tools in the one spelling that equal ones share."""
    return json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True) if text else ""


def identity(text: str) -> bytes:
    """16 bytes of stored JSON that are the same for the same example."""
    return _digest(canonical(text).encode("utf-8", "surrogatepass"))


def identity_of(messages: Iterable[Message]) -> bytes:
    """16 bytes that are the same for the same messages."""
    return identity(stored(messages))


def seeded_keys(column: Any, seed: int) -> list[int]:
    """64 bits of each text of an Arrow string column of stored JSON, without making Python texts of them.

    The same for the same example and seed, in every process and on every machine.
    """
    _, offsets, data = column.buffers()
    bounds = memoryview(offsets).cast("i")[column.offset : column.offset + len(column) + 1].tolist()
    content, digest, start_value = memoryview(data or b""), xxhash.xxh3_64_intdigest, seed % 2**64
    texts: Iterable[Any] = (content[start:end] for start, end in pairwise(bounds))
    if CALLS.encode() in bytes(content[bounds[0] : bounds[-1]]):
        texts = (canonical(bytes(text).decode("utf-8")).encode("utf-8", "surrogatepass") for text in texts)
    return [digest(text, start_value) for text in texts]


def quick_key(text: str) -> int:
    """64 bits of stored JSON that are the same for the same messages, as a number with a sign."""
    return text_key(canonical(text))


def text_key(text: str) -> int:
    """64 bits of any text, as `quick_key`."""
    key: int = xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"), _RUN_SEED)
    return key - (key >> 63 << 64)


def keys_without_calls(column: Any, seed: int) -> tuple[Numbers, Numbers]:
    """`quick_key` and `seeded_keys` of an Arrow string column of stored JSON without tool calls, as int64 and uint64.

    One pass over the texts for both: to take them out of the column costs as much as a key.
    """
    if not len(column):
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    _, offsets, data = column.buffers()
    bounds = memoryview(offsets).cast("i")[column.offset : column.offset + len(column) + 1].tolist()
    content, digest, start_value = bytes(data), xxhash.xxh3_64_digest, seed % 2**64
    both = [
        digest(text := content[start:end], _RUN_SEED) + digest(text, start_value) for start, end in pairwise(bounds)
    ]
    keys = np.frombuffer(b"".join(both), ">u8").reshape(-1, 2)
    return keys[:, 0].astype(np.uint64).view(np.int64), keys[:, 1].astype(np.uint64)


class PlainMessage(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False, tag_field="role"):
    """A message with nothing but a role and a content, as a decoder of JSON lines makes thousands at once.

    Its class is its role: that is read, asked for and hashed more quickly than one more field.
    """

    content: str


class SystemMessage(PlainMessage, frozen=True, gc=False, tag="system"):
    """Of the system."""


class UserMessage(PlainMessage, frozen=True, gc=False, tag="user"):
    """Of the user."""


class AssistantMessage(PlainMessage, frozen=True, gc=False, tag="assistant"):
    """Of the assistant."""


PLAIN_MESSAGES: Mapping[str, type[PlainMessage]] = {
    "system": SystemMessage,
    "user": UserMessage,
    "assistant": AssistantMessage,
}


def decoded_keys(examples: Iterable[tuple[PlainMessage, ...]]) -> list[int]:
    """64 bits for each example that was decoded and never written as JSON; comparable with `decoded_key` only."""
    return list(map(hash, examples))


def decoded_key(example: Example) -> int:
    """64 bits that are the same for the same example; comparable with `decoded_keys` only."""
    if example.tools or example.rejected:
        return quick_key(stored_example(example))
    messages = example.messages
    if all(
        message.role != "tool"
        and message.weight is None
        and message.name is None
        and not message.tool_calls
        and message.tool_call_id is None
        for message in messages
    ):
        return hash(tuple(PLAIN_MESSAGES[message.role](message.content) for message in messages))
    return quick_key(stored(messages))


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_BYTES).digest()


def _canonical_call(call: Any) -> Any:
    """The call with its arguments in one spelling; what is not valid JSON remains as it is."""
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.dumps(json.loads(function["arguments"]), ensure_ascii=False, sort_keys=True)
    except (ValueError, RecursionError):
        return call
    return {**call, "function": {**function, "arguments": arguments}}
