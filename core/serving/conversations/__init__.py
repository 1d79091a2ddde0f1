"""Conversations with models as rows: read, changed, and turned into what a model is sent."""

from __future__ import annotations

from core.serving.conversations.history import messages_for, title_of
from core.serving.conversations.records import ConversationRecord, TurnRecord

__all__ = ["ConversationRecord", "TurnRecord", "messages_for", "title_of"]
