"""Files on their way to a service: streamed from the disk, resumed in parts, used again where they are complete."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import DataError
from core.models.llm.failures import LlmError
from core.training.providers.hosted import Beat
from core.training.providers.hosted_wire.client import FileSlice, Wire, quoted
from core.training.providers.hosted_wire.paging import entries, listed, mapped

MIME, BINARY = "application/jsonl", "application/octet-stream"
_BROKEN: Final = frozenset({"error", "deleted", "failed", "cancelled", "expired"})


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """A file for a service. `sha256` is of its bytes; `page`: how many entries a list of files has."""

    path: Path
    sha256: str
    purpose: str
    page: int = 100
    beat: Beat | None = None

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def name(self) -> str:
        """Its name there, which contains its checksum: a file of that name and size is this one."""
        plain = re.sub(r"[^\w-]+", "-", self.path.stem, flags=re.ASCII).strip("-")[:40] or "examples"
        return f"{plain}-{self.sha256[:24]}{self.path.suffix}"

    @property
    def notes(self) -> Path:
        """Where an upload in parts notes how far it has come."""
        return self.path.with_name(f"{self.path.name}.upload")

    def verify(self) -> None:
        """Raise DataError if the file is not the one that the checksum was taken of."""
        with self.path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != self.sha256:
                raise DataError(f"{self.path.name} changed after it was checked.", "Start the job again.")


def complete(wire: Wire, plan: UploadPlan, earlier: str) -> str:
    """The id of the file if it is at the service already; "" if it is not."""
    if earlier:
        try:
            found = wire.get(f"files/{quoted(earlier)}")
        except LlmError as error:
            if error.cause != "gone":
                raise
        else:
            if _is_it(found, plan):
                return earlier
    for page in entries(wire, "files", limit=plan.page, most_pages=10, purpose=plan.purpose):
        for file in page:
            if _is_it(file, plan):
                return str(file["id"])
    return ""


def _is_it(file: Mapping[str, Any], plan: UploadPlan) -> bool:
    same = file.get("filename") == plan.name and file.get("bytes") == plan.size
    return bool(same and file.get("id") and str(file.get("status") or "") not in _BROKEN)


def in_one_piece(wire: Wire, plan: UploadPlan) -> str:
    """Send the file in one request; its id."""
    plan.verify()
    with plan.path.open("rb") as stream:
        part = FileSlice(stream, 0, plan.size, plan.beat)
        made = wire.send("POST", "files", data={"purpose": plan.purpose}, files={"file": (plan.name, part, MIME)})
    return sent(made, plan)


def sent(made: Mapping[str, Any], plan: UploadPlan) -> str:
    """The id of a file that was sent. Raises LlmError where the service stored another size."""
    file_id, size = str(made.get("id") or ""), made.get("bytes")
    if not file_id or (isinstance(size, int) and size != plan.size):
        text = f"The service stored {size or 0:,} of {plan.size:,} bytes of {plan.path.name}."
        raise LlmError(text, "Try again.", cause="broken")
    return file_id


def in_parts(wire: Wire, plan: UploadPlan, part_bytes: int) -> str:
    """Send the file by OpenAI's Uploads API; what has arrived is not sent again after a crash."""
    plan.verify()
    notes = _Notes(plan, part_bytes)
    if not notes.upload_id:
        asked = {"filename": plan.name, "purpose": plan.purpose, "bytes": plan.size, "mime_type": MIME}
        notes.begin(str(wire.post("uploads", asked).get("id") or ""))
    path = f"uploads/{quoted(notes.upload_id)}"
    try:
        with plan.path.open("rb") as stream:
            for number, begin in enumerate(range(0, plan.size, part_bytes)):
                if number < len(notes.parts):
                    continue
                part = FileSlice(stream, begin, min(part_bytes, plan.size - begin), plan.beat, plan.size)
                files = {"data": (f"{number}.part", part, BINARY)}
                notes.add(str(wire.send("POST", f"{path}/parts", files=files).get("id") or ""))
        done = wire.post(f"{path}/complete", {"part_ids": notes.parts})
    except LlmError as error:
        if error.cause in ("gone", "refused"):  # it expired after an hour: the next attempt begins a new one
            notes.forget()
        raise
    notes.forget()
    return sent(mapped(done.get("file")), plan)


class _Notes:
    """How far an upload in parts has come, beside the file: OpenAI has no list of the parts that arrived."""

    def __init__(self, plan: UploadPlan, part_bytes: int) -> None:
        self._path = plan.notes
        self._of = [plan.sha256, part_bytes]
        self.upload_id, self.parts = "", []  # type: str, list[str]
        try:
            noted = json.loads(self._path.read_text(encoding="utf-8"))
            if noted["of"] == self._of:
                self.upload_id, self.parts = str(noted["upload"]), [str(part) for part in noted["parts"]]
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def begin(self, upload_id: str) -> None:
        self.upload_id, self.parts = upload_id, []
        self._write()

    def add(self, part_id: str) -> None:
        self.parts.append(part_id)
        self._write()

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.write_text(json.dumps({"of": self._of, "upload": self.upload_id, "parts": self.parts}), encoding="utf-8")
        fresh.replace(self._path)


def in_studio_parts(wire: Wire, plan: UploadPlan, part_bytes: int) -> str:
    """Send the file by a studio's uploads in parts, which say what has arrived; its id, which is that of a file."""
    plan.verify()
    notes = _Notes(plan, part_bytes)
    arrived: set[int] = set()
    own = wire.url("uploads/parts").replace("/v1/uploads", "/api/v1/uploads")
    if notes.upload_id:
        try:
            arrived = {int(number) for number in listed(wire.get(f"{own}/{quoted(notes.upload_id)}").get("parts"))}
        except LlmError as error:
            if error.cause != "gone":
                raise
            notes.forget()
            notes = _Notes(plan, part_bytes)
    if not notes.upload_id:
        notes.begin(str(wire.post(own, {"filename": plan.name}).get("id") or ""))
    path = f"{own}/{quoted(notes.upload_id)}"
    with plan.path.open("rb") as stream:
        for number, begin in enumerate(range(0, plan.size, part_bytes), 1):
            if number in arrived:
                continue
            part = FileSlice(stream, begin, min(part_bytes, plan.size - begin), plan.beat, plan.size)
            wire.send(
                "PUT", f"{path}/{number}", content=part.read(), headers={"Content-Type": "application/octet-stream"}
            )
    made = wire.post(f"{path}/complete")
    notes.forget()
    return sent({"id": made.get("id"), "bytes": made.get("size_bytes")}, plan)
