"""The figures on a screen, by their names: tiles, facts, tables, and names that are followed by a value in a text."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from typing import Any

from streamlit.testing.v1 import AppTest

Figures = dict[str, set[str]]  # the values that a screen shows under a name

_FACT = re.compile(r"<dt>(.*?)</dt><dd>(.*?)</dd>", re.DOTALL)
_TEXTS = ("title", "header", "subheader", "markdown", "caption", "html", "text")


def of_screen(app: AppTest, named: dict[str, str], column: str = "") -> Figures:
    """Every figure on a screen.

    Args:
        named: patterns for figures in running text, by the name of the figure; the first group is the value.
        column: of tables that compare several things, the one to read.
    """
    found: Figures = defaultdict(set)
    for tile in app.metric:
        found[_unescaped(tile.label)].add(tile.value)
    for element in app.get("html"):
        for name, value in _FACT.findall(str(element.value)):
            found[html.unescape(name)].add(html.unescape(value))
    for frame in app.dataframe:
        if column in frame.value.columns:
            for name, value in frame.value[column].items():
                found[str(name)].add(str(value).removesuffix("  ★"))
    for name, values in of_text(plain(app), named).items():
        found[name] |= values
    return found


def of_text(text: str, named: dict[str, str]) -> Figures:
    """The figures in running text, such as the output of a command."""
    found = {name: set(re.findall(pattern, text)) for name, pattern in named.items()}
    return {name: values for name, values in found.items() if values}


def plain(app: AppTest) -> str:
    """The running text of a screen, without the marks of markdown."""
    parts: list[str] = []
    for kind in _TEXTS:
        parts += [str(getattr(element, "value", "") or "") for element in app.get(kind)]
    parts += [str(_of(element, "label")) for kind in ("button", "page_link") for element in app.get(kind)]
    text = html.unescape("\n".join(parts)).replace("\N{NO-BREAK SPACE}", " ")
    return _unescaped(re.sub(r":(small|gray|orange|green|red|blue)\[|\*\*", "", text))


def _unescaped(text: str) -> str:
    return re.sub(r"\\([^\w\s])", r"\1", text)


def _of(element: Any, name: str) -> Any:
    return getattr(element, name, None) or getattr(getattr(element, "proto", None), name, "")
