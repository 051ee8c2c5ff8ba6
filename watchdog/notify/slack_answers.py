"""What an answer of Slack means for an alert: delivered, again later, again as plain text, never.

Codes: docs.slack.dev/reference/methods/chat.postMessage, and …/messaging/sending-messages-using-
incoming-webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from watchdog.errors import (
    DeliveryError,
    RejectedDeliveryError,
    RepairNeededError,
    TemporaryDeliveryError,
)
from watchdog.notify.repair import REPAIR_PAUSE

NEW_TOKEN = "install the app in the workspace again and configure its bot token"  # noqa: S105
NEW_WEBHOOK = "make a new incoming webhook and configure its URL"
INVITE = "check the channel's name or ID, and invite the app to it (/invite @APP)"
ASK_ADMIN = "ask an administrator of the workspace to let the app post in the channel"

# Slack's code -> what the operator does about it.
REPAIRS: Mapping[str, str] = {
    "access_denied": ASK_ADMIN,
    "account_inactive": NEW_TOKEN,
    "action_prohibited": ASK_ADMIN,
    "channel_is_archived": "unarchive the channel or configure another one",
    "channel_not_found": INVITE,
    "ekm_access_denied": ASK_ADMIN,
    "enterprise_is_restricted": ASK_ADMIN,
    "invalid_auth": NEW_TOKEN,
    "invalid_token": NEW_WEBHOOK,
    "is_archived": "unarchive the channel or configure another one",
    "messages_tab_disabled": "enable the app's messages tab, or configure a channel",
    "missing_scope": "add the scope chat:write to the app and install it again",
    "no_active_hooks": NEW_WEBHOOK,
    "no_permission": "add the scope chat:write to the app and install it again",
    "no_service": NEW_WEBHOOK,
    "no_service_id": NEW_WEBHOOK,
    "no_team": NEW_WEBHOOK,
    "not_allowed_token_type": "configure the app's bot token (xoxb-…)",
    "not_authed": NEW_TOKEN,
    "not_in_channel": INVITE,
    "org_login_required": ASK_ADMIN,
    "posting_to_general_channel_denied": ASK_ADMIN,
    "restricted_action": ASK_ADMIN,
    "restricted_action_non_threadable_channel": ASK_ADMIN,
    "restricted_action_read_only_channel": ASK_ADMIN,
    "restricted_action_thread_locked": ASK_ADMIN,
    "restricted_action_thread_only_channel": ASK_ADMIN,
    "team_access_not_granted": ASK_ADMIN,
    "team_disabled": NEW_WEBHOOK,
    "team_not_found": NEW_TOKEN,
    "token_expired": NEW_TOKEN,
    "token_revoked": NEW_TOKEN,
    "two_factor_setup_required": ASK_ADMIN,
    "user_not_found": NEW_WEBHOOK,
}

# The message to be edited or answered is not there, or not ours to edit any more.
GONE = frozenset(
    {
        "cant_update_message",
        "channel_not_found",
        "edit_window_closed",
        "is_inactive",
        "message_not_found",
        "thread_not_found",
    }
)

LIMITS = frozenset({"message_limit_exceeded", "rate_limited", "ratelimited"})

# Slack is at fault, or asks for patience.
TROUBLES = LIMITS | frozenset(
    {
        "accesslimited",
        "fatal_error",
        "internal_error",
        "request_timeout",
        "rollup_error",
        "service_unavailable",
        "team_added_to_org",
        "update_failed",
    }
)

# This very message is what Slack does not take.
CONTENT = frozenset(
    {
        "cannot_parse_attachment",
        "duplicate_channel_not_found",
        "duplicate_message_not_found",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_array_arg",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_charset",
        "invalid_form_data",
        "invalid_json",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "invalid_payload",
        "json_not_object",
        "markdown_text_conflict",
        "metadata_must_be_sent_from_app",
        "metadata_too_large",
        "missing_text_or_fallback_or_attachments",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What Slack said to one request."""

    status: int
    code: str = ""  # Slack's error code; empty: none, or not readable
    ok: bool = False
    retry_after: float | None = None  # seconds
    needed: str = ""  # the scope that is missing
    details: Mapping[str, str] = field(default_factory=dict)


def plain_text_may_pass(answer: Answer) -> bool:
    """Tell whether the same alert may be taken as plain text: its form is what was refused.

    So may an alert that met a code unknown to us; if not, the code is not about its content.
    """
    return answer.code != "" and answer.code not in TROUBLES and answer.code not in REPAIRS


def failure(answer: Answer, target: str) -> DeliveryError | None:
    """Return what stands in the way of delivery to *target*, None if it was taken."""
    if answer.ok:
        return None
    error: DeliveryError
    status, code = answer.status, answer.code
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in LIMITS:
        why = "Slack limits the rate of messages"
        error = TemporaryDeliveryError(f"cannot post to {target}: {why}", answer.retry_after)
    elif code in REPAIRS:
        # Slack says with missing_scope which one it needs.
        needed = f" (needed: {answer.needed})" if answer.needed else ""
        why = f"{code}{needed}; {REPAIRS[code]}"
        error = RepairNeededError(f"cannot post to {target}: {why}", REPAIR_PAUSE)
    elif code in TROUBLES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        why = f"Slack is in trouble ({code or status})"
        error = TemporaryDeliveryError(f"cannot post to {target}: {why}", answer.retry_after)
    elif code in CONTENT:
        why = f"Slack refuses the message, even as plain text ({code})"
        error = RejectedDeliveryError(f"cannot post to {target}: {why}")
    elif code:
        why = f"{code}; Slack's documentation of chat.postMessage may know this code"
        error = RepairNeededError(f"cannot post to {target}: {why}", REPAIR_PAUSE)
    elif status == HTTPStatus.OK:
        why = "the answer is not Slack's; is there a proxy or a portal in between?"
        error = TemporaryDeliveryError(f"cannot post to {target}: {why}")
    else:
        why = f"HTTP status {status}; check the configured address and proxy"
        error = RepairNeededError(f"cannot post to {target}: {why}", REPAIR_PAUSE)
    return error
