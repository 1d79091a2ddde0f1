"""Custom metrics: a regular expression, a JSON schema, and a Python function that is kept from everything else."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from core.errors import DataError, NotFound
from core.platform.limited import Limited
from core.serving.evaluation import Graded, custom, sandbox
from core.serving.evaluation.custom import metric_of

LENGTH = """
import math

def score(answer, expected):
    return min(1, math.sqrt(len(answer) / 100))
"""

# Each part asks for the one before it twice: 2 to the power of 30 checks.
DOUBLING = json.dumps({
    "$ref": "#/$defs/30",
    "$defs": {"0": {}} | {str(at): {"allOf": [{"$ref": f"#/$defs/{at - 1}"}] * 2} for at in range(1, 31)},
})  # fmt: skip


def value(kind: str, body: str, answer: str, expected: str = "") -> float:
    (score,) = metric_of({"kind": kind, "name": "Mine", "body": body}).compute([Graded(expected, answer)])
    return score.value


def test_each_kind_counts_answers() -> None:
    assert value("regex", r"#\d{3}", "Your order #123") == 1
    assert value("regex", r"#\d{3}", "Your order") == 0
    schema = '{"type": "object", "required": ["team"]}'
    assert value("schema", schema, '{"team": "billing"}') == 1
    assert value("schema", schema, "billing") == 0
    assert value("function", LENGTH, "x" * 25) == pytest.approx(0.5)
    assert metric_of({"kind": "regex", "name": "Order number", "body": "#"}).id == "custom_order-number"


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("regex", "(", "unterminated"),
        ("schema", "{", "not JSON"),
        ("schema", '{"type": "thing"}', "schema is wrong"),
        ("schema", "[" * 20_000, "not JSON"),
        ("schema", '{"$ref": "#"}', "circles"),
        ("schema", '{"$ref": "#/$defs/none"}', "does not lead"),
        ("schema", '{"$ref": "file:///etc/passwd"}', "does not lead"),
        ("schema", DOUBLING, "more than [15] second"),
        ("function", "x = 1", "no function"),
        ("function", "def score(answer, expected):\n    return 7", "not 0 to 1"),
        ("function", "import socket\ndef score(a, e):\n    return 1", "cannot be imported"),
        ("function", "def score(a, e):\n    return open('/etc/passwd')", "open"),
        ("function", "def score(a, e):\n    while True: pass", "more than [15] second"),
        ("function", "def score(a, e):\n    return len('x' * 10**10)", "Memory"),
        ("regex", "", "no definition"),
    ],
)
def test_a_wrong_definition_is_refused_before_anything_is_asked(kind: str, body: str, says: str) -> None:
    with pytest.raises(DataError, match=f"(?i){says}"):
        metric_of({"kind": kind, "name": "Mine", "body": body})


# Ways around the names that were removed.
_ESCAPES = (
    "score.__globals__['__builtins__']['__import__'].__closure__[0].cell_contents('os').system('true')",
    "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == 'FileIO'][0]('/etc/passwd')",
    "__import__('re').sys.modules['os'].listdir('/')",
)


@pytest.mark.parametrize("escape", _ESCAPES)
def test_ways_around_it_open_nothing(escape: str) -> None:
    with pytest.raises(DataError):
        metric_of(
            {"kind": "function", "name": "Mine", "body": f"def score(answer, expected):\n    {escape}\n    return 1"}
        )


SLOW = "a" * 40 + "b"
WAITS = """
import collections

def score(answer, expected):
    if answer == "wait":
        collections._sys.modules["time"].sleep(60)
    return 1
"""


def test_a_slow_expression_ends() -> None:
    assert value("regex", r"(a+)+$", SLOW) == 0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small limits."""
    for name, function in (("_regex", sandbox.regex), ("_function", sandbox.function)):
        target = f"{function.__module__}:{function.__name__}"
        monkeypatch.setattr(custom, name, Limited(target, memory_bytes=512 << 20, cpu_s=0.2, wall_s=2.0))


@pytest.mark.parametrize(
    ("kind", "body", "slow", "says"),
    [
        ("regex", r"(a+)+$", SLOW, r"0.2 seconds of computing for 3 answers in a row.*aab”\. Write it without"),
        ("function", WAITS, "wait", r"2 seconds for 3 answers in a row.*“wait”\. Make the function faster"),
    ],
)
def test_a_metric_over_its_limits_again_and_again_is_given_up(
    quick: None, kind: str, body: str, slow: str, says: str
) -> None:
    metric = metric_of({"kind": kind, "name": "Mine", "body": body})
    answers = ["fine", slow, slow, "fine", slow, slow, slow, *[slow] * 1_000]
    assert metric.of_one is not None
    values = [metric.of_one(Graded("", answer)) for answer in answers]
    assert values[1:3] + values[4:7] == [0.0] * 5
    assert set(values[7:]) == {None}
    assert re.search(rf"“Mine” was given up: it needed more than {says}", metric.given_up())
    assert metric.compute([Graded("", "fine")]) == ()


def test_a_metric_that_is_slow_now_and_then_is_given_up_too(quick: None) -> None:
    metric = metric_of({"kind": "regex", "name": "Mine", "body": r"(a+)+$"})
    assert metric.of_one is not None
    for _ in range(10):
        assert not metric.given_up()
        assert metric.of_one(Graded("", SLOW)) == 0
        metric.of_one(Graded("", "fine"))
    assert "for 10 answers, the last one" in metric.given_up()


def test_an_unknown_kind_and_a_name_are_checked() -> None:
    with pytest.raises(NotFound):
        metric_of({"kind": "spell", "name": "Mine", "body": "x"})
    with pytest.raises(DataError, match="name"):
        metric_of({"kind": "regex", "name": "", "body": "x"})


def test_what_was_computed_for_an_answer_is_not_computed_again() -> None:
    metric = metric_of({"kind": "function", "name": "Mine", "body": LENGTH})
    stored = [Graded("", "x" * 100, values={metric.id: 0.25}), Graded("", "x" * 100)]
    assert metric.compute(stored)[0].value == pytest.approx((0.25 + 1) / 2)


def test_a_schema_is_never_fetched_from_elsewhere() -> None:
    asked = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(DataError, match="does not lead"):
            value("schema", json.dumps({"$ref": f"http://127.0.0.1:{server.server_port}/schema"}), "{}")
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ('{"pattern": "^(a+)+$"}', json.dumps("a" * 40 + "b")),
        ('{"properties": {"a": {"$ref": "#/$defs/none"}}}', '{"a": 1}'),
        ('{"multipleOf": 0.1}', "1" + "0" * 400),
    ],
)
def test_an_answer_that_a_schema_cannot_check_counts_as_wrong(body: str, answer: str) -> None:
    assert value("schema", body, answer) == 0
