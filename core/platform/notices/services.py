"""The services that notices are delivered by: one record each. Nothing else of apprise can be reached.

apprise also knows schemas that run programs or write to this machine (dbus, syslog, windows, macosx, glib), and
plugins and configuration files from a path; no record names one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class NoticeService:
    """A service that delivers notices.

    Args:
        id: the value in the column `service`; stored, so it never changes.
        title: the service's name on the screens.
        icon: a Material symbol.
        plugin: its module in `apprise.plugins`, and the class there; no other one is loaded.
        schemas: of apprise's addresses that belong to it.
        example: of an address.
        text: where the address comes from.
        own_host: the address names the server that is connected to; otherwise the service has fixed servers.
    """

    id: str
    title: str
    icon: str
    plugin: str
    schemas: tuple[str, ...]
    example: str
    text: str
    own_host: bool = False


MAIL: Final = "mail"
WEBHOOK: Final = "webhook"
NOTICE_SERVICES: Final = Registry[NoticeService]("service for notices")

for _service in (
    NoticeService(
        MAIL,
        "Mail",
        "mail",
        "email:NotifyEmail",
        ("mailto", "mailtos"),
        "mailtos://user:password@smtp.example.com?from=studio@example.com&to=team@example.com",
        "Your mail server's name, and a user and password if it asks for them.",
        own_host=True,
    ),
    NoticeService(
        WEBHOOK,
        "Webhook",
        "webhook",
        "custom_json:NotifyJSON",
        ("json", "jsons"),
        "https://hooks.example.com/studio",
        "An address that accepts a POST of JSON with title, message and type.",
        own_host=True,
    ),
    NoticeService(
        "slack",
        "Slack",
        "tag",
        "slack:NotifySlack",
        ("slack",),
        "https://hooks.slack.com/services/T000/B000/XXXX",
        "In Slack: Apps, Incoming Webhooks, Add to Slack; copy the webhook URL.",
    ),
    NoticeService(
        "teams",
        "Microsoft Teams",
        "groups",
        "workflows:NotifyWorkflows",
        ("workflow", "workflows"),
        "https://prod-00.westus.logic.azure.com/workflows/…",
        "In Teams: the channel's Workflows, “Post to a channel when a webhook request is received”; copy its URL.",
        own_host=True,
    ),
    NoticeService(
        "discord",
        "Discord",
        "forum",
        "discord:NotifyDiscord",
        ("discord",),
        "https://discord.com/api/webhooks/000/XXXX",
        "In Discord: the channel's settings, Integrations, Webhooks; copy the webhook URL.",
    ),
    NoticeService(
        "google_chat",
        "Google Chat",
        "chat",
        "google_chat:NotifyGoogleChat",
        ("gchat",),
        "https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…",
        "In Google Chat: the space's Apps & integrations, Webhooks; copy the URL.",
    ),
    NoticeService(
        "mattermost",
        "Mattermost",
        "alternate_email",
        "mattermost:NotifyMattermost",
        ("mmost", "mmosts"),
        "mmosts://chat.example.com/token",
        "In Mattermost: Integrations, Incoming Webhooks; the token is the last part of the webhook URL.",
        own_host=True,
    ),
    NoticeService(
        "rocket_chat",
        "Rocket.Chat",
        "rocket",
        "rocketchat:NotifyRocketChat",
        ("rocket", "rockets"),
        "rockets://token@chat.example.com/#channel",
        "In Rocket.Chat: Workspace, Integrations, New, Incoming; copy the webhook's token.",
        own_host=True,
    ),
    NoticeService(
        "matrix",
        "Matrix",
        "grid_on",
        "matrix:NotifyMatrix",
        ("matrix", "matrixs"),
        "matrixs://user:password@matrix.example.com/#room",
        "A user of your Matrix server, and the room that it writes to.",
        own_host=True,
    ),
    NoticeService(
        "nextcloud_talk",
        "Nextcloud Talk",
        "cloud",
        "nextcloudtalk:NotifyNextcloudTalk",
        ("nctalk", "nctalks"),
        "nctalks://user:password@cloud.example.com/room",
        "A user with an app password, and the token of the conversation.",
        own_host=True,
    ),
    NoticeService(
        "ntfy",
        "ntfy",
        "notifications_active",
        "ntfy:NotifyNtfy",
        ("ntfy", "ntfys"),
        "ntfys://ntfy.example.com/topic",
        "The topic that your phone or browser subscribes to.",
        own_host=True,
    ),
    NoticeService(
        "gotify",
        "Gotify",
        "send",
        "gotify:NotifyGotify",
        ("gotify", "gotifys"),
        "gotifys://push.example.com/token",
        "In Gotify: Apps, Create application; copy its token.",
        own_host=True,
    ),
    NoticeService(
        "telegram",
        "Telegram",
        "near_me",
        "telegram:NotifyTelegram",
        ("tgram",),
        "tgram://bot-token/chat-id",
        "Create a bot with @BotFather, and add it to the chat.",
    ),
    NoticeService(
        "webex",
        "Webex",
        "videocam",
        "webexteams:NotifyWebexTeams",
        ("wxteams", "webex"),
        "wxteams://token",
        "In the Webex App Hub: Incoming Webhooks; the token is the last part of the webhook URL.",
    ),
    NoticeService(
        "zulip",
        "Zulip",
        "topic",
        "zulip:NotifyZulip",
        ("zulip",),
        "zulip://bot@organization/token/channel",
        "In Zulip: Personal settings, Bots, add an incoming webhook bot.",
    ),
    NoticeService(
        "pushover",
        "Pushover",
        "smartphone",
        "pushover:NotifyPushover",
        ("pover",),
        "pover://user-key@app-token",
        "Your user key, and the token of an application that you create at Pushover.",
    ),
    NoticeService(
        "pagerduty",
        "PagerDuty",
        "emergency",
        "pagerduty:NotifyPagerDuty",
        ("pagerduty",),
        "pagerduty://integration-key@api-key",
        "An integration key of a service (Events API v2).",
    ),
    NoticeService(
        "opsgenie",
        "Opsgenie",
        "sos",
        "opsgenie:NotifyOpsgenie",
        ("opsgenie",),
        "opsgenie://api-key",
        "The key of an API integration.",
    ),
):
    NOTICE_SERVICES.add(_service)
