"""The guided templates. A new one is one file here and one line below."""

from __future__ import annotations

from core.data.conversion.templates.base import TEMPLATES, Template, TemplateOptions
from core.data.conversion.templates.classification import ClassificationTemplate
from core.data.conversion.templates.custom import CustomTemplate
from core.data.conversion.templates.extraction import ExtractionTemplate
from core.data.conversion.templates.mapping import ColumnMapping, RoleSpec, TemplateSuggestion
from core.data.conversion.templates.qa import QaTemplate

TEMPLATES.add(QaTemplate())
TEMPLATES.add(ExtractionTemplate())
TEMPLATES.add(ClassificationTemplate())
TEMPLATES.add(CustomTemplate())
