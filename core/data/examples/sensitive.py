"""Personal data and secrets inside a text: where they are, and the text without them.

What is looked for is a shape plus, wherever one exists, a proof: check digits of an IBAN and of a payment card, the
octets of an IP address, the fixed prefix of a provider's key. Names and street addresses have no such shape and are
not found. Every pattern is linear in the text: it begins only where the character before cannot belong to the match,
and its repeats are bounded or possessive, so a hostile text costs no more than an ordinary one.

A new kind is a finder function plus a line in SENSITIVE_KINDS.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from core.data.examples.secrets import find_keys, find_passwords, find_private_keys, find_url_credentials

Spans = Iterator[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Sensitive:
    """One place in a text: `text[start:end]` is of this kind (a key of SENSITIVE_KINDS)."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be found. `secret`: keys and passwords rather than personal data; `placeholder` replaces it."""

    id: str
    title: str
    placeholder: str
    secret: bool
    find: Callable[[str], Spans]


# ---- the finders: each yields (start, end)

_LOCAL = r"A-Za-z0-9À-ɏ._%+\-'"
_EMAIL = re.compile(
    rf"(?<![{_LOCAL}])[{_LOCAL}]{{1,64}}+@(?=[A-Za-z0-9À-ɏ])[A-Za-z0-9À-ɏ\-]{{1,63}}(?:\.[A-Za-z0-9À-ɏ\-]{{1,63}}){{1,8}}"
)


def _emails(text: str) -> Spans:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        start, end = match.span()
        while text[start] in "'.-":
            start += 1
        while text[end - 1] == "-":
            end -= 1
        top = text[start:end].rpartition(".")[2]
        if text[start] != "@" and len(top) >= 2 and (top.isalpha() or top.startswith("xn--")):
            yield start, end


_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?:[ \-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
# Source: the IBAN registry (SWIFT), lengths by country.
_IBAN_LENGTHS = {
    country: int(length)
    for length, countries in re.findall(
        r"([0-9]{2})((?: [A-Z]{2})+)",
        "15 NO, 16 BE, 18 DK FI FO GL NL SD FK, 19 MK SI, 20 AT BA EE KZ LT LU XK MN, 21 CH CR HR LI LV, "
        "22 BG BH DE GB GE IE ME RS VA, 23 AE GI IL IQ TL OM SO, 24 AD CZ ES MD PK RO SA SE SK TN VG, 25 LY PT ST, "
        "26 IS TR, 27 BI DJ FR GR IT MC MR SM, 28 AL AZ BY CY DO GT HN HU LB NI PL SV, 29 BR EG PS QA UA, "
        "30 JO KW MU YE, 31 MT SC, 32 LC, 33 RU",
    )
    for country in countries.split()
}


def _ibans(text: str) -> Spans:
    at = 0
    while match := _IBAN.search(text, at):
        start, end = match.span()
        at = start + 4
        wanted = _IBAN_LENGTHS.get(text[start : start + 2])
        if wanted is None:
            continue
        # What follows an IBAN may look like its continuation ("… 00 EUR"): take exactly the country's length.
        compact, stop = "", start
        while stop < end and len(compact) < wanted:
            compact += text[stop] if text[stop] not in " -" else ""
            stop += 1
        if len(compact) == wanted and _mod_97(compact) == 1 and not text[stop : stop + 1].isalnum():
            yield start, stop
            at = stop


def _mod_97(iban: str) -> int:
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97


_CARD = re.compile(r"(?<![0-9A-Za-z])(?<![0-9][.\-])[2-6][0-9](?:[ \-]?[0-9]){11,17}(?![0-9A-Za-z]|[.,\-][0-9])")
# Issuer prefixes and lengths. Source: ISO/IEC 7812 and the issuers' published ranges.
_ISSUERS = (
    (re.compile(r"4"), (13, 16, 19)),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"30[0-5]|36|3[89]"), (14, 16, 19)),  # Diners Club
    (re.compile(r"6011|64[4-9]|65|62|81"), (16, 17, 18, 19)),  # Discover, UnionPay
    (re.compile(r"35(?:2[89]|[3-8])"), (16, 17, 18, 19)),  # JCB
    (re.compile(r"5018|5020|5038|5893|6304|6759|676[1-3]"), (13, 14, 15, 16, 17, 18, 19)),  # Maestro
)


def _cards(text: str) -> Spans:
    for match in _CARD.finditer(text):
        digits = match.group().replace(" ", "").replace("-", "")
        known = any(issuer.match(digits) and len(digits) in lengths for issuer, lengths in _ISSUERS)
        if known and len(set(digits)) > 1 and _luhn(digits):
            yield match.span()


def _luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


_IPV4 = re.compile(r"(?<![0-9A-Za-z.\-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z]|\.[0-9])")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f:]{0,8}:)[0-9A-Fa-f:]{3,39}+(?![0-9A-Za-z:])")
_VERSION_BEFORE = re.compile(r"(?:version|release|build|section|chapter|v\.?|§)\s{0,2}$", re.IGNORECASE)


def _addresses(text: str) -> Spans:
    for match in _IPV4.finditer(text):
        before = text[max(0, match.start() - 12) : match.start()]
        if _names_someone(match.group()) and not _VERSION_BEFORE.search(before):
            yield match.span()
    if text.count(":") < 2:
        return
    for match in _IPV6.finditer(text):
        if match.group().count(":") >= 2 and _names_someone(match.group()):
            yield match.span()


def _names_someone(text: str) -> bool:
    """A valid address of a machine: not loopback, unspecified, multicast or the broadcast of everything."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    plain = address.is_loopback or address.is_unspecified or address.is_multicast or text.startswith(("255.", "0."))
    return not plain


_PHONE = re.compile(
    r"""(?<![0-9A-Za-z+.,:/\-_#$€£¥=%])(?<![0-9][ ])(?:
        (?:\+|00)[1-9](?:[ .\-/]?\(?[0-9]\)?){6,32}                 # +49 (0)30 1234567; one way to match
      | \(?[2-9][0-9]{2}\)?[ .\-][2-9][0-9]{2}[ .\-][0-9]{4}        # (415) 555-2671
      | \([2-9][0-9]{2}\)[2-9][0-9]{2}[ .\-][0-9]{4}                # (415)555-2671
      | 1[ .\-]\(?[2-9][0-9]{2}\)?[ .\-][2-9][0-9]{2}[ .\-][0-9]{4} # 1-415-555-2671
      | \(?0[1-9][0-9]{1,4}\)?[ \-/][0-9]{2,8}(?:[ \-][0-9]{2,5}){0,3}  # 030 1234567, 020 7946 0958, 06 12 34 56 78
      | 0[1-9](?:[ .][0-9]{2}){4}
    )(?![0-9A-Za-z]|[.,:/\-][0-9])""",
    re.VERBOSE,
)
_PHONE_CUE = re.compile(
    r"(?<![A-Za-z])(?:phone|telephone|tel|mobile|cell|fax|whatsapp|call me (?:at|on)|handy|telefon)"
    r"(?:\s?(?:number|no|nr))?\.?[ \t]{0,3}(?:is|:|=|#)?[ \t]{0,3}"
    r"(\(?[0-9](?:[ .\-()/]{0,2}[0-9]){6,14})(?![0-9A-Za-z])",
    re.IGNORECASE,
)


def _phones(text: str) -> Spans:
    taken = 0
    found = [match.span() for match in _PHONE.finditer(text)]
    found += [match.span(1) for match in _PHONE_CUE.finditer(text)]
    for start, end in sorted(found):
        digits = sum(character.isdigit() for character in text[start:end])
        national = text[start:end].lstrip("(").startswith("0")
        if start >= taken and (9 if national else 7) <= digits <= 15 and not _DATE.match(text[start:end]):
            yield start, end
            taken = end


_DATE = re.compile(
    r"[0-9]{1,2}[./\- ][0-9]{1,2}[./\- ](?:19|20)[0-9]{2}|(?:19|20)[0-9]{2}[./\- ][0-9]{1,2}[./\- ][0-9]"
)


_SSN = re.compile(r"(?<![0-9A-Za-z\-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9A-Za-z]|-[0-9])")


def _social_security(text: str) -> Spans:
    return (match.span() for match in _SSN.finditer(text))


# ---- public

# In the order of precedence: where two overlap, the first one named here wins.
SENSITIVE_KINDS: dict[str, Kind] = {
    kind.id: kind
    for kind in (
        Kind("private_key", "Private key", "[PRIVATE KEY]", True, find_private_keys),
        Kind("api_key", "Key or token", "[API KEY]", True, find_keys),
        Kind("url_credentials", "Password in a web address", "[CREDENTIALS]", True, find_url_credentials),
        Kind("email", "E-mail address", "[EMAIL]", False, _emails),
        Kind("iban", "Bank account (IBAN)", "[IBAN]", False, _ibans),
        Kind("credit_card", "Payment card", "[CARD NUMBER]", False, _cards),
        Kind("ip_address", "IP address", "[IP ADDRESS]", False, _addresses),
        Kind("national_id", "Social security number (US)", "[ID NUMBER]", False, _social_security),
        Kind("phone", "Phone number", "[PHONE]", False, _phones),
        Kind("password", "Password", "[PASSWORD]", True, find_passwords),
    )
}
_DIGIT = re.compile("[0-9]")
_WITHOUT_DIGITS = frozenset({"private_key", "url_credentials", "email"})  # every other kind contains a digit


def find(text: str, kinds: Collection[str] | None = None) -> list[Sensitive]:
    """Every sensitive place in a text, in order, none overlapping another.

    Args:
        kinds: keys of SENSITIVE_KINDS to look for; None: all.

    Raises:
        KeyError: a kind that is not in SENSITIVE_KINDS.
    """
    if unknown := set(kinds or ()) - SENSITIVE_KINDS.keys():
        raise KeyError(min(unknown))
    wanted = [kind for kind in SENSITIVE_KINDS.values() if kinds is None or kind.id in kinds]
    if not _DIGIT.search(text):
        wanted = [kind for kind in wanted if kind.id in _WITHOUT_DIGITS]
    spans = [(start, end, rank, kind.id) for rank, kind in enumerate(wanted) for start, end in kind.find(text)]
    return _without_overlaps(spans)


def redact(text: str, kinds: Collection[str] | None = None) -> tuple[str, int]:
    """The text with a placeholder such as `[EMAIL]` in every sensitive place, and how many there were."""
    found = find(text, kinds)
    if not found:
        return text, 0
    parts, at = [], 0
    for item in found:
        parts += [text[at : item.start], SENSITIVE_KINDS[item.kind].placeholder]
        at = item.end
    return "".join([*parts, text[at:]]), len(found)


def _without_overlaps(spans: list[tuple[int, int, int, str]]) -> list[Sensitive]:
    """Overlapping places become one: from the first start to the last end, of the kind that ranks first."""
    spans.sort()
    merged: list[tuple[int, int, int, str]] = []
    for start, end, rank, kind in spans:
        if merged and start < merged[-1][1]:
            first, last, best, name = merged[-1]
            name = name if best <= rank else kind
            merged[-1] = (first, max(last, end), min(best, rank), name)
        else:
            merged.append((start, end, rank, kind))
    return [Sensitive(kind, start, end) for start, end, _, kind in merged]
