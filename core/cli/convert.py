"""`sft convert FILE`: convert a table to a dataset of labeled examples."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.accounts import print_account, print_late, print_rows, shape_options
from core.cli._support.boundary import say
from core.cli._support.changes import ingested, print_dataset
from core.cli._support.settings import Lines, Texts, assign
from core.cli._support.suggesting import print_notes, suggested_recipe
from core.cli._support.waiting import succeeded, wait_for
from core.data import formats
from core.data.conversion.templates import TEMPLATES
from core.errors import DataError, SettingsError, StudioError
from core.messages import Row

if TYPE_CHECKING:
    from core.data.conversion.analysis import Analysis
    from core.data.conversion.fields import Account
    from core.platform.tasks.records import TaskRecord
    from core.services.data.sources import SourceRecord


def convert(
    file: Annotated[Path, typer.Argument(help=f"{formats.labels()} file.")],
    name: Annotated[str, typer.Option(help="Name of the new dataset; without it, the file's name.")] = "",
    template: Annotated[
        str,
        typer.Option(help=f"One of {', '.join(TEMPLATES.ids())}; leave it out for a file in a known chat shape."),
    ] = "",
    key: Annotated[str, typer.Option("--input", metavar="COL", help="Key column: the main input.")] = "",
    target: Annotated[str, typer.Option("--target", metavar="COL", help="Target column: the expected output.")] = "",
    include: Annotated[Texts, typer.Option(metavar="COL", help="A further column to include; may be repeated.")] = None,
    columns: Annotated[
        Texts,
        typer.Option("--column", metavar="PART=COL", help="A column for any part of the template; may be repeated."),
    ] = None,
    system: Annotated[str, typer.Option(help="System message of every example.")] = "",
    settings: Annotated[
        Texts, typer.Option("--set", metavar="K=V", help="An option of the template or shape; may be repeated.")
    ] = None,
    without: Annotated[
        Texts,
        typer.Option(metavar="FIELD", help="Continue without a field that changes the meaning; may be repeated."),
    ] = None,
    suggested: Annotated[
        bool, typer.Option("--suggested", help="Use the suggested template, columns and wording; prints why.")
    ] = False,
    leave_out: Annotated[
        Lines, typer.Option(metavar="LINE", help="Leave out the row on a line, such as a total row; may be repeated.")
    ] = None,
    description: Annotated[str, typer.Option(help="A sentence about the dataset.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    *,
    reading: formats.Reading,
) -> None:
    """Turn a table into a dataset with a guided template, or import a file in a known chat shape."""
    from core.data.conversion.analysis_ahead import analyzed_ahead
    from core.platform.supervisor import ensure

    name = name or file.stem
    with analyzed_ahead(file, reading) as ahead, ensure({"worker-cpu"}, say):
        from core.services.data import conversion, rows_account, sources
        from core.services.data.results import ConversionResult

        source = ingested(file, reading)
        recipe: dict[str, Any]
        if template:
            parts = {"key": key or None, "target": target or None, "include": include or [], **_parts(columns or [])}
            recipe = {**_by_template(template, parts, settings or [], system), "leave_out": leave_out or []}
        else:
            recipe = {} if suggested else {"options": shape_options(settings or [])}
        if ahead.is_running and recipe:
            _make_account(source.id, {**recipe, "without": without or []})
        known = ahead.of(source.detection)
        analysis = sources.analyze(source.id) if known is None else sources.keep_analysis(source.id, known)
        if not template and analysis.shape is None:
            _say_if_chat_log(source.id, file)
        if template or suggested:
            if not template:
                if analysis.flattened:
                    say("Nested fields are read as columns, as with --nested flatten.")
                    sources.set_detection(source.id, replace(reading, nested="flatten"))
                    analysis = sources.analyze(source.id)
                recipe = suggested_recipe(analysis, file, system)
            print_notes(analysis, recipe)
            account = conversion.account(source.id, {**recipe, "without": without or []})
            print_account(account)
            task = conversion.start_with(source.id, **recipe, name=name, description=description, without=without or [])
        else:
            recipe = {"shape": analysis.shape, **recipe}
            task, account = _import(source, name, description, file, recipe["options"], without or [])
        expected = rows_account.expected(account, sources.analyze(source.id).total_rows)
        say(f"Expected: {expected.sentence}")
        ended = wait_for(task.id)
        if ended.state == "failed" and account.accepted == 0:  # the first rows show why
            print_rows(expected)
        result = ConversionResult.of(succeeded(ended))
        counts = {"read": result.read, "accepted": result.accepted, "rejected": result.rejected}
        print_rows(rows_account.of_result(result))
        print_late(conversion.account(source.id, {**recipe, "without": without or []}))
        print_dataset(result.dataset_id, {**counts, "left_out": result.left_out}, as_json=as_json)


def _make_account(source_id: str, recipe: dict[str, Any]) -> None:
    """Make the account that is needed next, while other processes analyze the file; it is kept in memory."""
    from core.data.conversion import chat_shapes
    from core.data.conversion.labeling import Recipe
    from core.services.data import sources

    with contextlib.suppress(StudioError):  # what does not fit is said where the account is asked for
        if "template" not in recipe:
            first = islice(sources.read(source_id), chat_shapes.SAMPLE)
            recipe = {**recipe, "shape": chat_shapes.detect(row for row in first if isinstance(row, Row))}
        if recipe.get("template") or recipe.get("shape"):
            sources.account(source_id, Recipe.of(recipe))


def _say_if_chat_log(source_id: str, file: Path) -> None:
    from core.services.data import chat_import  # imported here: most commands do without it, a tenth of their start

    if kind := chat_import.kind_of_upload(source_id):
        say(f"This is a chat log ({kind.title}): `sft chats {shlex.quote(str(file))}` imports its conversations.")


def _by_template(template: str, mapping: dict[str, Any], settings: list[str], system: str) -> dict[str, Any]:
    """The recipe of a template. Raises SettingsError: a column or an option is missing or wrong."""
    (options,) = assign(settings, TEMPLATES.get(template).Options)
    options |= {"system": system} if system else {}
    _check_parts(template, mapping)
    return {"template": template, "mapping": mapping, "options": options}


def _check_parts(template: str, mapping: dict[str, Any]) -> None:
    """Refuse a missing column with the option that chooses it."""
    for role in TEMPLATES.get(template).roles:
        if role.required and not mapping.get(role.id):
            option = {"key": "--input COL", "target": "--target COL", "include": "--include COL"}.get(role.id)
            remedy = f"Choose it with {option or f'--column {role.id}=COL'}. `sft analyze FILE` lists the columns."
            raise SettingsError(f"“{TEMPLATES.get(template).title}” needs {role.noun}.", remedy)


def _parts(pairs: list[str]) -> dict[str, Any]:
    """`PART=COL` texts as part -> column; a repeated part gets a list of columns."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        part, equals, column = pair.partition("=")
        if not equals:
            raise SettingsError(f"--column {pair}: there is no '='.", "Write it as --column part=column.")
        found.setdefault(part.strip(), []).append(column)
    return {part: names if len(names) > 1 else names[0] for part, names in found.items()}


def _advice(file: Path, analysis: Analysis) -> str:
    """What to do about a table in no known shape: the suggested conversion, with its reason."""
    from core.services.data import sources

    command = sources.convert_command(str(file), analysis)
    if analysis.best is None:
        return f"Choose the input and the output: {command}"
    return f"{analysis.best.reason} Convert it with --suggested, or choose: {command}"


def _import(
    source: SourceRecord, name: str, description: str, file: Path, options: dict[str, str], without: list[str]
) -> tuple[TaskRecord, Account]:
    from core.services.data import conversion, datasets, sources

    analysis = sources.analyze(source.id)
    if raw := sources.no_examples(file, analysis):
        raise DataError(raw.message, raw.remedy, code=raw.code)
    if analysis.shape is None:
        columns = ", ".join(column.name for column in analysis.columns[:20])
        raise DataError(
            f"{file.name} is not in a known chat shape; its columns are {columns}.",
            _advice(file, analysis),
            code="shape_unknown",
        )
    account = conversion.account(source.id, {"shape": analysis.shape, "options": options, "without": without})
    print_account(account)
    return datasets.create_from_source(source.id, name, description, options=options, without=without), account
