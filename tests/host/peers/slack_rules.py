"""What Slack refuses in a message, and in which words.

Limits are those of Slack's Block Kit reference and of the chat.postMessage and chat.update pages;
the words are what the service was seen to answer. The limit on all blocks together is documented
nowhere: messages were refused from about 13,200 characters on, and some with fewer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

MAX_BLOCKS = 50
MAX_ALL_BLOCKS = 13_200
MAX_POST_TEXT = 40_000
MAX_UPDATE_TEXT = 4_000
MAX_ATTACHMENTS = 100
MAX_TEXT_OBJECT = 3_000
MAX_HEADER = 150
MAX_FIELD = 2_000
MAX_FIELDS = 10
MAX_BUTTON = 75
MAX_BLOCK_ID = 255
MAX_ACTION_ID = 255
MAX_VALUE = 2_000
MAX_CONFIRM = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
STYLES = {"primary", "danger"}

COLOUR = re.compile(r"|good|warning|danger|#?[0-9A-Fa-f]{6}")

KNOWN_BLOCKS = {
    "actions",
    "context",
    "divider",
    "header",
    "image",
    "markdown",
    "rich_text",
    "section",
    "video",
}

Json = Mapping[str, object]


class Refused(Exception):  # noqa: N818
    """Slack's answer to a message that it does not take: an error's name, and its reasons."""

    def __init__(self, error: str, reasons: list[str] | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.reasons = reasons or []


def check_message(message: Json, max_text: int = MAX_POST_TEXT) -> None:
    """Raise Refused if Slack would not take what *message* says."""
    text = message.get("text") or ""
    blocks = _list_of_objects(message.get("blocks"), "invalid_blocks_format")
    attachments = _list_of_objects(message.get("attachments"), "invalid_attachments")
    if not (text or blocks or attachments):
        raise Refused("no_text")
    if not isinstance(text, str):
        raise Refused("invalid_arguments", ["[ERROR] must be a string [json-pointer:/text]"])
    if len(text) > max_text:
        raise Refused("msg_too_long")
    if len(attachments) > MAX_ATTACHMENTS:
        raise Refused("too_many_attachments")
    _check_blocks(blocks, "/blocks")
    everything = list(blocks)
    for number, attachment in enumerate(attachments):
        _check_attachment(attachment)
        inner = _list_of_objects(attachment.get("blocks"), "invalid_blocks_format")
        _check_blocks(inner, f"/attachments/{number}/blocks")
        everything += inner
    if sum(len(text) for block in everything for text in _texts(block)) > MAX_ALL_BLOCKS:
        raise Refused("msg_blocks_too_long")
    _check_metadata(message.get("metadata"))


def _check_blocks(blocks: list[Json], where: str) -> None:
    problems = []
    if len(blocks) > MAX_BLOCKS:
        problems.append(f"no more than {MAX_BLOCKS} items allowed [json-pointer:{where}]")
    block_ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(block_ids) != len(set(map(str, block_ids))):
        problems.append(f"`block_id` must be unique [json-pointer:{where}]")
    for number, block in enumerate(blocks):
        problems += _problems_of_block(block, f"{where}/{number}")
    action_ids = [each["action_id"] for block in blocks for each in _interactive(block)]
    for action_id in {each for each in action_ids if action_ids.count(each) > 1}:
        problems.append(f'`action_id` "{action_id}" already exists [json-pointer:{where}]')
    if problems:
        raise Refused("invalid_blocks", problems)


def _check_attachment(attachment: Json) -> None:
    colour = attachment.get("color", "")
    is_shown = any(attachment.get(name) for name in ("blocks", "text", "title", "fields"))
    if not isinstance(colour, str) or not COLOUR.fullmatch(colour) or not is_shown:
        raise Refused("invalid_attachments")
    if not isinstance(attachment.get("fallback", ""), str):
        raise Refused("invalid_attachments")


def _problems_of_block(block: Json, where: str) -> Iterator[str]:
    kind = block.get("type")
    if kind not in KNOWN_BLOCKS:
        yield f"unsupported type: {kind} [json-pointer:{where}/type]"
        return
    if len(str(block.get("block_id", ""))) > MAX_BLOCK_ID:
        yield _too_long(MAX_BLOCK_ID, f"{where}/block_id")
    match kind:
        case "header":
            yield from _problems_of_text(
                block.get("text"), f"{where}/text", MAX_HEADER, plain_only=True
            )
        case "section":
            yield from _problems_of_section(block, where)
        case "context":
            yield from _problems_of_elements(block, where, 10)
        case "actions":
            yield from _problems_of_elements(block, where, 25)
        case "image":
            if not ("image_url" in block or "slack_file" in block):
                yield _missing("image_url", where)
            if "alt_text" not in block:
                yield _missing("alt_text", where)


def _problems_of_section(block: Json, where: str) -> Iterator[str]:
    if "text" in block:
        yield from _problems_of_text(block["text"], f"{where}/text", MAX_TEXT_OBJECT)
    elif "fields" not in block:
        yield _missing("text", where)
    if "fields" not in block:
        return
    fields = block["fields"]
    if not isinstance(fields, list) or not fields:
        yield f"must be a non-empty array [json-pointer:{where}/fields]"
        return
    if len(fields) > MAX_FIELDS:
        yield f"no more than {MAX_FIELDS} items allowed [json-pointer:{where}/fields]"
    for number, field in enumerate(fields):
        yield from _problems_of_text(field, f"{where}/fields/{number}", MAX_FIELD)


def _problems_of_elements(block: Json, where: str, most: int) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        yield _missing("elements", where)
        return
    if len(elements) > most:
        yield f"no more than {most} items allowed [json-pointer:{where}/elements]"
    for number, element in enumerate(elements):
        place = f"{where}/elements/{number}"
        if not isinstance(element, dict):
            yield f"must be an object [json-pointer:{place}]"
        elif element.get("type") in {"mrkdwn", "plain_text"}:
            yield from _problems_of_text(element, place, MAX_TEXT_OBJECT)
        elif element.get("type") == "button":
            yield from _problems_of_button(element, place)


def _interactive(block: Json) -> Iterator[Json]:
    """Yield the elements of *block* that have an action_id."""
    elements = block.get("elements")
    for element in elements if isinstance(elements, list) else ():
        if isinstance(element, dict) and "action_id" in element:
            yield element


def _problems_of_button(button: Json, where: str) -> Iterator[str]:
    yield from _problems_of_text(button.get("text"), f"{where}/text", MAX_BUTTON, plain_only=True)
    for name, most in (("action_id", MAX_ACTION_ID), ("value", MAX_VALUE)):
        if len(str(button.get(name, ""))) > most:
            yield _too_long(most, f"{where}/{name}")
    if button.get("style", "primary") not in STYLES:
        yield f"unknown style [json-pointer:{where}/style]"
    confirm = button.get("confirm")
    if confirm is None:
        return
    if not isinstance(confirm, dict):
        yield f"must be an object [json-pointer:{where}/confirm]"
        return
    for name, most in MAX_CONFIRM.items():
        place = f"{where}/confirm/{name}"
        if name not in confirm:
            yield _missing(name, f"{where}/confirm")
        else:
            yield from _problems_of_text(confirm[name], place, most, plain_only=name != "text")


def _problems_of_text(
    text: object, where: str, most: int, *, plain_only: bool = False
) -> Iterator[str]:
    if not isinstance(text, dict):
        yield f"must be an object [json-pointer:{where}]"
        return
    kinds = {"plain_text"} if plain_only else {"plain_text", "mrkdwn"}
    if text.get("type") not in kinds:
        yield f"unsupported type: {text.get('type')} [json-pointer:{where}/type]"
    content = text.get("text")
    if not isinstance(content, str) or not content:
        yield f"must be more than 0 characters [json-pointer:{where}/text]"
    elif len(content) > most:
        yield f"failed to match all allowed schemas [json-pointer:{where}]"
        yield _too_long(most, f"{where}/text")


def _check_metadata(metadata: object) -> None:
    if metadata is None:
        return
    metadata = _parsed(metadata, "invalid_metadata_format")
    match metadata:
        case {"event_type": str(), "event_payload": dict()}:
            return
    raise Refused("invalid_metadata_format")


def _list_of_objects(value: object, error: str) -> list[Json]:
    """Return a list that was given as such or, as a form has it, as JSON text."""
    value = _parsed(value, error) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Refused(error)
    return value


def _parsed(value: object, error: str) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refused(error) from None


def _texts(value: object) -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                if name == "text" and isinstance(inner, str):
                    yield inner
                else:
                    yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


def _too_long(most: int, where: str) -> str:
    return f"must be less than {most + 1} characters [json-pointer:{where}]"


def _missing(field: str, where: str) -> str:
    return f"missing required field: {field} [json-pointer:{where}]"
