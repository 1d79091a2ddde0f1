"""Personal data and secrets: found where they stand, proven where a proof exists, and never slow."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from core.data.examples.sensitive import SENSITIVE_KINDS, find, redact
from tests.support.series import series

FOUND = [
    ("email", "write to jane.doe+billing@example.co.uk.", "jane.doe+billing@example.co.uk"),
    ("email", "我的邮箱是foo@bar.com谢谢", "foo@bar.com"),
    ("email", "“mailto:müller@bücher.de”", "müller@bücher.de"),
    ("phone", "call +49 30 901820 now", "+49 30 901820"),
    ("phone", "call +49 (0)30 1234567", "+49 (0)30 1234567"),
    ("phone", "(415) 555-2671 is ours", "(415) 555-2671"),
    ("phone", "415.555.2671", "415.555.2671"),
    ("phone", "London: 020 7946 0958.", "020 7946 0958"),
    ("phone", "appelez le 06 12 34 56 78", "06 12 34 56 78"),
    ("phone", "my phone number is 5551234567", "5551234567"),
    ("iban", "pay DE89 3704 0044 0532 0130 00 EUR", "DE89 3704 0044 0532 0130 00"),
    ("iban", "GB29NWBK60161331926819", "GB29NWBK60161331926819"),
    ("credit_card", "card 4111 1111 1111 1111, thanks", "4111 1111 1111 1111"),
    ("credit_card", "378282246310005", "378282246310005"),
    ("ip_address", "from 192.168.0.12:8080", "192.168.0.12"),
    ("ip_address", "at 2001:db8:85a3::8a2e:370:7334 it is", "2001:db8:85a3::8a2e:370:7334"),
    ("national_id", "SSN 123-45-6789", "123-45-6789"),
    ("api_key", "use AKIAIOSFODNN7EXAMPLE here", "AKIAIOSFODNN7EXAMPLE"),
    ("api_key", "sk-proj-abc123DEF456ghi789JKL0", "sk-proj-abc123DEF456ghi789JKL0"),
    ("api_key", "ghp_0123456789abcdefghijklmnopqrstuvwxyz", "ghp_0123456789abcdefghijklmnopqrstuvwxyz"),
    ("api_key", "Authorization: Bearer abcdef1234567890ABCDEF", "abcdef1234567890ABCDEF"),
    ("password", "password: hunter2hunter", "hunter2hunter"),
    ("password", 'API_KEY = "a8f9d8e7c6b5"', "a8f9d8e7c6b5"),
    ("url_credentials", "postgres://bob:s3cr3t@db/x", "bob:s3cr3t"),
    (
        "private_key",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY----- ",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----",
    ),
]

NOT_FOUND = [
    "Password: required",
    "Enter your password: <password>",
    "api_key = YOUR_API_KEY_1234",
    "card 4111 1111 1111 1112",  # the check digit is wrong
    "1234 5678 9012 3456",
    "DE89 3704 0044 0532 0130 01",
    "version 1.2.3.4 and v10.0.0.1",
    "127.0.0.1, 0.0.0.0 and 999.1.1.1",
    "at 12:30:45 on 2024-01-12 or 12.05.2023",
    "1,234,567,890.00 and 3.14159265358979",
    "ISBN 978-3-16-148410-0",
    "order 4711-0815, invoice 2024-000123",
    "sk-learn and key-takeaways-for-everyone-in-this-room",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "@someone said a@b",
    "std::vector<int>::iterator",
    "[EMAIL] [PHONE] [API KEY] [CREDENTIALS]",
    "",
]


@pytest.mark.parametrize(("kind", "text", "expected"), FOUND)
def test_it_is_found_at_its_position(kind: str, text: str, expected: str) -> None:
    assert [(item.kind, text[item.start : item.end]) for item in find(text)] == [(kind, expected)]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_alike_is_left_alone(text: str) -> None:
    assert find(text) == []


def test_redacting_replaces_each_and_counts() -> None:
    text = "Mail bob@example.com or call (415) 555-2671."
    assert redact(text) == ("Mail [EMAIL] or call [PHONE].", 2)
    assert redact(text, {"phone"}) == ("Mail bob@example.com or call [PHONE].", 1)
    assert redact("nothing here") == ("nothing here", 0)


def test_redacted_text_holds_nothing_more_to_redact() -> None:
    for _, text, _ in FOUND:
        assert redact(redact(text)[0])[1] == 0


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        find("a@b.de", {"shoe_size"})


def test_overlapping_places_are_one() -> None:
    text = "https://bob:s3cr3t@example.com/ and password=sk-proj-abc123DEF456ghi789JKL0"
    found = find(text)
    assert [item.kind for item in found] == ["url_credentials", "api_key"]
    assert all(before.end <= after.start for before, after in pairwise(found))


HOSTILE = (
    "@|a@|a.|1 |1-|+1 |0|(|a:|::|1.|http://a:|password |password=|eyJ|eyJaaaaaaaaaa.|A|DE00 |Bearer |sk-a|1.1.|tel 1"
)
_UNITS = [*HOSTILE.split("|"), "-----BEGIN PRIVATE KEY-----", "a" * 70 + "@", "0" * 9 + " ", "a.b@c."]


@pytest.mark.parametrize("unit", _UNITS)
def test_the_cost_is_linear_in_the_text(unit: str) -> None:
    """Ten times the text may cost about ten times the work; a quadratic pattern would need a hundred times."""

    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        best = float("inf")
        for _ in range(3):
            begun = time.process_time()
            find(text)
            best = min(best, time.process_time() - begun)
        return best

    assert cost(100_000) <= 40 * cost(10_000) + 0.1


@settings(max_examples=series(200), deadline=None)
@given(st.text(alphabet="ab@.:/-+ 0159()=\"'DEsk_\n", max_size=200))
def test_places_are_in_order_and_redacting_is_final(text: str) -> None:
    found = find(text)
    assert all(0 <= item.start < item.end <= len(text) and item.kind in SENSITIVE_KINDS for item in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert redact(text)[1] == len(found)
