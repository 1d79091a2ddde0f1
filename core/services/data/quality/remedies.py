"""A remedy of the worklist becomes an operation on the version: the one place where both are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.data.editing import (
    DropRows,
    EditRows,
    Merge,
    Move,
    NeutraliseSpecialTokens,
    Operation,
    Redact,
    RepairText,
    SetSystem,
    make,
)
from core.data.examples import likeness, sensitive
from core.data.quality import store
from core.data.quality.catalogue import ISSUES, Remedy
from core.errors import DataError, NotFound
from core.messages import Message

Place = tuple[int, int, bool]  # position, group, subject


@dataclass(frozen=True)
class Version:
    """The files of a version that a remedy reads."""

    examples: Path
    issues: Path
    _read: dict[str, list[Place]] = field(default_factory=dict, repr=False)

    def places(self, code: str, chosen: Collection[int] | None = None) -> list[Place]:
        """The rows of an issue; with `chosen`, those and what belongs to the same groups."""
        if code not in self._read:
            self._read[code] = store.places(self.issues, code)
        rows = self._read[code]
        if chosen is None:
            return rows
        wanted = set(chosen)
        groups = {group for position, group, _ in rows if position in wanted and group >= 0}
        return [row for row in rows if row[0] in wanted or row[1] in groups]


def remedy_of(code: str, action_id: str) -> Remedy:
    """The remedy of an issue by its id. Raises NotFound."""
    issue = ISSUES.get(code)
    found = next((item for item in issue.actions if item.id == action_id), None) if issue else None
    if found is None:
        raise NotFound(f"There is no remedy {action_id!r} for {code!r}.", "Measure the quality again, and choose anew.")
    return found


def operation(version: Version, code: str, action_id: str, chosen: Sequence[int] | None = None) -> Operation:
    """What a remedy does to the version.

    Args:
        chosen: the examples it is meant for; None: all that the issue concerns.

    Raises:
        NotFound: no such remedy. DataError: it needs a person (editing), or there is nothing for it to do.
    """
    remedy = remedy_of(code, action_id)
    if not remedy.operation:
        raise DataError("This remedy is done by hand.", "Open the examples and edit them.")
    rows = version.places(code, chosen)
    alone = sorted({row[0] for row in rows if (row[0] in chosen if chosen is not None else row[2])})
    made: Operation | None = None
    match remedy.operation:
        case "drop" if alone:
            made = DropRows(positions=tuple(alone))
        case "move" if held_out := [row[0] for row in rows if row[2] and (chosen is None or row[0] in chosen)]:
            made = Move(positions=tuple(held_out), split="train")
        case "drop_copies" if spare := _spare(version, code, rows):
            made = DropRows(positions=spare)
        case "keep_longest" if groups := _groups(version, rows):
            made = Merge(groups=groups, keep="longest")
        case "keep_common" if minority := _minority(version, rows):
            made = DropRows(positions=minority)
        case "redact" if alone:
            secret = code == "secrets"
            kinds = tuple(kind.id for kind in sensitive.KINDS.values() if kind.secret == secret)
            made = make(Redact, positions=tuple(alone), kinds=kinds)
        case "neutralise" if alone:
            made = NeutraliseSpecialTokens(positions=tuple(alone))
        case "repair" if alone:
            made = RepairText(positions=mended) if (mended := _repairable(version, alone)) else None
        case "set_system" if alone:
            made = make(SetSystem, text=_usual_system(version), positions=tuple(alone))
        case "unify" if alone:
            made = EditRows(rows=_unified(version, [row for row in rows if row[0] in set(alone)]))
    if made is None:
        raise DataError(
            "There is nothing for this remedy to do.", "Choose another one, or edit the examples.", code="data"
        )
    return made


def changes(version: Version, code: str, remedy: Remedy) -> int:
    """How many examples a remedy would change; 0 where there is nothing for it to do."""
    rows = version.places(code)
    if remedy.operation == "drop_copies":
        return len(_spare(version, code, rows))
    if remedy.operation == "keep_longest":
        return sum(len(group) - 1 for group in _groups(version, rows))
    if remedy.operation == "keep_common":
        return len(_minority(version, rows))
    if remedy.operation == "repair":
        return len(_repairable(version, sorted({position for position, _, subject in rows if subject})))
    return sum(subject for _, _, subject in rows)


def _spare(version: Version, code: str, rows: Sequence[Place]) -> tuple[int, ...]:
    """All but the one that stays of each group; with a near duplicate go its exact copies."""
    spare = {position for position, _, subject in rows if subject}
    if code == "near_duplicates":
        twins = _twins(version)
        spare |= {copy for position in tuple(spare) for copy in twins.get(position, ())}
        spare -= {position for position, _, subject in rows if not subject}
    return tuple(sorted(spare))


def _groups(version: Version, rows: Sequence[Place]) -> tuple[tuple[int, ...], ...]:
    twins = _twins(version)
    groups: dict[int, set[int]] = {}
    for position, group, _ in rows:
        groups.setdefault(group, set()).update((position, *twins.get(position, ())))
    return tuple(tuple(sorted(members)) for members in groups.values() if len(members) > 1)


def _twins(version: Version) -> dict[int, list[int]]:
    """The exact copies of an example that stands for them, by its position."""
    groups: dict[int, list[int]] = {}
    for position, group, _ in version.places("duplicate_examples"):
        groups.setdefault(group, []).append(position)
    return {kept: members for members in groups.values() for kept in members}


def _minority(version: Version, rows: Sequence[Place]) -> tuple[int, ...]:
    """The examples whose answer is not the commonest of their group; none where two answers are equally common."""
    group_of = {position: group for position, group, _ in rows}
    answers: dict[int, dict[int, int]] = {}
    for position, messages in store.messages_at(version.examples, sorted(group_of)):
        answers.setdefault(group_of[position], {})[position] = likeness.loose_key(likeness.answer_of(messages))
    gone: list[int] = []
    for given in answers.values():
        ranked = Counter(given.values()).most_common(2)
        if len(ranked) == 2 and ranked[0][1] > ranked[1][1]:
            gone += [position for position, answer in given.items() if answer != ranked[0][0]]
    return tuple(sorted(gone))


def _repairable(version: Version, positions: Sequence[int]) -> tuple[int, ...]:
    """Those of the examples that the repair changes: a letter that became U+FFFD is lost for good."""
    repair = RepairText(positions=tuple(positions)).change()
    return tuple(
        position
        for position, messages in store.messages_at(version.examples, positions)
        if any(repair(message.content) != message.content for message in messages)
    )


def _usual_system(version: Version) -> str:
    """The system message of the examples that the report does not find odd, which all have the same; "" for none."""
    odd = {position for position, _, _ in version.places("system_inconsistent")}
    usual = next(position for position in range(len(odd) + 1) if position not in odd)
    messages = next((messages for _, messages in store.messages_at(version.examples, [usual])), ())
    return next((message.content for message in messages if message.role == "system"), "")


def _unified(version: Version, rows: Sequence[Place]) -> dict[int, tuple[dict[str, object], ...]]:
    """The examples with the last answer written as the example that their group names writes it."""
    group_of = {position: group for position, group, _ in rows}
    wanted = sorted({*group_of, *group_of.values()})
    read: dict[int, tuple[Message, ...]] = dict(store.messages_at(version.examples, wanted))
    made = {}
    for position, group in group_of.items():
        messages, index = read[position], likeness.last_answer(read[position])
        best = likeness.last_answer(read[group])
        if index is None or best is None:
            continue
        spelled = replace(messages[index], content=read[group][best].content)
        made[position] = tuple(m.to_dict() for m in (*messages[:index], spelled, *messages[index + 1 :]))
    return made
