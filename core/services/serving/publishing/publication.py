"""A model as a target is to serve it: its name there, template, special tokens, system message and stop texts."""

from __future__ import annotations

import re

from core.models.base_models.light_tokenizer import load_tokenizer
from core.services.platform import connections
from core.services.serving.suggesting import default_system
from core.services.training import models
from core.services.training.models import ModelRecord
from core.serving.targets.publishing import Publication
from core.text import slug

PUBLISH_TIMEOUT_S = 3_600.0  # for one request: a server may convert a large model before it answers


def of(model: ModelRecord, connection_id: str = "", *, name: str = "") -> Publication:
    """The publication of a model.

    Raises:
        ProviderKeyMissing, SettingsError, NotFound: the connection cannot be used; says why.
    """
    base, method = models.base_and_method(model)
    endpoint = connections.endpoint_of(connection_id, PUBLISH_TIMEOUT_S) if connection_id else None
    template, specials = "", {}
    if base.ready and base.path is not None:
        tokenizer = load_tokenizer(base.path, base.revision)
        template, specials = tokenizer.chat_template, tokenizer.special_tokens_map
    ends = [specials[key] for key in ("eos_token", "eot_token") if specials.get(key)]
    return Publication(
        model_id=model.id,
        name=name or _plain(model),
        base=base,
        method=method,
        template=template,
        specials=specials,
        stops=tuple(dict.fromkeys(ends)),
        system=default_system(model.id),
        endpoint=endpoint,
    )


def _plain(model: ModelRecord) -> str:
    """A name that every server takes: ASCII letters, digits, dot and hyphen."""
    return re.sub(r"[^a-z0-9.]+", "-", slug(model.name)).strip("-.")[:60].rstrip("-.") or model.id.replace("_", "-")
