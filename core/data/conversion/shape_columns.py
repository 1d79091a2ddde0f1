"""Rows in a known shape to examples, thousands at a time; what is not plain is left to be converted one by one.

Two ways. A shape that only `concatenates` cells is asked once for each set of cells that are blank, with markers in the
others: its answer is a plan for all such rows (as in `columnar`). Any other shape converts every row, and what it
returns is checked at once where it is nothing but messages of text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.conversion.chat_shapes import ChatShape, ShapedRow
from core.data.conversion.chat_shapes.reading.turns import CALL_TAG
from core.data.conversion.chat_shapes.reading.values import plain_name
from core.data.conversion.columnar import filled, is_marked, markers, pattern_of, places_of_placeholders
from core.data.conversion.patterns import Pattern
from core.data.examples.columns import ChatColumns
from core.data.examples.texts import MessagesColumn, Numbers, TextColumn, blank, content, nested, offsets
from core.data.formats.parsing.batches import RowBatch
from core.data.quality import structure
from core.messages import ROLES

_ROLE_NUMBER = {role: number for number, role in enumerate(ROLES)}
_UNKNOWN = len(ROLES)
_MOSTLY = 0.9  # of the rows are plain: else they are converted row by row, which treats the others as quickly
_MOST_COLUMNS = 8  # of a table, so that there are at most 2 ** 8 sets of blank cells
_PLAIN_MESSAGE = {"role", "content"}
_role, _content = itemgetter("role"), itemgetter("content")

Reader = Callable[[Mapping[str, Any]], tuple[ShapedRow, ...]]
Plan = tuple[tuple[int, ...], tuple[Pattern, ...]]  # the roles by their numbers, and the texts


def examples_of(
    shape: ChatShape, options: Mapping[str, Any], batch: RowBatch, source: str
) -> tuple[ChatColumns | None, list[int]]:
    """The examples of the plain rows, and the indexes of the other rows, ascending."""
    read = shape.reader(options)
    made = _concatenated(read, batch, source, shape.optional) if shape.concatenates else None
    return made or _converted(read, batch, source, _verbatim(shape, batch.columns))


# ---- by the shape's own function, row by row


def is_verbatim(shape: ChatShape, fields: Mapping[str, Any]) -> bool:
    """Whether a row is nothing but plain messages, which are the example as they are: every field reaches it."""
    if len(fields) != 1 or _verbatim(shape, tuple(fields)) is None:
        return False
    (messages,) = fields.values()
    return type(messages) is list and _plain_messages(messages) is not None


def _verbatim(shape: ChatShape, columns: Sequence[str]) -> int | None:
    """The place of the column whose plain messages need no conversion."""
    names = list(map(plain_name, columns))
    if names.count(shape.verbatim) != 1 or not shape.changed_by.isdisjoint(names):
        return None
    return names.index(shape.verbatim)


def _converted(
    read: Reader, batch: RowBatch, source: str, verbatim: int | None
) -> tuple[ChatColumns | None, list[int]]:
    columns = batch.columns
    if verbatim is not None and isinstance(column := batch.cells[columns[verbatim]], MessagesColumn):
        plain = plain_rows(column)
        if plain.sum() >= _MOSTLY * len(plain):
            return _of_messages(column, plain, batch.lines, source), np.flatnonzero(~plain).tolist()
    conversations: list[list[dict[str, str]]] = []
    lines: list[int] = []
    others: list[int] = []
    values = zip(*(batch.cells[name] for name in columns), strict=True)
    for at, cells in enumerate(values):
        messages = None
        if verbatim is not None and type(cells[verbatim]) is list:
            messages = _plain_messages(cells[verbatim])
            if messages is not None and any(CALL_TAG in message["content"] for message in messages):
                messages = None
        if messages is None:
            messages = _plain(read(dict(zip(columns, cells, strict=True))))
        if messages is None:
            others.append(at)
        else:
            conversations.append(messages)
            lines.append(batch.lines[at])
    if not conversations:
        return None, others
    return of_conversations(conversations, lines, source), others


def _plain(several: tuple[ShapedRow, ...]) -> list[dict[str, str]] | None:
    """The messages of a row's only example, if they are only roles and texts, in an order in which nothing is wrong."""
    shaped = several[0]
    messages = shaped.messages
    alone = len(several) == 1 and not (shaped.tools or shaped.rejected or shaped.split or shaped.leave_out)
    if not alone or shaped.notes or shaped.findings or not isinstance(messages, list):
        return None
    return _plain_messages(messages)


def _plain_messages(messages: list[Any]) -> list[dict[str, str]] | None:
    """The messages, if they are only roles and texts, in an order in which nothing is wrong."""
    for message in messages:
        if type(message) is not dict or message.keys() != _PLAIN_MESSAGE:
            return None
        text = message["content"]
        if type(text) is not str or not text or text.isspace() or type(message["role"]) is not str:
            return None
    return messages if messages and structure.is_sound(tuple(map(_role, messages))) else None


def of_conversations(
    conversations: Sequence[Sequence[Mapping[str, str]]], lines: list[int], source: str
) -> ChatColumns:
    """Examples of sound messages that have nothing but a role and a content."""
    edges = np.zeros(len(conversations) + 1, np.int32)
    np.cumsum(list(map(len, conversations)), out=edges[1:])
    messages = list(chain.from_iterable(conversations))
    roles = np.array([_ROLE_NUMBER[message["role"]] for message in messages], np.uint8)
    contents = pa.array(list(map(_content, messages)), pa.string())
    return ChatColumns(roles, TextColumn(contents), edges, lines, source)


# ---- messages in columns


def plain_rows(column: MessagesColumn) -> Numbers:
    """A mask of the lists that are nothing but plain messages, in an order in which nothing is wrong."""
    array = column.array
    roles, contents = _numbers(array), array.flatten().field("content")
    edges = offsets(array) - array.offsets[0].as_py()
    odd = np.zeros(len(roles), bool)
    odd[blank(contents)] = True
    if CALL_TAG.encode() in memoryview(content(contents)[0]).tobytes():
        odd |= pc.match_substring(contents, CALL_TAG).to_numpy(zero_copy_only=False)
    odd |= roles == _UNKNOWN
    plain = np.diff(edges) > 0
    plain[np.searchsorted(edges, np.flatnonzero(odd), side="right") - 1] = False
    written = roles.tobytes()
    orders = [written[start:end] for start, end in pairwise(edges.tolist())]
    unsound = {order for order in set(orders) if not _is_sound(order)}
    if unsound:
        plain &= np.array([order not in unsound for order in orders])
    return plain


def _of_messages(column: MessagesColumn, plain: Numbers, lines: Sequence[int], source: str) -> ChatColumns | None:
    """The examples of the plain rows; None without any."""
    array = column.array
    if not plain.all():
        array, lines = array.filter(pa.array(plain)), [lines[at] for at in np.flatnonzero(plain).tolist()]
    if not len(array):
        return None
    edges = (offsets(array) - array.offsets[0].as_py()).astype(np.int32)
    return ChatColumns(_numbers(array), TextColumn(array.flatten().field("content")), edges, lines, source)


def _numbers(array: Any) -> Numbers:
    """The roles of all messages as indexes of ROLES; _UNKNOWN for any other."""
    found = pc.index_in(array.flatten().field("role"), pa.array(ROLES))
    return found.fill_null(_UNKNOWN).to_numpy().astype(np.uint8)


def _is_sound(order: bytes) -> bool:
    return _UNKNOWN not in order and structure.is_sound(tuple(ROLES[number] for number in order))


# ---- by a plan


def _concatenated(
    read: Reader, batch: RowBatch, source: str, optional: Sequence[str]
) -> tuple[ChatColumns | None, list[int]] | None:
    """None where the names of the columns do not allow it.

    Args:
        optional: the columns in which a placeholder is an empty cell.
    """
    used = batch.columns
    if len(set(map(plain_name, used))) < len(used) or len(used) > _MOST_COLUMNS or any(map(is_marked, used)):
        return None
    count = len(batch)
    odd, blanks = np.zeros(count, bool), np.zeros(count, np.int64)
    cells: dict[str, Any] = {}
    for number, name in enumerate(used):
        cells[name], strange = _texts(batch.cells[name])
        odd[strange] = True
        blanks[blank(cells[name])] |= 1 << number
        if plain_name(name) in optional:
            blanks[places_of_placeholders(TextColumn(cells[name]))] |= 1 << number
    groups: list[tuple[Numbers, Plan]] = []
    for code in np.unique(blanks[~odd]).tolist():
        rows = np.flatnonzero((blanks == code) & ~odd)
        plan = _plan(read, used, [name for number, name in enumerate(used) if not code & (1 << number)])
        if plan is None:
            odd[rows] = True
        else:
            groups.append((rows, plan))
    others = np.flatnonzero(odd).tolist()
    return (_together(groups, cells, batch.lines, ~odd, source) if groups else None), others


def _texts(values: Sequence[Any]) -> tuple[Any, list[int]]:
    """A column as Arrow texts, null as an empty one; and the places of cells that are not plain texts."""
    strange: list[int] = []
    if isinstance(values, TextColumn):
        texts = values.array
    else:
        kinds = set(map(type, values))
        if not kinds <= {str, type(None)}:
            strange = [at for at, value in enumerate(values) if value is not None and type(value) is not str]
        if kinds != {str}:
            values = [value if type(value) is str else "" for value in values]
        texts = pa.array(values, pa.string())
    return texts, [*strange, *nested(texts)]


def _plan(read: Reader, names: Sequence[str], present: Sequence[str]) -> Plan | None:
    """How a row becomes messages in which only these cells are not blank; None where the row is not plain."""
    marked = markers(names)
    messages = _plain(read({name: marked[name] if name in present else "" for name in names}))
    if messages is None:
        return None
    patterns = tuple(pattern_of(message["content"], names) for message in messages)
    return tuple(_ROLE_NUMBER[message["role"]] for message in messages), patterns


def _together(
    groups: list[tuple[Numbers, Plan]], cells: Mapping[str, Any], lines: Sequence[int], plain: Numbers, source: str
) -> ChatColumns:
    """The examples of all groups in the order of their rows."""
    sizes = np.zeros(len(plain), np.int32)
    for rows, (roles, _) in groups:
        sizes[rows] = len(roles)
    starts = np.cumsum(sizes) - sizes
    total = int(sizes.sum())
    place, numbers = np.empty(total, np.int64), np.empty(total, np.uint8)
    texts: list[Any] = []
    done = 0
    for rows, (roles, patterns) in groups:
        complete = len(rows) == len(plain)
        chosen = cells if complete else {name: column.take(pa.array(rows)) for name, column in cells.items()}
        for at, (role, pattern) in enumerate(zip(roles, patterns, strict=True)):
            texts.append(filled(pattern, chosen, len(rows)))
            place[starts[rows] + at] = np.arange(done, done + len(rows))
            numbers[starts[rows] + at] = role
            done += len(rows)
    edges = np.append(starts[plain], total).astype(np.int32)
    kept = lines if plain.all() else [lines[at] for at in np.flatnonzero(plain).tolist()]
    contents = TextColumn(pa.concat_arrays(texts).take(pa.array(place)))
    return ChatColumns(numbers, contents, edges, kept, source)
