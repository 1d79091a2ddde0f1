"""Corrections: better answers that people wrote. Each is a candidate until a person accepts or rejects it."""

from __future__ import annotations

import time
from typing import Final

from core import arguments
from core.errors import Conflict, DataError
from core.ids import new_id
from core.platform.db.tables import CORRECTIONS, Correction
from core.platform.db.uow import UnitOfWork
from core.services.serving.conversations import MAX_CHARACTERS
from core.services.serving.feedback import judged
from core.serving.feedback import STATES, CorrectionRecord, store
from core.serving.feedback.store import Asked

_TITLES: Final = {"new": "new again", "accepted": "accepted", "rejected": "rejected"}


def correct(conversation_id: str, turn_id: str, text: str, *, author: str = "") -> CorrectionRecord:
    """Propose a better answer. The corrections of several people are all kept, in order; the same one twice is one.

    Raises:
        NotFound, Conflict: the answer does not exist, or is still being written. DataError: the text is empty, too
            long, or the answer itself.
    """
    name, wanted = judged.author(author), _text(text)
    with UnitOfWork() as uow:
        about = judged.answer_in(uow, conversation_id, turn_id)
        _differs(wanted, about["snapshot"]["answer"])
        same = [one for one in store.of_turn(uow, turn_id) if (one.author, one.text) == (name, wanted)]
        if same:
            return same[-1]
        row = Correction(id=new_id("corr"), author=name, proposed=wanted, text=wanted, **about)
        uow.execute(CORRECTIONS.insert(), [row.model_dump()])
        uow.commit()
    return store.correction(row.id)


def edit(correction_id: str, text: str, *, by: str = "") -> CorrectionRecord:
    """Change the text of a correction that no dataset has. Its author's own words remain readable beside it.

    Raises:
        NotFound. Conflict: it is part of a dataset. DataError: as `correct`.
    """
    name, wanted, now = judged.author(by), _text(text), time.time()
    with UnitOfWork() as uow:
        found = store.correction_in(uow, correction_id, lock=True)
        _not_in_dataset(found)
        _differs(wanted, found.snapshot.answer)
        if wanted != found.text:
            own = name == found.author and not found.is_edited
            note = {"proposed": wanted} if own else {"edited_by": name, "edited_at": now}
            store.change_corrections(uow, [found.id], text=wanted, updated_at=now, **note)
            uow.commit()
    return store.correction(correction_id)


def decide(correction_id: str, state: str, *, by: str = "", seen: str = "") -> CorrectionRecord:
    """Accept or reject a correction, or make it new again.

    Args:
        seen: the state that the reviewer saw; "" for whatever it is.

    Raises:
        NotFound. DataError: an unknown state. Conflict: another reviewer decided in the meantime; it is part of
            a dataset; or another correction of the same answer is accepted: one input has one answer.
    """
    if state not in STATES:
        raise DataError(f"Unknown state {state!r}.", f"Use one of: {', '.join(STATES)}.", field="state")
    name, now = judged.author(by), time.time()
    with UnitOfWork() as uow:
        found = store.correction_in(uow, correction_id, lock=True)
        if found.state == state:
            return found
        if seen and found.state != seen:
            text = f"This correction was {_TITLES[found.state]} in the meantime{_by(found.decided_by)}."
            raise Conflict(text, "Look at it again.")
        _not_in_dataset(found)
        if state == "accepted":
            others = [one for one in store.of_turn(uow, found.turn_id) if one.state == "accepted"]
            if others:
                text = f"Another correction of this answer is accepted{_by(others[0].author)}: {_short(others[0].text)}"
                raise Conflict(text, "Reject that one first: an input has one answer.")
        decided = {"decided_by": name, "decided_at": now} if state != "new" else {"decided_by": "", "decided_at": None}
        store.change_corrections(uow, [found.id], state=state, updated_at=now, **decided)
        uow.commit()
    return store.correction(correction_id)


def remove(correction_id: str) -> None:
    """Delete a correction that no dataset has. Raises NotFound, Conflict."""
    with UnitOfWork() as uow:
        found = store.correction_in(uow, correction_id, lock=True)
        _not_in_dataset(found)
        store.remove_correction(uow, found.id)
        uow.commit()


def get(correction_id: str) -> CorrectionRecord:
    """Raises NotFound."""
    return store.correction(correction_id)


def look_up(asked: Asked, offset: int = 0, limit: int = 50) -> tuple[list[CorrectionRecord], dict[str, int]]:
    """A page of corrections, the oldest first, and how many there are of each state."""
    found = store.corrections(asked, offset=arguments.count(offset), limit=arguments.count(limit))
    return found, store.count_corrections(asked)


def counts(agent_id: str = "", model_id: str = "") -> dict[str, int]:
    """How many corrections each state has."""
    return store.count_corrections(Asked("", agent_id, model_id))


def waiting(agent_id: str = "", model_id: str = "") -> int:
    """How many accepted corrections no dataset has."""
    return store.count_corrections(Asked("", agent_id, model_id, waiting=True))["accepted"]


def wanted(
    state: str = "", agent_id: str = "", model_id: str = "", search: str = "", *, waiting: bool = False
) -> Asked:
    """Which corrections are meant; "" stands for all. `waiting`: only those that no dataset has.

    Raises:
        DataError: an unknown state.
    """
    if state and state not in STATES:
        raise DataError(f"Unknown state {state!r}.", f"Use one of: {', '.join(STATES)}.", field="state")
    return Asked(state, agent_id, model_id, arguments.whole(search[:200]), waiting)


def _text(text: str) -> str:
    """The text of a correction, without empty lines around it. Raises DataError."""
    plain = text.strip()
    if not plain:
        raise DataError("The correction is empty.", "Write the answer that the model should have given.", field="text")
    if len(plain) > MAX_CHARACTERS:
        text = f"The correction is too long: {len(plain):,} characters; the limit is {MAX_CHARACTERS:,}."
        raise DataError(text, "Shorten it.", field="text")
    return plain


def _differs(text: str, answer: str) -> None:
    if text == answer.strip():
        raise DataError("The correction is the same as the answer.", "Change it, or rate the answer.", field="text")


def _not_in_dataset(found: CorrectionRecord) -> None:
    from core.services.serving.feedback.gathering import dataset_of

    name = dataset_of(found)
    if name:
        text = f"This correction is part of the dataset “{name}”."
        raise Conflict(text, "Change the example there.")


def _by(name: str) -> str:
    return f" by {name}" if name else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= 60 else line[:59] + '…'}”"
