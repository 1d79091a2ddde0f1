"""Addresses of targets: checked before they are stored, and reduced to what may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from core.errors import SettingsError
from core.platform import network
from core.platform.notices import sending
from core.platform.notices.services import MAIL, WEBHOOK, NoticeService

LONGEST: Final = 4_000
# Parameters of apprise that read files of this machine or fetch further addresses.
_REFUSED: Final = frozenset(
    {"attach", "attachment", "attachments", "config", "include", "pgp", "pgpkey", "pgpkeyring", "template", "keyfile"}
)
_wrong = partial(SettingsError, field="address")


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mailbox by its parts. `security`: tls (port 465), starttls (port 587) or none (port 25)."""

    host: str
    to: Sequence[str]
    sender: str
    security: Literal["tls", "starttls", "none"] = "starttls"
    port: int = 0
    user: str = ""
    password: str = ""

    def address(self) -> str:
        """As one address. Raises SettingsError: a part is missing or invalid; its field is host, to, sender or port."""
        host = self.host.strip()
        if not host or any(letter in host for letter in "/@?# "):
            raise SettingsError(
                "The mail server's name is missing or invalid.", "Such as smtp.example.com.", field="host"
            )
        for field, values in (("to", self.to), ("sender", (self.sender,))):
            for value in values or ("",):
                if not _is_mailbox(value):
                    raise SettingsError(
                        f"“{value[:80]}” is not a mail address.", "Such as team@example.com.", field=field
                    )
        if not 0 <= self.port <= 65_535:
            raise SettingsError(f"The port is {self.port}.", "Choose 1 to 65,535.", field="port")
        port = self.port or {"tls": 465, "starttls": 587, "none": 25}[self.security]
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        mode = {"tls": "ssl", "starttls": "starttls", "none": "insecure"}[self.security]
        query = {"smtp": host, "from": self.sender.strip(), "to": ",".join(map(str.strip, self.to)), "mode": mode}
        schema = "mailto" if self.security == "none" else "mailtos"
        shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{schema}://{login}{shown}:{port}?{urlencode(query)}"


def checked(service: NoticeService, text: str) -> tuple[str, str]:
    """The address as it is stored, and what of it may be shown: a server, for mail the receivers too.

    Raises:
        SettingsError: it is not an address of the service, leads to a forbidden address, or reads files.
    """
    address = text.strip()
    example = f"Write it like {service.example}."
    if not address or len(address) > LONGEST or not address.isascii() or not address.isprintable() or " " in address:
        raise _wrong("The address is empty, too long, or contains spaces or invalid characters.", example)
    try:
        parts = urlsplit(address)
        hosts = [parts.hostname or "", *(value for name, value in parse_qsl(parts.query) if name.lower() == "smtp")]
        _ = parts.port
    except ValueError:
        raise _wrong("The address cannot be read.", example) from None
    if named := sorted({name.lower().lstrip("+-:") for name, _ in parse_qsl(parts.query, True)} & _REFUSED):
        raise _wrong(f"The address contains “{named[0]}=”, which reads files or other addresses.", "Remove that part.")
    for host in hosts:
        written = network.literal(host)
        if written is not None and network.is_forbidden(str(written)):  # a name is checked when it is connected to
            raise _wrong("Link-local and similar addresses are not allowed.", "Enter another address.")
    if service.id == WEBHOOK and parts.scheme in ("http", "https"):
        address = _webhook(address)
    if not sending.is_valid(service, address):
        raise _wrong(f"This is not an address of {service.title}.", example)
    return address, _shown(service, address)


def _webhook(address: str) -> str:
    """apprise's form of a plain address; `-name=` is how it writes a parameter of the request."""
    parts = urlsplit(address)
    query = urlencode([(f"-{name}", value) for name, value in parse_qsl(parts.query, keep_blank_values=True)])
    return urlunsplit(("jsons" if parts.scheme == "https" else "json", parts.netloc, parts.path, query, ""))


def _shown(service: NoticeService, address: str) -> str:
    """Never a user, a path or a parameter: they may be secrets."""
    parts = urlsplit(address)
    if not service.own_host:
        return ""
    query = dict(parse_qsl(parts.query))
    host = query.get("smtp") or parts.hostname or ""
    if service.id == MAIL:
        to = query.get("to", "")
        return f"{host} → {to}" if to else host
    return f"{host}:{parts.port}" if parts.port else host


def _is_mailbox(text: str) -> bool:
    name, _, host = text.strip().rpartition("@")
    return bool(name and host) and text.isprintable() and not any(letter in text for letter in " ,;<>\"'\\")
