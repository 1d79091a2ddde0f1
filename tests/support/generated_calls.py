"""Calls generated from the API's description, each checked against it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS: Final = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_PARAMETER: Final = re.compile(r"([\w-]+)/\{(\w+)\}")


class Calls:
    """Makes calls and counts them. `wrong` holds the first failure of each operation and kind."""

    def __init__(self, schema: schemathesis.BaseSchema, headers: Mapping[str, str], timeout_s: float | None) -> None:
        self.schema, self._headers, self._timeout_s = schema, dict(headers), timeout_s
        self.count = 0
        self.statuses: dict[int, int] = {}
        self.wrong: dict[tuple[str, str], str] = {}

    def to(
        self,
        operation: Any,
        examples: int,
        number: int,
        *,
        wrong: bool = False,
        known: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Call one operation.

        Args:
            number: seeds the generator.
            wrong: send what the description does not allow.
            known: ids by the word before them in a path, or by the field of a body; two of three calls use one.
        """
        mode = GenerationMode.NEGATIVE if wrong else GenerationMode.POSITIVE

        @seed(number)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def call(case: Any) -> None:
            if known and self.count % 3:
                self._use(known, case, operation.path, fields=not wrong)
            self._call(case, operation.label)

        with suppress(Unsatisfiable):  # nothing of a call without parameters can be wrong
            call()

    def _use(self, known: Mapping[str, Sequence[str]], case: Any, path: str, *, fields: bool) -> None:
        for word, name in _PARAMETER.findall(path):
            if ids := known.get(word):
                case.path_parameters[name] = ids[self.count % len(ids)]
        if fields and isinstance(case.body, dict):
            for name in case.body.keys() & known.keys():
                case.body[name] = known[name][self.count % len(known[name])]

    def _call(self, case: Any, label: str) -> None:
        self.count += 1
        options = {} if self._timeout_s is None else {"timeout": self._timeout_s}
        response = case.call(headers=self._headers, **options)
        self.statuses[response.status_code] = self.statuses.get(response.status_code, 0) + 1
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self.wrong.setdefault((label, type(failure).__name__), str(failure)[:2_000])
