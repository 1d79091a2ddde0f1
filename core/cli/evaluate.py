"""`sft evaluate MODEL...`: models answer a dataset's split; their figures, and whether the first one may be shipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.money import OverBudget
from core.cli._support.output import print_json, print_table
from core.cli._support.waiting import wait_succeeded
from core.serving.evaluation import EVALUATION_METRICS
from core.serving.evaluation.suites import SUITES
from core.text import plural, range_usd

if TYPE_CHECKING:
    from core.services.serving.evaluating import EvaluationRecord, VerdictRecord

METRICS = f"A metric; may be repeated. Left out: the usual ones. One of: {', '.join(EVALUATION_METRICS.ids())}."
GUARDS = f"Guard suites, separated by commas; all, or none. Of: {', '.join(SUITES.ids())}."


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Models by name or id, a base such as starter, or CONNECTION/MODEL.", autocompletion=complete("model")
        ),
    ],
    dataset: Annotated[str, typer.Option(help="Name or id of a dataset.", autocompletion=complete("dataset"))],
    against: Annotated[
        str, typer.Option(help="The model that the others are compared with; asks the guard suites too.")
    ] = "",
    split: Annotated[str, typer.Option(help="test, validation, train or all.")] = "test",
    metric: Annotated[list[str] | None, typer.Option(help=METRICS)] = None,
    main: Annotated[str, typer.Option(help="The metric that decides; left out: the one that fits the outputs.")] = "",
    guards: Annotated[str, typer.Option(help=GUARDS)] = "all",
    repeats: Annotated[int, typer.Option(min=1, max=5, help="How often --against answers, to measure its noise.")] = 2,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask only the first examples.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, max=4096, help="Maximum answer length, in tokens.")] = None,
    temperature: Annotated[float, typer.Option(min=0.0, max=2.0, help="0 always takes the most likely token.")] = 0.0,
    custom: Annotated[
        list[str] | None,
        typer.Option(
            "--custom", metavar="NAME=FILE", help="A custom metric: a .py, .json (schema) or .txt (regex) file."
        ),
    ] = None,
    judge: Annotated[
        str, typer.Option(help="A model that compares each pair of answers with those of --against.")
    ] = "",
    rubric: Annotated[Path | None, typer.Option(help="A text file: what makes an answer the better one.")] = None,
    over_budget: OverBudget = "",
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only estimate what models behind connections cost; ask nothing.")
    ] = False,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 if the verdict is Don't ship.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let models answer a dataset's test split; with --against, say whether they may be shipped."""
    from core.platform.supervisor import ensure
    from core.services.data import datasets
    from core.services.platform import budgets
    from core.services.serving import evaluating
    from core.services.serving.evaluating import EvaluationSettings, contestants, judging, verdicts

    if gate and not against:
        raise typer.BadParameter("--gate needs --against MODEL.")
    with ensure(set()):
        version_id = datasets.get_dataset(dataset).version.id
        asked = (*models, *filter(None, (against, judge)))
        elsewhere = all(contestants.find(one).kind == "connection" for one in asked)
    suites = () if not against or guards == "none" else tuple(SUITES.ids() if guards == "all" else guards.split(","))
    settings = EvaluationSettings(
        limit=limit, max_tokens=max_tokens, temperature=temperature, against=against, suites=suites,
        repeats=repeats if against else 1, main=main, custom=tuple(map(_custom, custom or ())),
        judge={"model": judge, "rubric": rubric.read_text("utf-8") if rubric else ""} if judge else {},
    )  # fmt: skip
    split = "" if split == "all" else split
    if estimate:
        with ensure(set()):
            cost = evaluating.estimate(models, version_id, split=split, settings=settings)
        if as_json:
            print_json(cost)
        else:
            known = range_usd(cost.low_usd, cost.high_usd) if cost.high_usd is not None else "not known: no price"
            print(f"{cost.calls:,} paid calls{f' at {cost.provider}' if cost.provider else ''}: {known}.")
        return
    with ensure(set()):
        if missing := evaluating.unasked(models, version_id, split=split, settings=settings):
            say(missing)
    with ensure({"redis", "worker", *(() if elsewhere else ("inference",))}, say):
        with budgets.acting(override_reason=over_budget):
            started = evaluating.start(models, version_id, split=split, metrics=metric or (), settings=settings)
        wait_succeeded(started.task_id)
    with ensure(set()):
        done = evaluating.get(started.id)
        found = verdicts.of_evaluation(started.id)
    if as_json:
        pairs = {one.id: judging.judged(done, one.id) for one in done.models if one.id != done.settings.against}
        print_json({"evaluation": done.id, "dataset": done.dataset_id, "split": done.split, "summary": done.summary,
                    "verdicts": found, "judged": pairs if judge else {}})  # fmt: skip
    else:
        _print(done, found)
    if gate and any(verdict.decision == "dont_ship" for verdict in found):
        raise typer.Exit(1)


def _custom(typed: str) -> dict[str, str]:
    """The definition in `NAME=FILE`."""
    name, _, path = typed.partition("=")
    kind = {".py": "function", ".json": "schema", ".txt": "regex"}.get(Path(path).suffix)
    if kind is None:
        raise typer.BadParameter(f"{typed!r} is not NAME=FILE with a .py, .json or .txt file.")
    body = Path(path).read_text("utf-8")
    return {"kind": kind, "name": name, "body": body.strip("\n") if kind == "regex" else body}


def _print(done: EvaluationRecord, found: list[VerdictRecord]) -> None:
    from core.services.serving.evaluating import judging

    assert done.summary is not None
    for verdict in found:
        print(f"{verdict.title}: {done.title_of(verdict.candidate_id)} against {done.title_of(verdict.parent_id)}")
        for reason in verdict.reasons:
            print(f"  {_MARKS[reason.ok]} {reason.text}")
    for model in done.models:
        failed, why = judging.failed(done, model.id)
        if failed:
            print(f"Judge: {plural(failed, 'judgment')} of {model.title} missing. {why}")
        if pairs := judging.judged(done, model.id):
            bias = f"; it prefers the {pairs.biased} answer" if pairs.biased else ""
            print(f"Judge: {model.title} wins {pairs.win_rate:.0%} of {plural(pairs.total, 'pair')}{bias}")
    titles = dict.fromkeys(score.title for model in done.summary.models for score in model.scores)
    rows: list[list[Any]] = []
    for title in titles:
        cells = ({score.title: score.text for score in model.scores}.get(title, "-") for model in done.summary.models)
        rows.append([title, *cells])
    for suite in done.settings.suites:
        counts = (model.suites.get(suite) for model in done.summary.models)
        rows.append([SUITES.get(suite).title, *(f"{one[0]} of {one[1]}" if one else "-" for one in counts)])
    for note in filter(None, (*done.summary.given_up, done.summary.left_out_text)):
        print(note)
    print_table(("FIGURE", *(done.title_of(model.model_id) for model in done.summary.models)), rows)


_MARKS = {True: "+", False: "!", None: "="}
