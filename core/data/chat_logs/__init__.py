"""Chat logs: exported conversations -> labeled examples.

    upload --(LogFormat.read)--> Conversation | Left | Person --(shaping.shape)--> examples + what was left out, and why

A new log format is one file with a class (see base.LogFormat) and one line below.
"""

from __future__ import annotations

from core.data.chat_logs.base import (
    LOG_FORMATS,
    NOTES,
    REASONS,
    Conversation,
    Hints,
    Left,
    LogFormat,
    LogItem,
    Person,
    ReadOptions,
    Turn,
    recognize,
)
from core.data.chat_logs.chatgpt import ChatGptLog
from core.data.chat_logs.claude import ClaudeLog
from core.data.chat_logs.discord import DiscordLog
from core.data.chat_logs.freshdesk import FreshdeskLog
from core.data.chat_logs.front import FrontLog
from core.data.chat_logs.intercom import IntercomLog
from core.data.chat_logs.open_webui import OpenWebUiLog
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.direction import CHOICES as DIRECTIONS, Direction, Evidence
from core.data.chat_logs.sharegpt import ShareGptLog
from core.data.chat_logs.slack import SlackLog
from core.data.chat_logs.studio import StudioLog
from core.data.chat_logs.table import TableLog
from core.data.chat_logs.telegram import TelegramLog
from core.data.chat_logs.whatsapp import WhatsAppLog
from core.data.chat_logs.zendesk import ZendeskLog

# Uploads are checked in this order: formats with the clearest marks first, and those that need only a file's beginning.
LOG_FORMATS.add(StudioLog())
LOG_FORMATS.add(TelegramLog())
LOG_FORMATS.add(DiscordLog())
LOG_FORMATS.add(ChatGptLog())
LOG_FORMATS.add(ClaudeLog())
LOG_FORMATS.add(OpenWebUiLog())
LOG_FORMATS.add(SlackLog())
LOG_FORMATS.add(IntercomLog())
LOG_FORMATS.add(FrontLog())
LOG_FORMATS.add(FreshdeskLog())
LOG_FORMATS.add(ZendeskLog())
LOG_FORMATS.add(ShareGptLog())
LOG_FORMATS.add(WhatsAppLog())
LOG_FORMATS.add(TableLog())
