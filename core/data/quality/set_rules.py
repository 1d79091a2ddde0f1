"""The rules about a set as a whole: those of the issues that have one (`core.data.issues`)."""

from __future__ import annotations

from typing import Final

from core.data.examples.sets import ExampleSet
from core.data.issues import ISSUES, finding
from core.data.issues.sets import MINIMUM_EXAMPLES, RECOMMENDED_EXAMPLES
from core.messages import Finding

__all__ = ["MINIMUM_EXAMPLES", "RECOMMENDED_EXAMPLES", "VERSION", "check_set"]

VERSION: Final = 1  # grows when a rule changes what it finds: older datasets are then "not validated"
_LISTED = 20  # groups of examples named one by one


def check_set(seen: ExampleSet) -> list[Finding]:
    """What the rules find in a set."""
    findings = []
    for issue in ISSUES:
        verdict = issue.rule(seen) if issue.rule else None
        if verdict is None:
            continue
        groups = verdict.groups[:_LISTED]
        # A row can yield several examples, and an example written by hand has no line.
        lines = sorted({line for group in groups for line in seen.lines(group) if line})
        first = seen.lines(groups[0][:1])[0] if groups else 0
        text = issue.say(verdict.examples, len(verdict.groups))
        findings.append(finding(issue.code, text, line=first or None, rows=lines))
    return findings
