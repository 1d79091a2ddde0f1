"""Every regular expression of the project, and texts made to be as slow as possible for each.

`python -m tests.support.hostile_text MODULE...` runs each pattern of these modules in a fork with a limit on its CPU
time, and prints one JSON object per pattern: where it is, and the slowest text (`killed`: it did not end in time).
"""

from __future__ import annotations

import ast
import importlib
import itertools
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from re import _constants as codes, _parser as parser  # type: ignore[attr-defined]
from types import ModuleType, SimpleNamespace
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("core", "pages", "worker")
SHORT, LONG = 3_000, 300_000  # characters: of every text, and of the slowest ones of each pattern
SHORT_S, LONG_S = (
    1.0,
    3.0,
)  # CPU time of one text, on a slow and busy machine too; a quadratic pattern needs 10 to 100 s
_MAKERS = frozenset({"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})
_SCANNING = _MAKERS - {"compile", "match", "fullmatch"}
# For the few patterns that are put together from what a function was given.
_STAND_INS: Final[dict[str, Any]] = {
    "kind": "llama", "word": "seven", "wanted": "seven",
    "tokenizer": None, "special_tokens": lambda _: ("<|im_start|>", "<s>", "</s>"),
    "self": SimpleNamespace(escape="\\"), "targets": ('"', "\\"),  # of a dialect of CSV
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A pattern in the source, and the methods that it is used with."""

    place: str
    pattern: re.Pattern[Any]
    uses: frozenset[str] = field(default=frozenset())


def files() -> list[Path]:
    """Every file of the project that can have a pattern."""
    return [ROOT / "Home.py", *sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]


# Its pattern is one that a user writes: it runs in a process with limits of its own.
_OF_USERS: Final = ROOT / "core/serving/evaluation/sandbox.py"


def calls(path: Path) -> list[ast.Call]:
    """The calls of `re` (or `regex`) in a file that take a pattern of ours."""
    found: list[ast.Call] = []
    if path == _OF_USERS:
        return found
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in ("re", "regex"):
            raise AssertionError(f"{path}:{node.lineno}: write `import re`, so that the tests find its patterns")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MAKERS:
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in ("re", "regex"):
                found.append(node)
    return found


def patterns(path: Path, methods: dict[str, set[str]]) -> Iterator[Found]:
    """The patterns of a file, compiled. `methods`: of every name that ends like a pattern's, as `uses` returns it."""
    wanted = calls(path)
    if not wanted:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    names = {
        ast.unparse(item.value): _target(item)
        for item in ast.walk(tree)
        if isinstance(item, ast.Assign | ast.AnnAssign) and item.value
    }
    for call in wanted:
        place = f"{path.relative_to(ROOT)}:{call.lineno}"
        method = call.func.attr  # type: ignore[attr-defined]
        arguments = _evaluated(call, method, module, tree)
        uses = methods.get(names.get(ast.unparse(call), ""), {"finditer"}) if method == "compile" else {method}
        yield Found(place, re.compile(*arguments), frozenset(uses))


def uses() -> dict[str, set[str]]:
    """For each name, the methods of patterns that are called on it anywhere (`split` of a text aside)."""
    found: dict[str, set[str]] = {}
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in _MAKERS - {"compile"}:
                owner = node.value
                name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
                if name.strip("_").isupper() or node.attr != "split":
                    found.setdefault(name, set()).add(node.attr)
    return found


def _target(item: ast.Assign | ast.AnnAssign) -> str:
    target = item.targets[0] if isinstance(item, ast.Assign) else item.target
    return target.id if isinstance(target, ast.Name) else ""


def _evaluated(call: ast.Call, method: str, module: ModuleType, tree: ast.Module) -> tuple[Any, ...]:
    scope = {**_STAND_INS, **vars(module)}
    scope |= {"special_tokens": _STAND_INS["special_tokens"]}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and ast.unparse(call) in ast.unparse(node):
            scope |= vars(getattr(module, node.name))
    flags = [word.value for word in call.keywords if word.arg == "flags"]
    if method == "compile":
        flags = [*flags, *call.args[1:2]]
    elif method not in ("sub", "subn", "split"):
        flags = [*flags, *call.args[2:3]]
    return tuple(eval(compile(ast.Expression(part), "<pattern>", "eval"), scope) for part in [call.args[0], *flags])


# ---- texts that a pattern should be slow for

_ALPHABET: Final = "aA0 -._'\"<>()[]{}/\\:;,@=+*#%&!?\n\t\r\0é’“1x"


@dataclass(frozen=True)
class Attack:
    """`before`, then as much of `unit` as it takes to fill a text, then `after`."""

    unit: str
    before: str = ""
    after: str = ""

    def text(self, size: int) -> str:
        return self.before + self.unit * (size // len(self.unit) + 1) + self.after


def attacks(pattern: re.Pattern[Any]) -> Iterator[Attack]:
    """Each repeat of the pattern fed as long as possible and then disappointed; its beginnings and its matches again
    and again."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    literals = sorted({chr(value) for value in _literals(tree)})
    alphabet = "".join(dict.fromkeys([*literals[:40], *_ALPHABET]))
    units: dict[str, None] = dict.fromkeys(alphabet)
    units |= dict.fromkeys(first + second for first, second in itertools.permutations(literals[:7], 2))
    runs: dict[tuple[str, str], None] = {}
    for choice in range(4):
        for before, body in _repeats(tree, choice, alphabet):
            units |= dict.fromkeys((before, before + body))
            runs |= dict.fromkeys((before, pump) for pump in (body, body[:1], body[-1:]) if pump)
    yield from (Attack(unit) for unit in units if unit)
    for before, pump in runs:
        yield from (Attack(pump, before, tail) for tail in ("", "\0", "\n!", "}"))
        for count in (6, 32, 300, 4_000):
            yield from (Attack(before + pump * count + tail) for tail in ("", " ", "a "))


def _repeats(tree: Any, choice: int, alphabet: str, before: str = "") -> Iterator[tuple[str, str]]:
    """For each repeat: a text that leads to it, and a text of its body."""
    for code, value in tree:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            low, high, body = value
            once = _sample(body, choice, alphabet)
            if high > 1:
                yield before, once
            yield from _repeats(body, choice, alphabet, before)
            before += once * max(1, min(int(low), 100))
            continue
        if code is codes.SUBPATTERN:
            yield from _repeats(value[3], choice, alphabet, before)
        elif code is codes.ATOMIC_GROUP:
            yield from _repeats(value, choice, alphabet, before)
        elif code is codes.BRANCH:
            for branch in value[1]:
                yield from _repeats(branch, choice, alphabet, before)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            yield from _repeats(value[1], choice, alphabet, before)
        before += _sample([(code, value)], choice, alphabet)


def _sample(tree: Any, choice: int, alphabet: str) -> str:
    """A text that a part of a pattern matches (its assertions aside)."""
    parts = []
    for code, value in tree:
        if code is codes.LITERAL:
            parts.append(chr(value))
        elif code is codes.NOT_LITERAL:
            parts.append(next(letter for letter in "a0 " if ord(letter) != value))
        elif code is codes.ANY:
            parts.append("a0< "[choice % 4])
        elif code is codes.IN:
            fitting = [letter for letter in alphabet if _in(letter, value)] or [_first(value)]
            parts.append(fitting[(choice * max(1, len(fitting) // 4)) % len(fitting)])
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            count = max(int(value[0]), choice % 2)
            parts.append(_sample(value[2], choice, alphabet) * min(count, int(value[1]), 100))
        elif code is codes.SUBPATTERN:
            parts.append(_sample(value[3], choice, alphabet))
        elif code is codes.ATOMIC_GROUP:
            parts.append(_sample(value, choice, alphabet))
        elif code is codes.BRANCH:
            parts.append(_sample(value[1][choice % len(value[1])], choice, alphabet))
    return "".join(parts)


def _in(letter: str, options: Any) -> bool:
    """Whether a class has a letter."""
    negated, found = False, False
    for code, value in options:
        if code is codes.NEGATE:
            negated = True
        elif code is codes.LITERAL:
            found |= ord(letter) == value
        elif code is codes.RANGE:
            found |= value[0] <= ord(letter) <= value[1]
        elif code is codes.CATEGORY:
            name = str(value).rpartition("_")[2]
            of = {"DIGIT": letter.isdigit(), "SPACE": letter.isspace(), "WORD": letter.isalnum() or letter == "_"}[name]
            found |= of != ("_NOT_" in str(value))
    return found != negated


def _first(options: Any) -> str:
    return next(
        (
            chr(value if code is codes.LITERAL else value[0])
            for code, value in options
            if code in (codes.LITERAL, codes.RANGE)
        ),
        "a",
    )


def _literals(tree: Any) -> Iterator[int]:
    for code, value in tree:
        if code is codes.LITERAL:
            yield value
        elif code is codes.IN:
            yield from (item for kind, item in value if kind is codes.LITERAL)
            yield from (item[0] for kind, item in value if kind is codes.RANGE)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            yield from _literals(value[2])
        elif code is codes.SUBPATTERN:
            yield from _literals(value[3])
        elif code is codes.ATOMIC_GROUP:
            yield from _literals(value)
        elif code is codes.BRANCH:
            yield from itertools.chain.from_iterable(map(_literals, value[1]))


# ---- running them


def run(found: Found, text: str) -> None:
    """Use the pattern on a text as the project uses it."""
    given: Any = text.encode("utf-8", "surrogatepass") if isinstance(found.pattern.pattern, bytes) else text
    if found.uses & _SCANNING or not found.uses:
        for _ in found.pattern.finditer(given):
            pass
    for method in found.uses & {"match", "fullmatch"}:
        getattr(found.pattern, method)(given)


def within(seconds: float, act: Callable[[Any], None]) -> dict[str, Any]:
    """What a fork reports; `killed` with the last thing that it reported where it needs more CPU time between two
    reports than this."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)

        def report(said: dict[str, Any], limit_s: float = seconds) -> None:
            os.write(writer, json.dumps(said).encode() + b"\n")
            signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)

        try:
            act(report)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = [json.loads(line) for line in stream]
    _, status = os.waitpid(child, 0)
    return {**(said[-1] if said else {}), "killed": status != 0}


def slowest(found: Found, report: Callable[..., None]) -> None:
    """Every attack in a short text, and the two slowest in a long one."""
    costs = []
    for attack in attacks(found.pattern):
        costs.append((_cost(found, attack.text(SHORT), SHORT_S, report), attack))
    for _, attack in sorted(costs, key=lambda item: -item[0])[:2]:
        text = attack.text(LONG)
        said = {"text": repr(text[:60]), "length": len(text), "texts": len(costs)}
        report(said | {"s": _cost(found, text, LONG_S, report)})


def _cost(found: Found, text: str, limit_s: float, report: Callable[..., None]) -> float:
    report({"text": repr(text[:60]), "length": len(text)}, limit_s)
    begun = time.process_time()
    run(found, text)
    return time.process_time() - begun


def main(names: list[str]) -> None:
    methods = uses()
    for name in names:
        for found in patterns(ROOT / name, methods):
            said = within(SHORT_S, lambda report, found=found: slowest(found, report))  # type: ignore[misc]
            print(json.dumps({"place": found.place, "uses": sorted(found.uses), **said}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
