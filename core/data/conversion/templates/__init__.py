"""The guided templates. A new one is a file here and a line in the registry; a duplicate id raises."""

from __future__ import annotations

from typing import Any

from core.data.conversion.templates.base import ColumnMapping, RoleSpec, Template, TemplateOptions
from core.data.conversion.templates.classification import ClassificationTemplate
from core.data.conversion.templates.custom import CustomTemplate
from core.data.conversion.templates.extraction import ExtractionTemplate
from core.data.conversion.templates.qa import QaTemplate
from core.errors import NotFound

TEMPLATES: dict[str, Template[Any]] = {}


def register(template: Template[Any]) -> None:
    """Add a template; ValueError where its id is taken."""
    if template.id in TEMPLATES:
        raise ValueError(f"there are two templates with the id {template.id!r}")
    TEMPLATES[template.id] = template


def get_template(template_id: str) -> Template[Any]:
    """The template with this id; NotFound names those that there are."""
    if template_id not in TEMPLATES:
        raise NotFound(f"There is no template {template_id!r}.", f"Choose one of: {', '.join(TEMPLATES)}.")
    return TEMPLATES[template_id]


for _template in (QaTemplate(), ExtractionTemplate(), ClassificationTemplate(), CustomTemplate()):
    register(_template)

__all__ = ["TEMPLATES", "ColumnMapping", "RoleSpec", "Template", "TemplateOptions", "get_template", "register"]
