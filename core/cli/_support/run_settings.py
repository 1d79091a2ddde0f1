"""The settings of a run as options of `sft train`: `--epochs 3 --rank 16`.

They are the fields that the forms of the screens show too: a setting is defined once, in its method or in
`TrainingConfig`, which may name a shorter option as `flag`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.cli._support.settings import Texts

PARAMETER = "run_settings"  # of a verb that has these options


@dataclass(frozen=True, slots=True)
class SettingOption:
    """One setting as an option. `methods` are those that have it; () if every run has it."""

    name: str
    field: FieldInfo
    methods: tuple[str, ...]

    @property
    def flag(self) -> str:
        return str(_extra(self.field).get("flag") or f"--{self.name.replace('_', '-')}")

    @property
    def other_flags(self) -> tuple[str, ...]:
        """Shorter names of the option."""
        return tuple(_extra(self.field).get("other_flags") or ())

    @property
    def is_switch(self) -> bool:
        return self.field.annotation is bool

    @property
    def is_list(self) -> bool:
        return get_origin(self.field.annotation) is list

    @property
    def help(self) -> str:
        """What it does, its usual values, and the methods that have it."""
        first = (self.field.description or "").split(". ")[0].rstrip(".")
        usual = _extra(self.field).get("usual")
        parts = [f"{self.field.title}. {first}.", f"Usual: {usual}." if usual else ""]
        parts.append(f"For {', '.join(self.methods)}." if self.methods else "")
        return " ".join(part for part in parts if part)

    def parameter(self) -> inspect.Parameter:
        """As typer reads it from a signature."""
        flags = [f"{self.flag}/--no-{self.flag.removeprefix('--')}" if self.is_switch else self.flag]
        flags += self.other_flags
        kind: Any = bool | None if self.is_switch else Texts if self.is_list else str | None
        metavar = None if self.is_switch else _metavar(self.field.annotation)
        option = typer.Option(*flags, help=self.help, metavar=metavar, show_default=False)
        return inspect.Parameter(
            self.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
        )


def setting_options() -> list[SettingOption]:
    """Those of every run, then those of the registered methods."""
    from core.models.methods import METHODS
    from core.training.jobs.spec import TrainingConfig

    options = [SettingOption(name, field, ()) for name, field in TrainingConfig.model_fields.items()]
    own: dict[str, SettingOption] = {}
    for method in METHODS:
        for name, field in method.model_fields.items():
            known = own.get(name)
            methods = (*(known.methods if known else ()), method.id)
            own[name] = SettingOption(name, known.field if known else field, methods)
    return options + list(own.values())


def flag_of(name: str, *configs: type[BaseModel]) -> str:
    """The option of a setting, where one of these has it."""
    field = next(config.model_fields[name] for config in configs if name in config.model_fields)
    return SettingOption(name, field, ()).flag


def words(values: Mapping[str, Any], pairs: Iterable[str], *configs: type[BaseModel]) -> list[str]:
    """Pairs `name=value` (of `settings.pairs`) as words of a command; a switch that is off has its own option."""
    found: list[str] = []
    for pair in pairs:
        name, _, value = pair.partition("=")
        flag = flag_of(name, *configs)
        if isinstance(values[name], bool):
            found.append(flag if values[name] else f"--no-{flag.removeprefix('--')}")
        else:
            found += [flag, value]
    return found


def with_run_settings(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with an option for each setting, if it has the parameter `run_settings`: it gets those that were given,
    as texts `name=value`.

    Called when the command line is built, so that help texts list what is registered by then.
    """
    own = inspect.signature(verb, eval_str=True)
    if PARAMETER not in own.parameters:
        return verb
    options = setting_options()

    @functools.wraps(verb)
    def run(**values: Any) -> None:
        given = {option.name: values.pop(option.name) for option in options}
        texts = [f"{name}={text}" for name, value in given.items() for text in _texts(value)]
        verb(**values, **{PARAMETER: texts})

    kept = [item for name, item in own.parameters.items() if name != PARAMETER]
    parameters = [*kept, *(option.parameter() for option in options)]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer looks at
    run.__annotations__ = {item.name: item.annotation for item in parameters}
    return run


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [str(value).lower()]
    return list(value) if isinstance(value, list) else [value]


def _metavar(annotation: Any) -> str:
    """`[auto|N]`, `[linear|cosine]`, `TEXT`."""
    origin = get_origin(annotation)
    if origin is Literal:
        return f"[{'|'.join(map(str, get_args(annotation)))}]"
    if origin is list:
        return "TEXT"
    names = [_metavar(part).strip("[]") for part in get_args(annotation)] if origin is not Annotated else []
    if names:
        return f"[{'|'.join(reversed(names))}]"
    kind = get_args(annotation)[0] if origin is Annotated else annotation
    return {int: "N", float: "X"}.get(kind, "TEXT")


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
