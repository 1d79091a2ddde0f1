"""Fixes of the worklist: those that a report offers, and the operation that one stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.data.editing import OPERATIONS, Operation, make
from core.data.issues import ISSUES
from core.data.quality.affected import AffectedExamples, ReportFiles
from core.data.quality.records import Action, IssueGroup
from core.errors import DataError, NotFound
from core.services.data.quality.reports import files_of


def issue_title(code: str) -> str:
    """What a code means in a few words, for a badge or a filter; the code as words if it is not an issue."""
    return ISSUES.get(code).title if code in ISSUES else code.replace("_", " ").capitalize()


def operation_for(version_id: str, code: str, action_id: str, positions: Sequence[int] | None = None) -> Operation:
    """The operation that a fix stands for, to be passed to `dataset_edits.apply`.

    Args:
        positions: the examples to fix; None: all that the issue affects.

    Raises:
        NotFound: no report, or no such fix. DataError: there is nothing for it to do, or it is done by hand.
    """
    fix = ISSUES.get(code).fix(action_id) if code in ISSUES else None
    if fix is None:
        raise NotFound(f"There is no fix {action_id!r} for {code!r}.", "Measure the quality again, and choose again.")
    if not fix.one_click:
        raise DataError("This fix is done by hand.", "Open the examples and edit them.")
    parameters = fix.parameters(AffectedExamples(files_of(version_id), code, positions))
    if not parameters:
        raise DataError("There is nothing for this fix to do.", "Choose another one, or edit the examples.")
    return make(OPERATIONS.get(fix.operation), **parameters)


def with_fixes(files: ReportFiles, group: IssueGroup, total: int) -> IssueGroup:
    """The issue with the fixes that change something, and how many examples each of them changes.

    A fix that would drop all examples of the version is left out.

    Args:
        total: examples of the version.
    """
    affected = AffectedExamples(files, group.code)
    offered = []
    for fix in ISSUES.get(group.code).fixes:
        count = fix.changes(affected) if fix.one_click else group.count
        if count and not (fix.drops_all and count >= total):
            icon = OPERATIONS.get(fix.operation).icon if fix.one_click else ""
            offered.append(Action(fix.id, fix.title_for(count), fix.text, fix.one_click, icon))
    return replace(group, actions=tuple(offered))
