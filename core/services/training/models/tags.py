"""Tags: short words on models, by which lists are filtered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, func, select

from core import arguments
from core.errors import DataError
from core.ids import new_id
from core.platform.db.tables import MODEL_TAGS, ModelTag
from core.platform.db.uow import UnitOfWork, read
from core.services.training.models.reader import get_model
from core.services.training.models.records import ModelRecord

LONGEST_TAG: Final = 24  # characters
MOST_TAGS: Final = 12  # of one model


def all_tags() -> list[str]:
    """Every tag that a model has, the most used first."""
    query = select(MODEL_TAGS.c.tag).group_by(MODEL_TAGS.c.tag).order_by(func.count().desc(), MODEL_TAGS.c.tag)
    return [tag for (tag,) in read(query)]


def set_tags(model_id: str, tags: Sequence[str]) -> ModelRecord:
    """Replace a model's tags.

    Raises:
        NotFound: the model does not exist. DataError: a tag is not a short word, or there are too many.
    """
    model = get_model(model_id)
    wanted = list(dict.fromkeys(map(clean, arguments.texts(tags, "tags"))))
    if len(wanted) > MOST_TAGS:
        raise DataError(f"A model has at most {MOST_TAGS} tags; got {len(wanted)}.", "Remove some.", field="tags")
    with UnitOfWork() as uow:
        uow.execute(delete(MODEL_TAGS).where(MODEL_TAGS.c.model_id == model.id, MODEL_TAGS.c.tag.not_in(wanted)))
        new = [ModelTag(id=new_id("tag"), model_id=model.id, tag=tag) for tag in wanted if tag not in model.tags]
        if new:
            uow.insert_new(MODEL_TAGS, [tag.model_dump() for tag in new])
        uow.commit()
    return get_model(model.id)


def add_tags(model_id: str, tags: Sequence[str]) -> ModelRecord:
    """Add tags to a model. Raises as `set_tags`."""
    model = get_model(model_id)
    return set_tags(model.id, [*model.tags, *tags])


def remove_tags(model_id: str, tags: Sequence[str]) -> ModelRecord:
    """Remove tags from a model; those that it does not have are ignored. Raises as `set_tags`."""
    model = get_model(model_id)
    gone = set(map(clean, arguments.texts(tags, "tags")))
    return set_tags(model.id, [tag for tag in model.tags if tag not in gone])


def clean(tag: str) -> str:
    """A tag as it is stored: lowercase, one word. Raises DataError for what is not a short word."""
    word = tag.strip().lstrip("#").casefold()
    if not word or len(word) > LONGEST_TAG:
        text = f"A tag has 1 to {LONGEST_TAG} characters; {tag[:60]!r} has {len(word)}."
        raise DataError(text, "Choose a shorter word." if word else "", field="tags")
    if not all(sign.isalnum() or sign in "-_." for sign in word):
        text = f"A tag contains only letters, digits, “-”, “_” and “.”; got {tag!r}."
        raise DataError(text, "Write several words with “-” between them.", field="tags")
    return word
