"""Trees of messages: rows that name their parent, or one row with all replies; each path to an answer is an example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes.base import ChatShape, ShapedRow
from core.data.conversion.chat_shapes.reading.turns import speaker
from core.data.conversion.chat_shapes.reading.values import as_object, first_of, lowered
from core.messages import Row

_IDS: Final = ("message_id", "id", "msg_id", "comment_id", "post_id", "node_id")
_PARENTS: Final = ("parent_id", "parent", "parent_message_id", "reply_to", "in_reply_to")
_TEXTS: Final = ("text", "content", "body", "message", "value")
_ROLES: Final = ("role", "author_role", "from", "author", "speaker")


def _role(node: Mapping[str, Any]) -> str | None:
    return speaker(first_of(node, _ROLES))


def _is_node(lower: Mapping[str, Any]) -> bool:
    named = any(name in lower for name in _PARENTS) and first_of(lower, _IDS) is not None
    return named and first_of(lower, _TEXTS) is not None and _role(lower) in ("user", "assistant", "system")


def _gather(rows: Iterable[Row]) -> Iterator[tuple[tuple[Row, ...], ShapedRow]]:
    """The paths from a first message to each answer that no further answer follows."""
    nodes: dict[str, tuple[Row, Mapping[str, Any]]] = {}
    replies: dict[str, list[str]] = {}
    for row in rows:
        node = lowered(row.fields)
        name, parent = cell_text(first_of(node, _IDS)), first_of(node, _PARENTS)
        if name in nodes:
            continue  # the same message again
        nodes[name] = (row, node)
        replies.setdefault("" if parent is None else cell_text(parent), []).append(name)
    taught: set[str] = set()
    for root in [name for name in replies.get("", ()) if name in nodes]:
        for path in _paths(root, replies, nodes):
            rows_ = tuple(nodes[name][0] for name in path)
            messages = [_message(nodes[name][1], name in taught) for name in path]
            taught.update(path)
            yield rows_, ShapedRow(messages)


def _paths(root: str, replies: Mapping[str, list[str]], nodes: Mapping[str, Any]) -> Iterator[list[str]]:
    """Depth first, without recursion; a path ends at its last answer."""
    stack = [[root]]
    while stack:
        path = stack.pop()
        further = [name for name in replies.get(path[-1], ()) if name in nodes and name not in path]
        answered = _role(nodes[path[-1]][1]) == "assistant"
        onward = [name for name in further if _leads_to_answer(name, replies, nodes)]
        if answered and not onward:
            yield path
        stack += [[*path, name] for name in reversed(onward)]


def _leads_to_answer(name: str, replies: Mapping[str, list[str]], nodes: Mapping[str, Any]) -> bool:
    stack, seen = [name], set()
    while stack:
        at = stack.pop()
        if at in seen or at not in nodes:
            continue
        seen.add(at)
        if _role(nodes[at][1]) == "assistant":
            return True
        stack += replies.get(at, ())
    return False


def _message(node: Mapping[str, Any], again: bool) -> dict[str, Any]:
    """A message; an answer that an earlier example teaches already has weight 0."""
    role = _role(node) or str(first_of(node, _ROLES))
    message: dict[str, Any] = {"role": role, "content": cell_text(first_of(node, _TEXTS))}
    return {**message, "weight": 0} if again and role == "assistant" else message


def _alone(fields: Mapping[str, Any]) -> object:
    """One message without its tree."""
    return ShapedRow([_message(lowered(fields), again=False)])


# Source: OpenAssistant/oasst1 (message_id, parent_id, text, role: prompter or assistant)
TREE_ROWS_SHAPE = ChatShape(
    "tree_rows",
    "Messages with parents",
    "OpenAssistant: one message per row; each path to an answer is an example",
    (),
    ("message_id", "parent_id", "text", "role"),
    _alone,
    also=_is_node,
    gather=_gather,
)


# ---- one row per tree


def _is_tree(lower: Mapping[str, Any]) -> bool:
    root = as_object(lower["prompt"])
    return isinstance(root, Mapping) and isinstance(root.get("replies"), list) and not is_empty(root.get("text"))


def _from_tree(fields: Mapping[str, Any]) -> object:
    root = as_object(lowered(fields).get("prompt"))
    rows: list[Row] = []
    stack: list[tuple[Any, str | None]] = [(root, None)]
    while stack:
        node, parent = stack.pop()
        if isinstance(node, Mapping):
            name = str(len(rows))
            rows.append(Row(0, {**node, "message_id": name, "parent_id": parent}))
            replies = node.get("replies")
            stack += [(reply, name) for reply in reversed(replies if isinstance(replies, list) else [])]
    return tuple(shaped for _, shaped in _gather(rows)) or ShapedRow(
        [_message(row.fields, again=False) for row in rows]
    )


TREE_SHAPE = ChatShape(
    "tree",
    "Tree of messages",
    "OpenAssistant: a prompt with its replies; each path to an answer is an example",
    ("prompt",),
    (),
    _from_tree,
    also=_is_tree,
)
