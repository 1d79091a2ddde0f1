"""Finds text that reaches a markdown element of a screen without being escaped, by reading the source of `pages`.

A text is *ours* if it is a constant, a number, the result of an escaping function, or put together from those. Every
other text is *outside* text. The parameters and results of the functions of `pages` are followed: if a function puts a
parameter into markdown, then what its callers pass is checked, in every file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Positional arguments of Streamlit's elements that are read as markdown; of all of them also the keywords below.
ELEMENTS = {
    **dict.fromkeys(("markdown", "caption", "title", "header", "subheader", "badge", "button", "checkbox"), 1),
    **dict.fromkeys(("toggle", "radio", "selectbox", "multiselect", "segmented_control", "pills", "slider"), 1),
    **dict.fromkeys(("select_slider", "number_input", "text_input", "text_area", "file_uploader", "expander"), 1),
    **dict.fromkeys(("popover", "form_submit_button", "status", "spinner", "toast", "error", "warning"), 1),
    **dict.fromkeys(("info", "success", "date_input"), 1),
    **dict.fromkeys(("write", "tabs", "table"), 99),
    "metric": 3,
    "progress": 2,
    **dict.fromkeys(("page_link", "link_button", "download_button", "menu_button", "dialog", "chat_message"), 1),
}
KEYWORDS = {"help", "label", "body", "text", "title", "captions", "delta_description", "delta"}
OPTIONS = ("radio", "segmented_control", "pills")  # the options of a selectbox or multiselect are not markdown
RECORDS = {"Tile"}  # records of pages whose texts are markdown
NOT_STREAMLIT = {"log", "logging", "logger", "file", "handle", "out", "archive", "writer", "html"}
ESCAPING = {"md", "md_keep", "md_code", "md_answer", "sentence"}
# Functions of other packages that return numbers in words, or a count; `plural` gets its nouns from its caller.
WORDS = {
    *(
        "plural",
        "size",
        "duration",
        "time_range",
        "number",
        "share",
        "len",
        "int",
        "round",
        "float",
        "sum",
        "ord",
        "bool",
        "type",
    ),
    *("percent", "format_loss", "fromtimestamp", "token_hex", "index", "date", "monotonic", "time", "count", "total"),
}
NUMBERS = {"int", "float", "bool", "None", "bytes", "datetime"}
SAME_TEXT = {"strip", "lstrip", "rstrip", "lower", "upper", "capitalize", "removesuffix", "removeprefix", "title"}
NUMERIC_FORMAT = re.compile(r"[^a-zA-Z%]*[,dfgGeE%xn]")


@dataclass(frozen=True)
class Outside:
    """One outside text in an element: the place, the expression, and the function whose parameter it became."""

    file: str
    line: int
    text: str
    where: str

    @property
    def key(self) -> str:
        """The file below pages and the expression: what the list of our own texts names."""
        return f"{self.file.removeprefix('pages/')}: {self.text}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text} -> {self.where}"


@dataclass
class Function:
    """A function of pages: where it is, and which of its parameters reach an element."""

    module: Module
    node: ast.FunctionDef
    sinks: set[str] = field(default_factory=set)

    @cached_property
    def parameters(self) -> dict[str, ast.expr | None]:
        found = self.node.args
        return {item.arg: item.annotation for item in (*found.posonlyargs, *found.args, *found.kwonlyargs)}

    @cached_property
    def assigned(self) -> dict[str, list[ast.expr]]:
        """What each local name is set to; for a loop, what it runs over."""
        return bindings(self.node)


@dataclass
class Module:
    """One file of pages: its functions, its constants and what its names were imported from."""

    path: Path
    tree: ast.Module
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    constants: dict[str, list[ast.expr]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def bindings(node: ast.AST) -> dict[str, list[ast.expr]]:
    """What each name is bound to in this function or module."""
    found: dict[str, list[ast.expr]] = {}

    def bind(target: ast.AST, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            found.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            for index, item in enumerate(target.elts):
                same = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
                bind(item, value.elts[index] if same else value)  # type: ignore[attr-defined]
        elif isinstance(target, ast.Starred):
            bind(target.value, value)

    for item in ast.walk(node):
        if isinstance(item, ast.Assign):
            for target in item.targets:
                bind(target, item.value)
        elif isinstance(item, ast.AnnAssign | ast.NamedExpr | ast.AugAssign) and item.value is not None:
            bind(item.target, item.value)
        elif isinstance(item, ast.For | ast.comprehension):
            rows = item.iter.elts if isinstance(item.iter, ast.Tuple | ast.List) else [item.iter]
            for row in rows:
                bind(item.target, row)
        elif isinstance(item, ast.withitem) and item.optional_vars is not None:
            bind(item.optional_vars, item.context_expr)
    return found


class Pages:
    """The source of pages, and the search through it."""

    def __init__(self, root: Path = ROOT / "pages") -> None:
        self.modules = {module.name: module for module in map(_module, sorted(root.rglob("*.py")))}
        self.fields = _fields()

    def outside(self) -> list[Outside]:
        """Every outside text that reaches an element."""
        found: set[Outside] = set()
        changed = True
        while changed:
            changed = False
            for module in self.modules.values():
                for function, call in _calls(module):
                    for value, where in self._markdown_of(module, call):
                        for atom in self._atoms(value, module, function, ()):
                            if isinstance(atom, str):
                                assert function is not None
                                changed |= atom not in function.sinks
                                function.sinks.add(atom)
                            else:
                                place = f"{where}, {module.path.name}:{call.lineno}"
                                found.add(Outside(*atom, place))
        return sorted(found, key=lambda item: (item.file, item.line, item.text))

    def _markdown_of(self, module: Module, call: ast.Call) -> Iterator[tuple[ast.expr, str]]:
        """The arguments of a call that are read as markdown."""
        name = _name(call.func)
        element = name.rpartition(".")[2]
        if "." in name and element in ELEMENTS and name.split(".")[0] not in NOT_STREAMLIT:
            for value in call.args[: ELEMENTS[element]]:
                yield value, element
            for keyword in call.keywords:
                if keyword.arg in KEYWORDS or (keyword.arg in ("options", "format_func") and element in OPTIONS):
                    yield keyword.value, f"{element}({keyword.arg})"
            return
        target = self._resolve(module, name)
        if isinstance(target, ast.ClassDef) and target.name in RECORDS:
            for value in (*call.args, *(keyword.value for keyword in call.keywords)):
                yield value, target.name
        if isinstance(target, Function):
            names = [parameter for parameter in target.parameters if parameter not in ("self", "cls")]
            for parameter, value in zip(names, call.args, strict=False):
                if parameter in target.sinks:
                    yield value, f"{target.node.name}({parameter})"
            for keyword in call.keywords:
                if keyword.arg in target.sinks:
                    yield keyword.value, f"{target.node.name}({keyword.arg})"

    def _resolve(self, module: Module, name: str) -> Function | ast.ClassDef | None:
        if name in module.functions:
            return module.functions[name]
        if name in module.classes:
            return module.classes[name]
        first, _, rest = name.partition(".")
        target = module.imports.get(first, "")
        if not target.startswith("pages"):
            return None
        owner, _, last = (f"{target}.{rest}" if rest else target).rpartition(".")
        found = self.modules.get(owner)
        if found is None:
            return None
        if last in found.imports and last not in found.functions:
            return self._resolve(found, last)
        return found.functions.get(last) or found.classes.get(last)

    def _atoms(
        self, value: ast.expr | None, module: Module, function: Function | None, seen: tuple[int, ...]
    ) -> Iterator[str | tuple[str, int, str]]:
        """What an expression is made of that is not ours: parameters by name, other texts by place and source."""
        if value is None or id(value) in seen or len(seen) > 60:
            return
        seen = (*seen, id(value))

        def each(*parts: ast.expr | None) -> Iterator[str | tuple[str, int, str]]:
            for part in parts:
                yield from self._atoms(part, module, function, seen)

        match value:
            case ast.Constant() | ast.Compare():
                return
            case ast.JoinedStr():
                yield from each(*value.values)
            case ast.FormattedValue():
                form = ast.unparse(value.format_spec)[2:-1] if value.format_spec else ""
                if not NUMERIC_FORMAT.fullmatch(form):
                    yield from each(value.value)
            case ast.BinOp():
                yield from each(value.left, value.right)
            case ast.BoolOp():
                yield from each(*value.values)
            case ast.UnaryOp():
                return
            case ast.IfExp():
                yield from each(value.body, value.orelse)
            case ast.Tuple() | ast.List() | ast.Set():
                yield from each(*value.elts)
            case ast.Dict():
                yield from each(*value.keys, *value.values)
            case ast.Starred() | ast.NamedExpr():
                yield from each(value.value)
            case ast.GeneratorExp() | ast.ListComp() | ast.SetComp():
                yield from each(value.elt)
            case ast.Lambda():
                yield from each(value.body)
            case ast.Subscript():
                yield from each(value.value)
            case ast.Name():
                yield from self._of_name(value, module, function, seen)
            case ast.Attribute():
                yield from self._of_attribute(value, module, function, seen)
            case ast.Call():
                yield from self._of_call(value, module, function, seen)
            case _:
                yield self._place(value, module)

    def _of_name(
        self, value: ast.Name, module: Module, function: Function | None, seen: tuple[int, ...]
    ) -> Iterator[str | tuple[str, int, str]]:
        name = value.id
        if function is not None and name in function.assigned:
            for bound in function.assigned[name]:
                yield from self._atoms(bound, module, function, seen)
            if name not in function.parameters:
                return
        if function is not None and name in function.parameters:
            annotation = function.parameters[name]
            if not _is_number(annotation):
                yield name
        elif name in module.constants:
            for bound in module.constants[name]:
                yield from self._atoms(bound, module, None, seen)
        elif name in module.imports:
            owner, _, last = module.imports[name].rpartition(".")
            other = self.modules.get(owner)
            if other is not None and last in other.constants:
                for bound in other.constants[last]:
                    yield from self._atoms(bound, other, None, seen)
            elif not last.isupper():
                yield self._place(value, module)
        elif name not in module.functions:
            yield self._place(value, module)

    def _of_attribute(
        self, value: ast.Attribute, module: Module, function: Function | None, seen: tuple[int, ...]
    ) -> Iterator[str | tuple[str, int, str]]:
        types = self.fields.get(value.attr)
        if types and all(_is_number(annotation) for annotation in types):
            return
        owner = self._resolve_module(module, _name(value.value))
        if owner is not None and value.attr in owner.constants:
            for bound in owner.constants[value.attr]:
                yield from self._atoms(bound, owner, None, seen)
        elif not value.attr.isupper():
            yield self._place(value, module)

    def _resolve_module(self, module: Module, name: str) -> Module | None:
        return self.modules.get(module.imports.get(name, ""))

    def _of_call(
        self, value: ast.Call, module: Module, function: Function | None, seen: tuple[int, ...]
    ) -> Iterator[str | tuple[str, int, str]]:
        name = _name(value.func)
        last = name.rpartition(".")[2] or (value.func.attr if isinstance(value.func, ast.Attribute) else "")
        target = self._resolve(module, name)
        if last in ESCAPING:
            return
        if last in WORDS:
            arguments = value.args[1:] if last == "plural" else []
            for part in arguments:
                yield from self._atoms(part, module, function, seen)
        elif isinstance(target, Function):
            if _is_number(target.node.returns):
                return
            for atom in self._returned(target, seen):
                if not isinstance(atom, str):
                    yield atom
                    continue
                names = list(target.parameters)
                given = dict(zip(names, value.args, strict=False))
                given |= {keyword.arg: keyword.value for keyword in value.keywords if keyword.arg}
                yield from self._atoms(given.get(atom), module, function, seen)
        elif isinstance(target, ast.ClassDef):
            for part in (*value.args, *(keyword.value for keyword in value.keywords)):
                yield from self._atoms(part, module, function, seen)
        elif last in ("join", "format", *SAME_TEXT, "get", "items", "values", "keys", "replace", "splitlines"):
            owner = value.func.value if isinstance(value.func, ast.Attribute) else None
            given = value.args[1:] if last == "get" else value.args if last in ("join", "format", "replace") else ()
            for part in (owner, *given):
                yield from self._atoms(part, module, function, seen)
        elif last in ("str", "sorted", "list", "tuple", "dict", "enumerate", "zip", "reversed", "min", "max", "next",
                      "set", "map", "filter", "range", "short"):  # fmt: skip
            for part in value.args:
                yield from self._atoms(part, module, function, seen)
        else:
            yield self._place(value, module)

    def _returned(self, target: Function, seen: tuple[int, ...]) -> Iterator[str | tuple[str, int, str]]:
        for node in ast.walk(target.node):
            if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                yield from self._atoms(node.value, target.module, target, seen)

    def _place(self, value: ast.expr, module: Module) -> tuple[str, int, str]:
        return str(module.path.relative_to(ROOT)), value.lineno, ast.unparse(value)


def _module(path: Path) -> Module:
    module = Module(path, ast.parse(path.read_text(encoding="utf-8")))
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef):
            module.classes[node.name] = node
    outer = [node for node in module.tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    module.constants = bindings(ast.Module(outer, []))
    for found in ast.walk(module.tree):
        if isinstance(found, ast.FunctionDef):
            module.functions.setdefault(found.name, Function(module, found))
        elif isinstance(found, ast.ImportFrom) and found.module:
            module.imports |= {alias.asname or alias.name: f"{found.module}.{alias.name}" for alias in found.names}
    return module


def _calls(module: Module) -> Iterator[tuple[Function | None, ast.Call]]:
    """Every call, with the innermost named function that it is in."""

    def walk(node: ast.AST, function: Function | None) -> Iterator[tuple[Function | None, ast.Call]]:
        if isinstance(node, ast.FunctionDef):
            function = module.functions[node.name]
        if isinstance(node, ast.Call):
            yield function, node
        for child in ast.iter_child_nodes(node):
            yield from walk(child, function)

    yield from walk(module.tree, None)


def _name(node: ast.expr) -> str:
    """`a.b.c` of a chain of attributes; "" where the chain begins with a call or an index, except for its end."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value) or '?'}.{node.attr}"
    return ""


def _is_number(annotation: ast.expr | None) -> bool:
    """Whether this type is made of numbers and literals only."""
    match annotation:
        case None:
            return False
        case ast.Constant(value=None):
            return True
        case ast.Name(id=name):
            return name in NUMBERS
        case ast.BinOp(left=left, right=right):
            return _is_number(left) and _is_number(right)
        case ast.Subscript(value=ast.Name(id="Literal")):
            return True
        case ast.Subscript(value=ast.Name(id="tuple" | "list" | "Sequence"), slice=inner):
            items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return all(_is_number(item) or isinstance(item, ast.Constant) for item in items)
    return False


def _fields() -> dict[str, list[ast.expr | None]]:
    """The types of every field and property of the records of the studio, by name."""
    found: dict[str, list[ast.expr | None]] = {}
    for room in ("core", "pages"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.ClassDef):
                    continue
                for item in node.body:
                    if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                        found.setdefault(item.target.id, []).append(item.annotation)
                    elif isinstance(item, ast.FunctionDef):
                        found.setdefault(item.name, []).append(item.returns)
    return found
