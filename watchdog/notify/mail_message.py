"""A message as mail: plain text first, HTML for those who show it.

Threading: every mail of an incident, the first included, refers to one ID made from incident and
recipient, which no mail bears. So the thread holds even where a relay such as SES replaces the
Message-ID of each mail, or where the first one never arrived.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

from watchdog.notify.email import Envelope
from watchdog.notify.mail_html import page
from watchdog.notify.text import one_line
from watchdog.ports import Message

THREADS = uuid.UUID("6b1a3c0e-5f43-4f0e-9d6b-6d0a3f2b9c11")  # made up once
SUBJECT_WIDTH = 200


def compose(message: Message, key: str, envelope: Envelope, wall: float) -> EmailMessage:
    """Return *message* as mail, dated *wall*; the time of the event itself is in its text."""
    domain = parseaddr(envelope.sender)[1].rpartition("@")[2] or "localhost"
    mail = EmailMessage(SMTP)
    mail["From"] = envelope.sender
    mail["To"] = ", ".join(envelope.recipients)
    mail["Subject"] = one_line(message.title, SUBJECT_WIDTH)
    mail["Date"] = datetime.fromtimestamp(wall, UTC)
    mail["Message-ID"] = f"<{key}@{domain}>"
    if message.alert.incident:
        thread = f"<{thread_id(message, envelope.recipient)}@{domain}>"
        mail["In-Reply-To"] = thread
        mail["References"] = thread
    # RFC 3834: no vacation notice may answer. Exchange has a header of its own.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    # Quoted-printable: any text passes any relay, with no line too long for it.
    mail.set_content(body(message), cte="quoted-printable")
    mail.add_alternative(page(message), subtype="html", cte="quoted-printable")
    # Made of what names the mail: a second try is the same mail, byte for byte.
    mail.set_boundary(f"=_{key}")
    return mail


def body(message: Message) -> str:
    """Return the text of the mail."""
    parts = [message.title, "\n".join(message.lines)]
    if message.evidence:
        label = f"{message.evidence_label}:"
        parts.append("\n".join([label, *(f"  {line}" for line in message.evidence)]))
    # Two dashes and a space: programs fold away what follows.
    parts.append(f"-- \n{message.signature}")
    return "\n\n".join(parts) + "\n"


def thread_id(message: Message, recipient: str) -> uuid.UUID:
    """Return what all mails of one incident to one recipient have in common."""
    alert = message.alert
    return uuid.uuid5(THREADS, repr((message.host, alert.service, alert.incident, recipient)))
