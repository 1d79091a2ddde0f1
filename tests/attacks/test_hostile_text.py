"""A text made to be slow: for each regular expression of the project, and for what reads texts (ReDoS).

The patterns are found in the source, so that a new one is covered. Each runs in a process with a limit on CPU time.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import hostile_text

WITH_PATTERNS = [path for path in hostile_text.files() if hostile_text.calls(path)]
PARTS = {
    "core/data": [path for path in WITH_PATTERNS if "core/data/" in str(path)],
    "the rest": [path for path in WITH_PATTERNS if "core/data/" not in str(path)],
}


def test_the_patterns_are_found() -> None:
    assert len(WITH_PATTERNS) > 30
    assert hostile_text.ROOT / "core/data/examples/sensitive.py" in WITH_PATTERNS


@pytest.mark.parametrize("part", PARTS)
def test_every_pattern_is_linear(part: str) -> None:
    names = [str(path.relative_to(hostile_text.ROOT)) for path in PARTS[part]]
    command = [sys.executable, "-m", "tests.support.hostile_text", *names]
    ran = subprocess.run(command, cwd=hostile_text.ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(said) == sum(len(hostile_text.calls(path)) for path in PARTS[part])
    slow = [f"{item['place']}: {item['text']} ({item['length']:,} characters)" for item in said if item["killed"]]
    assert not slow, "\n".join(slow)


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"\s*(?:x)?\s*y", r"<[^>]*>", r"\+(?:[ .]?\(?[0-9]{1,5}\)?){2,6}(?![0-9a])"]
)
def test_a_slow_pattern_is_noticed(pattern: str, tmp_path: Path) -> None:
    """The check itself: these are quadratic, exponential, or have half a million ways to match 40 digits."""
    found = hostile_text.Found("here", re.compile(pattern), frozenset({"finditer"}))
    said = hostile_text.within(hostile_text.SHORT_S, lambda report: hostile_text.slowest(found, report))
    assert said["killed"]


# ---- what reads whole texts

SIZE = 400_000
FUNCTIONS = {
    "personal data": "from core.data.examples.sensitive import redact; redact(text)",
    "special tokens": "from core.data.editing.text import escape_special_tokens; escape_special_tokens(text)",
    "repair": "from core.data.editing.text import RepairText; RepairText().change()(text)",
    "grounding": "from core.data.conversion.smart.grounding import check; check(text, [text])",
    "patterns": "from core.data.conversion.patterns import Pattern; Pattern.parse(text)",
    "JSON": "from core.data.formats.jsonl import first_value, _depth; first_value(text); _depth(text)",
    "row": "from core.data.formats.parsing.json_text import row_or_reject; row_or_reject('[' * 101 + text, 1)",
    "thinking": "from core.models.thinking import without_empty_block; without_empty_block(text)",
    "files": "import sys; from pathlib import Path; from core.services.data import sources\n"
    "for suffix in ('.csv', '.json', '.jsonl'):\n"
    "    path = Path(sys.argv[1]).with_suffix(suffix); path.write_text(text, errors='replace'); sources.inspect(path)",
}
UNITS = (
    "+4911111111111111111111111111111a ",
    "<|im_",
    "<|im_<|im_end|>end|>",
    '"\\"',
    "{{",
    "[{",
    '{"a":',
    "a,",
    "\"'",
    "\n",
    "Ã©",
    "â€",
    "1 ",
    "Aa ",
    "12,345.6 ",
    "@a.",
    "-----BEGIN PRIVATE KEY-----",
    "eyJaaaaaaaaaa.",
    "<think>\n ",
    " \t",
)
RUN = """
import signal
signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
for unit in {units!r}:
    many = unit * ({size} // len(unit))
    for text in (many, '"' + many, 'x' + many + '\\0'):
        print(repr(unit), flush=True)
        signal.setitimer(signal.ITIMER_VIRTUAL, {limit})
        {code}
print("done", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_reads_a_long_text_ends(name: str, tmp_path: Path) -> None:
    code = FUNCTIONS[name].replace("\n", "\n        ")
    script = RUN.format(units=UNITS, size=SIZE, limit=25.0, code=code)
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "text")],
        cwd=hostile_text.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.splitlines()[-1:] == ["done"], f"{ran.stdout[-60:]} {ran.stderr[-1_000:]}"


def test_texts_of_every_pattern_are_many() -> None:
    texts = {attack.text(100) for attack in hostile_text.attacks(re.compile(r"(?:a|b[0-9]{2,5})+c"))}
    assert len(texts) > 100
    assert min(map(len, texts)) >= 100


def test_a_text_of_many_numbers_is_checked_in_no_time() -> None:
    """34,000 different numbers, each compared with all before it, took half a minute."""
    code = "from core.data.conversion.smart.grounding import check; check(' '.join(map(str, range(40_000))), ['x'])"
    limit = "import signal; signal.signal(signal.SIGVTALRM, signal.SIG_DFL); signal.setitimer(signal.ITIMER_VIRTUAL, 6)"
    subprocess.run([sys.executable, "-c", f"{limit}; {code}"], cwd=hostile_text.ROOT, check=True)
