"""`sft convert FILE`: convert a table to a dataset of labeled examples."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.boundary import say
from core.cli._support.output import print_json
from core.cli._support.settings import assign
from core.cli._support.waiting import wait_succeeded
from core.data import formats
from core.data.conversion.templates import TEMPLATES
from core.errors import DataError, SettingsError

if TYPE_CHECKING:
    from core.platform.tasks.records import TaskRecord
    from core.services.data.results import ConversionResult
    from core.services.data.sources import SourceRecord


def register(app: typer.Typer) -> None:
    @app.command()
    def convert(
        file: Annotated[Path, typer.Argument(help=f"{formats.labels()} file.")],
        name: Annotated[str, typer.Option(help="Name of the new dataset.")],
        template: Annotated[
            str,
            typer.Option(help=f"One of {', '.join(TEMPLATES.ids())}; leave it out for a file in a known chat shape."),
        ] = "",
        key: Annotated[str, typer.Option("--input", metavar="COL", help="Key column: the main input.")] = "",
        target: Annotated[
            str, typer.Option("--target", metavar="COL", help="Target column: the expected output.")
        ] = "",
        include: Annotated[
            list[str] | None, typer.Option(metavar="COL", help="A further column to include; may be repeated.")
        ] = None,
        columns: Annotated[
            list[str] | None,
            typer.Option(
                "--column", metavar="PART=COL", help="A column for any part of the template; may be repeated."
            ),
        ] = None,
        system: Annotated[str, typer.Option(help="System message of every example.")] = "",
        settings: Annotated[
            list[str] | None, typer.Option("--set", metavar="K=V", help="An option of the template; may be repeated.")
        ] = None,
        description: Annotated[str, typer.Option(help="A sentence about the dataset.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Turn a table into a dataset with a guided template, or import a file in a known chat shape."""
        from core.platform.supervisor import ensure
        from core.services.data import sources
        from core.services.data.results import ConversionResult

        if not os.path.isfile(file):  # not Path.is_file, which raises if a name is too long
            what = "is not a file" if os.path.exists(file) else "does not exist"
            raise DataError(f"{file} {what}.", "Check the path.", code="file_missing")
        with ensure({"redis", "worker"}, say):
            with file.open("rb") as stream:
                source = sources.ingest(stream, file.name)
            if template:
                mapping = {
                    "key": key or None,
                    "target": target or None,
                    "include": include or [],
                    **_parts(columns or []),
                }
                task = _start(source, template, mapping, _options(template, system, settings or []), name, description)
            else:
                task = _import(source, name, description, file)
            result = ConversionResult.of(wait_succeeded(task.id))
        _report(result, as_json=as_json)


def _parts(pairs: list[str]) -> dict[str, Any]:
    """`PART=COL` texts as part -> column; a repeated part gets a list of columns."""
    found: dict[str, Any] = {}
    for pair in pairs:
        part, equals, column = pair.partition("=")
        if not equals:
            raise SettingsError(f"--column {pair}: there is no '='.", "Write it as --column part=column.")
        found[part.strip()] = [*_listed(found[part.strip()]), column] if part.strip() in found else column
    return found


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _start(
    source: SourceRecord, template: str, mapping: dict[str, Any], options: dict[str, Any], name: str, description: str
) -> TaskRecord:
    from core.services.data import conversion

    return conversion.start_with(
        source.id, template=template, mapping=mapping, options=options, name=name, description=description
    )


def _import(source: SourceRecord, name: str, description: str, file: Path) -> TaskRecord:
    from core.services.data import datasets, sources

    analysis = sources.analyze(source.id)
    if analysis.shape is None:
        columns = ", ".join(column.name for column in analysis.columns[:20])
        raise DataError(
            f"{file.name} is not in a known chat shape; its columns are {columns}.",
            f"Choose the input and the output: --template qa --input COL --target COL. `sft analyze {file}` "
            "suggests columns.",
            code="shape_unknown",
        )
    return datasets.create_from_source(source.id, name, description)


def _options(template: str, system: str, pairs: list[str]) -> dict[str, Any]:
    (options,) = assign(pairs, TEMPLATES.get(template).Options)
    return {**options, **({"system": system} if system else {})}


def _report(result: ConversionResult, *, as_json: bool) -> None:
    from core.services.data import datasets

    dataset = datasets.get_dataset(result.dataset_id)
    counts = {"read": result.read, "accepted": result.accepted, "rejected": result.rejected}
    if as_json:
        print_json(
            {
                "dataset": dataset.id,
                "name": dataset.name,
                "state": dataset.state,
                "examples": dataset.examples,
                **counts,
            }
        )
        return
    print(f"{dataset.name}: {dataset.examples:,} labeled examples, {dataset.state.replace('_', ' ')} ({dataset.id})")
    say("{read:,} rows read = {accepted:,} accepted + {rejected:,} rejected".format(**counts))
