"""An SMTP server that follows a script, an answer for each command, and keeps what it heard."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.unit.notify.serving import serving

POLITE = {
    "greeting": "220 mail.example.com ESMTP",
    "EHLO": "250-mail.example.com\r\n250 AUTH PLAIN",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 OK",
    "RCPT": "250 2.1.5 OK",
    "DATA": "354 go ahead",
    "content": "250 Ok 0102018f-ses-id",
    "QUIT": "221 bye",
}
CUT = "cut the connection"
SILENCE = "say nothing"


@dataclass
class ScriptedServer:
    """Speaks as ``script`` says; commands are known by their first word."""

    script: Mapping[str, str]
    port: int = 0
    heard: list[str] = field(default_factory=list)
    said: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        going_on = await self.answer(writer, "greeting")
        while going_on and (line := (await reader.readline()).decode(errors="replace").rstrip()):
            self.heard.append(line)
            self.said.put_nowait(line)
            word = line.split()[0].upper()
            going_on = await self.answer(writer, word)
            if word == "DATA" and self.script["DATA"].startswith("354"):
                self.heard.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                going_on = await self.answer(writer, "content")

    async def answer(self, writer: asyncio.StreamWriter, word: str) -> bool:
        """Say what the script has for *word*, and whether the conversation goes on."""
        line = self.script.get(word, "500 what?")
        if line == SILENCE:
            return True
        if line == CUT:
            return False
        writer.write(line.encode() + b"\r\n")
        await writer.drain()
        return not line.startswith("421")


@asynccontextmanager
async def scripted(
    changes: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedServer]:
    """Run a polite server, apart from *changes*."""
    script = ScriptedServer(POLITE | dict(changes or {}))
    async with serving(script.serve, tls) as script.port:
        yield script
