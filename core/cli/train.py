"""`sft train`: launch a fine-tuning job, and with --wait stay until its model exists."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.money import OverBudget, print_hosted, print_local
from core.cli._support.output import print_json
from core.cli._support.run_settings import setting_options, words as run_words
from core.cli._support.settings import Texts, assign, pairs, plain, time_of
from core.cli._support.waiting import wait_for
from core.models.methods import METHODS
from core.text import moment, plural


def method_help() -> str:
    """The help of `--method`. Typer reads it when it builds the commands, so it lists the registered methods."""
    return f"Fine-tuning method: {_or(METHODS.ids())}."


def engine_help() -> str:
    """The help of `--engine`."""
    from core.training.engines import AUTO, ENGINES

    return f"What runs the training steps: {_or((AUTO, *ENGINES.ids()))}. auto prints which one it chose, and why."


def provider_help() -> str:
    """The help of `--provider`."""
    from core.training.providers import PROVIDERS

    here = [one.id for one in PROVIDERS if not one.hosted]
    return f"Where it trains: {_or(here)}; --connection names a hosted service."


def _or(ids: Sequence[str]) -> str:
    return f"{', '.join(ids[:-1])} or {ids[-1]}" if len(ids) > 1 else ids[0]


def train(
    dataset: Annotated[
        str, typer.Option(help="Name or id of a validated dataset.", autocompletion=complete("dataset"))
    ],
    base: Annotated[
        str, typer.Option(help="Base model: starter, local:/a/directory, or an id of the catalog.")
    ] = "starter",
    method: Annotated[str, typer.Option(help=method_help())] = "lora",
    engine: Annotated[str, typer.Option(help=engine_help())] = "auto",
    provider: Annotated[str, typer.Option(help=provider_help())] = "local",
    connection: Annotated[
        str,
        typer.Option(
            help="Train at this connection instead: name or id. --base, --method and --set are then its service's.",
            autocompletion=complete("connection"),
        ),
    ] = "",
    start_at: Annotated[
        str, typer.Option("--start-at", metavar="TIME", help="Start then: 2026-12-24T08:00, or 08:00 for the next one.")
    ] = "",
    name: Annotated[str, typer.Option(help="Name of the job and of its model; generated if left out.")] = "",
    settings: Annotated[
        Texts,
        typer.Option("--set", metavar="K=V", help="A setting by its own name, such as rank=16; may be repeated."),
    ] = None,
    run_settings: Texts = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only estimate time and cost; nothing is launched or sent.")
    ] = False,
    over_budget: OverBudget = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the run is over; starts a worker if none runs.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; the last line names job, model, status, loss.")
    ] = False,
) -> None:
    """Fine-tune a base model on a dataset. Settings that are not given are chosen automatically."""
    from core.platform.supervisor import ensure
    from core.services.platform import budgets, tasks
    from core.services.training import jobs

    def chosen() -> dict[str, Any]:
        where = {"dataset": dataset, "base_model": base, "method": method}
        if connection:
            return _there(where, connection, [*(settings or []), *(run_settings or [])])
        return {**_here(where, settings or [], run_settings or []), "engine": engine, "provider": provider}

    if estimate:
        with ensure(set()):
            return _estimate(chosen(), as_json=as_json)
    with ensure({"redis", "worker"} if wait else {"redis"}, say):
        begin = time_of(start_at) if start_at else None
        with budgets.acting(override_reason=over_budget):
            job = jobs.create(**chosen(), name=name, draft_key=None, start_at=begin)
        _say_plan(job)
        if wait:
            wait_for(job.task_id)
        elif not tasks.workers():
            say("No worker runs: `sft up` starts the studio, and the job with it.")
        else:
            say(f"Follow it: {shlex.join(['sft', 'jobs', 'show', job.name])}; or on the screen Jobs.")
        code = _report(job.id, as_json=as_json)
    raise typer.Exit(code)


def _here(where: dict[str, str], named: list[str], options: list[str]) -> dict[str, Any]:
    """The choices for a job on this machine, as arguments of `jobs.create`."""
    from core.training.jobs.spec import TrainingConfig

    flags = {option.name: option.flag for option in setting_options()}
    given = {pair.partition("=")[0] for pair in options}
    method_config, training = assign(
        [*named, *options], METHODS.get(where["method"]), TrainingConfig, flags={name: flags[name] for name in given}
    )
    return {**_of(where), "method_config": method_config, "training": training}


_ALIKE: Final = {"num_epochs": "n_epochs", "per_device_batch_size": "batch_size"}  # this studio's names, OpenAI's


def _there(where: dict[str, str], connection: str, settings: list[str]) -> dict[str, Any]:
    """The choices for a job at a connection: the settings are the service's own."""
    from core.services.platform import connections

    values = {_ALIKE.get(name := pair.partition("=")[0].strip(), name): plain(pair) for pair in settings}
    seed = values.pop("seed", None)
    training = {} if seed is None else {"seed": seed}
    found = connections.find(connection).id
    return {**_of(where), "connection": found, "hyperparameters": values, "training": training}


def _of(where: dict[str, str]) -> dict[str, Any]:
    from core.services.data import datasets

    return {
        "dataset_id": datasets.get_dataset(where["dataset"]).id, "base_model": where["base_model"],
        "method": where["method"],
    }  # fmt: skip


def _estimate(chosen: dict[str, Any], *, as_json: bool) -> None:
    """Print what a job with these choices takes and costs."""
    from core.services.training import cost, jobs

    if connection := chosen.get("connection"):
        found = cost.estimate_at(connection, chosen["base_model"], chosen["dataset_id"], chosen["hyperparameters"])
        return print_hosted(found, as_json=as_json)
    names = ("dataset_id", "base_model", "method", "method_config", "training", "engine", "provider")
    return print_local(jobs.forecast(*(chosen[name] for name in names)), as_json=as_json)


def _say_plan(job: Any) -> None:
    """What was launched, in a few lines."""
    if job.hosted:
        say(f"Job {job.name} ({job.id}): {job.base_title} at {job.hosted.connection}.")
        say(f"The examples leave this machine and go to {job.hosted.host}.")
    else:
        say(f"Job {job.name} ({job.id}): {plural(job.total_steps, 'step')} in {plural(job.num_epochs, 'epoch')}.")
        say(f"Engine {job.spec.engine}: {job.spec.engine_reason}")
        say("Precision {}: {}".format(*job.precision))
    for warning in job.forecast.get("warnings", []):
        say(f"Warning: {warning}")
    if job.starts_at:
        say(f"It starts on {moment(job.starts_at)}.")


def _report(job_id: str, *, as_json: bool) -> int:
    """Print the result of the job; 1 if it failed, was cancelled or is paused."""
    from core.services.training import jobs, models

    job = jobs.get_job(job_id)
    model = models.get_model(job.model_id) if job.model_id else None
    if as_json:
        print_json({"job": job.id, "model": model.name if model else None, "status": job.state, "loss": job.loss})
    elif model:
        print(model.name)
        say(f"Ask it: {shlex.join(['sft', 'chat', 'Your question', '--model', model.name])}")
    else:
        print(f"{job.id}  {job.state}")
    if job.error:
        say(f"{job.error.get('message', '')} {job.error.get('remedy', '')}".strip())
    if jobs.remedies(job):
        say(f"With these settings: {_command(jobs.started_over(job.id))}")
    return 1 if job.state in ("failed", "cancelled", "paused") else 0


def _command(choices: dict[str, Any]) -> str:
    """The choices of a job as a command, without settings that have their default."""
    from core.training.jobs.spec import TrainingConfig

    method = METHODS.get(choices["method"])
    own = {
        name: value
        for name, value in choices["method_config"].items()
        if name in method.model_fields and value != method.model_fields[name].default
    }
    words = ["sft", "train", "--dataset", choices["dataset_id"], "--base", choices["base_model"]]
    words += ["--method", choices["method"]]
    values = own | choices["training"]
    words += run_words(values, pairs(values, method, TrainingConfig), method, TrainingConfig)
    return shlex.join(words)
