"""Text from outside, shown safely: in markdown, in HTML, and verbatim.

Outside text is whatever a file, a user, a model, another server or an exception wrote: cells, column names, file
names, answers, errors, titles. It never becomes markup of the studio: no picture, link, style, color, icon, emoji,
formula, diagram or heading, and it looks as it is written. Invisible and direction-changing characters are replaced by
their code points.

- `md` for a label, a caption or part of a line of markdown; `md_keep` also keeps the spaces at both ends
- `md_code` for a short text as inline code
- `sentence` for a message of the core, in which values are in backticks
- `md_answer` for a model's answer: its own lists, tables, emphasis and code remain
- `escaped` for `st.html`, `visible` for `st.text` and `st.code`; `plotted` is called by `charts.chart` for every text
"""

from __future__ import annotations

import html
import re
from typing import Final

# Control characters except tab and line break, zero-width and direction-changing characters, lone surrogates.
# U+200D (joins emoji) and U+200C (needed by some scripts) are allowed.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

# Streamlit replaces some strings after it has read the markdown, where a backslash has no effect any more: shortcodes
# (`:fire:`, `:material/home:`), addresses, and arrows and dashes between spaces. An invisible character breaks those.
_BREAK: Final = "\u200b"
_SHORTCODE: Final = r":(?=[\w+\-]+:|material/)"
_ADDRESS: Final = r":(?=//)|(?<=\w)@(?=\w)|www(?=\.)"  # would become a link
_REPLACED: Final = rf"{_SHORTCODE}|{_ADDRESS}|(?<!\S)(?:<->|->|<-|--|>=|<=|~=)(?!\S)"
_MARKUP = re.compile(rf"(?P<broken>{_REPLACED})|[\\`*_{{}}\[\]()<>#+\-.!|$~^=]|:(?=\S)|&(?=[#\w])", re.IGNORECASE)
# Of an answer, only what is not its own formatting: HTML, entities, links and pictures, formulas, directives.
_FOREIGN = re.compile(
    rf"(?P<broken>{_SHORTCODE}|{_ADDRESS})|(?P<kept>\\[*_#~|.\-+>(){{}}])|\\?[\\<&\[\]$:`]", re.IGNORECASE
)
_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}(?=[^`]*$)|~{3,})[ \t]*(?P<language>[\w+#-]*)")
_DIAGRAMS: Final = ("mermaid",)  # Streamlit draws these


def visible(text: str) -> str:
    """The text with each such character written as `⟨U+202E⟩`, for `st.text` and other verbatim output."""
    return _HIDDEN.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text)


def escaped(text: str) -> str:
    """The same with HTML escaped, for `st.html`."""
    return html.escape(visible(text))


def plotted(text: str) -> str:
    """A text of a Plotly figure, which reads a little HTML; a line break remains one."""
    return html.escape(visible(text), quote=False).replace("\n", "<br>")


def md(text: object, limit: int | None = None) -> str:
    """Outside text for `st.markdown`, `st.caption`, labels and help: one line, shown as written, never as markup."""
    value = " ".join(str(text).split())
    if limit is not None and len(value) > limit:
        value = value[: limit - 1].rstrip() + "…"
    return _MARKUP.sub(_escape, visible(value))


def md_keep(text: str) -> str:
    """As `md`, but leading and trailing spaces are preserved."""
    lead = " " if text[:1].isspace() else ""
    tail = " " if len(text) > 1 and text[-1:].isspace() else ""
    return f"{lead}{md(text)}{tail}"


def md_code(text: object) -> str:
    """Outside text as inline code of a line of markdown; backticks in it do not end it."""
    value = visible(" ".join(str(text).split())).replace(":material/", f":{_BREAK}material/")
    if not value:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", value)), default=0) + 1)
    space = " " if value[0] == "`" or value[-1] == "`" else ""
    return f"{fence}{space}{value}{space}{fence}"


def sentence(text: str) -> str:
    """A message of the core, escaped as by `md`, except that text in backticks is shown as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return md(text)
    return "".join(md_code(part) if index % 2 else md_keep(part) for index, part in enumerate(parts))


def md_answer(text: str) -> str:
    """A model's answer for `st.markdown`: its formatting remains, and nothing in it loads or draws anything else.

    Every code block is written again at the margin with a fence that its content does not contain, so that Streamlit
    and this function agree on what is code; everything else is escaped.
    """
    out: list[str] = []
    block: list[str] | None = None
    fence = language = indent = ""
    for line in visible(text.replace("\r\n", "\n")).split("\n"):
        match = _FENCE.match(line)
        if block is None and match:
            block, fence, indent = [], match["fence"], match["indent"]
            language = match["language"] if match["language"].lower() not in _DIAGRAMS else ""
        elif block is None:
            out.append(_answer_line(line))
        elif match and match["fence"].startswith(fence) and not line.strip().strip(fence[0]):
            out += _code_block(block, language)
            block = None
        else:
            block.append(line.removeprefix(indent))
    if block is not None:  # still being written
        out += _code_block(block, language)
    return "\n".join(out)


def _code_block(lines: list[str], language: str) -> list[str]:
    text = "\n".join(lines).replace(":material/", f":{_BREAK}material/")
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [f"{fence}{language}", text, fence]


def _answer_line(line: str) -> str:
    """One line that is not in a code block, with its inline code."""
    runs = [(match.start(), match.end()) for match in re.finditer("`+", line)]
    closing: dict[int, int] = {}
    last: dict[int, int] = {}
    for index in range(len(runs) - 1, -1, -1):  # the next run of the same length ends a piece of code
        length = runs[index][1] - runs[index][0]
        if length in last:
            closing[index] = last[length]
        last[length] = index
    out, at, index = [], 0, 0
    while index < len(runs):
        start, end = runs[index]
        if index in closing and (start == 0 or line[start - 1] != "\\"):
            stop = runs[closing[index]]
            content = line[end : stop[0]]  # a bar would end the cell of a table, and the code with it
            out += [_FOREIGN.sub(_escape, line[at:start]), md(content) if "|" in content else md_code(content)]
            at, index = stop[1], closing[index]
        index += 1
    return "".join([*out, _FOREIGN.sub(_escape, line[at:])])


def _escape(match: re.Match[str]) -> str:
    found = match.group()
    if match.group("broken"):
        if found[0] not in ":<>-~=":  # www, and the @ of an address
            return found + _BREAK
        return f"\\{found[0]}{_BREAK}" + "".join(f"\\{character}" for character in found[1:])
    if match.groupdict().get("kept"):
        return found
    return f"\\{found[-1]}"
