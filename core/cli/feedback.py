"""`sft feedback`: votes and corrections; review them, export them, and make a dataset of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.output import moment, print_json, print_table
from core.errors import DataError
from core.text import plural

if TYPE_CHECKING:
    from core.services.serving.feedback import CorrectionRecord

_PAGE = 500
Agent = Annotated[str, typer.Option(help="Only of the agent with this id.")]
Model = Annotated[str, typer.Option(help="Only of the model with this id.")]
Ids = Annotated[list[str], typer.Argument(metavar="CORRECTION...", help="Ids of corrections.")]
By = Annotated[str, typer.Option(help="Who decides; stored with the decision.")]


def feedback(context: typer.Context) -> None:
    """What people think of answers: how many votes there are, and how many corrections wait for a review."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.serving import feedback as service

    with ensure(set()):
        total, good, bad = service.tally()
        counts = service.look_up(service.wanted(), limit=1)[1]
    print(f"{plural(total, 'vote')}: {good:,} good, {bad:,} bad")
    print("Corrections: " + ", ".join(f"{count:,} {state}" for state, count in counts.items()))


def list_corrections(
    state: Annotated[str, typer.Option(help="Only new, accepted or rejected ones.")] = "",
    agent: Agent = "",
    model: Model = "",
    search: Annotated[str, typer.Option(help="Only those with this text, or by this person.")] = "",
    votes: Annotated[bool, typer.Option("--votes", help="List the votes in place of the corrections.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List the corrections, the oldest first, or the votes."""
    from core.platform.supervisor import ensure
    from core.services.serving import feedback as service

    with ensure(set()):
        votes_found = service.latest(agent, model, limit=_PAGE) if votes else []
        found = [] if votes else list(_every(state, agent, model, search))
    if as_json:
        for item in (*votes_found, *found):
            print_json(item)
    elif votes:
        print_table(("VOTE", "BY", "THUMB", "STARS", "REASONS", "COMMENT", "CHANGED"), [
            (vote.id, vote.author or "-", _sign(vote.thumb), vote.stars or "-", ",".join(vote.reasons) or "-",
             _short(vote.comment), moment(vote.updated_at))
            for vote in votes_found
        ])  # fmt: skip
    else:
        print_table(("CORRECTION", "STATE", "BY", "ANSWERED", "MODEL", "ANSWER", "CORRECTED", "DECIDED"), [
            (one.id, one.state, one.author or "-", moment(one.snapshot.answered_at), one.snapshot.model_name,
             _short(one.snapshot.answer), _short(one.text) + _edited(one), _decided(one))
            for one in found
        ])  # fmt: skip


def accept(corrections: Ids, by: By = "") -> None:
    """Accept corrections: they become examples of the next dataset of feedback."""
    _decide(corrections, "accepted", by)


def reject(corrections: Ids, by: By = "") -> None:
    """Reject corrections; they remain in the list."""
    _decide(corrections, "rejected", by)


def export(
    state: Annotated[str, typer.Option(help="Only new, accepted or rejected ones.")] = "accepted",
    agent: Agent = "",
    model: Model = "",
    format: Annotated[str, typer.Option(help="dpo (preference pairs) or jsonl (labeled examples).")] = "dpo",
    redact: Annotated[bool, typer.Option(help="Replace personal data and secrets by placeholders.")] = True,
    out: Annotated[Path | None, typer.Option(help="File to write; left out: stdout.")] = None,
) -> None:
    """Write corrections as preference pairs (DPO JSONL) or as labeled examples, without making a dataset."""
    from core.cli._support.output import json_text
    from core.platform.supervisor import ensure
    from core.services.serving.feedback import FORMATS, exported

    if format not in FORMATS:
        raise DataError(f"Unknown format: {format!r}.", f"Choose one of: {', '.join(FORMATS)}.")
    with ensure(set()):
        records = exported(_every(state, agent, model, ""), format, redact=redact)
        if out is None:
            for record in records:
                print_json(record)
            return
        with out.open("w", encoding="utf-8") as stream:
            stream.writelines(f"{json_text(record)}\n" for record in records)
        print(out)


def dataset(
    name: Annotated[str, typer.Option(help="Name of a new dataset.")] = "",
    add_to: Annotated[str, typer.Option(help="Name or id of a dataset to add to, in place of a new one.")] = "",
    agent: Agent = "",
    model: Model = "",
    good: Annotated[bool, typer.Option("--good", help="Take answers that were only rated well too.")] = False,
    redact: Annotated[bool, typer.Option(help="Replace personal data and secrets by placeholders.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a dataset, or the next version of one, of the accepted corrections that no dataset has."""
    from core.platform.supervisor import ensure
    from core.services.data import datasets
    from core.services.serving import feedback as service

    with ensure(set()):
        target = datasets.get_dataset(add_to).id if add_to else ""
        made = service.make_dataset(name, agent_id=agent, model_id=model, dataset_id=target, good=good, redact=redact)
    if as_json:
        print_json(made)
        return
    copies = f", {plural(made.duplicates, 'copy', 'copies')} left out" if made.duplicates else ""
    say(f"{plural(made.examples, 'labeled example')}, {plural(made.pairs, 'preference pair')}{copies}")
    print(made.dataset_id)


def _every(state: str, agent: str, model: str, search: str) -> Iterator[CorrectionRecord]:
    from core.services.serving import feedback as service

    asked, offset = service.wanted(state, agent, model, search), 0
    while found := service.look_up(asked, offset, _PAGE)[0]:
        yield from found
        offset += len(found)


def _decide(corrections: list[str], state: str, by: str) -> None:
    from core.platform.supervisor import ensure
    from core.services.serving import feedback as service

    with ensure(set()):
        for one in corrections:
            print(f"{one}  {service.decide(one, state, by=by).state}")


def _sign(thumb: int) -> str:
    return {1: "up", -1: "down"}.get(thumb, "-")


def _edited(one: CorrectionRecord) -> str:
    return f" (edited by {one.edited_by or '-'})" if one.is_edited else ""


def _decided(one: CorrectionRecord) -> str:
    return f"{one.decided_by or '-'}, {moment(one.decided_at)}" if one.decided_at else "-"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 48 else f"{line[:47]}…"


list_corrections.__name__ = "list"
SUBCOMMANDS = (list_corrections, accept, reject, export, dataset)
