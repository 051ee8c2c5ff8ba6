"""A small FastAPI service with a /health worth checking."""

import os
import time

import psutil
from fastapi import FastAPI

VERSION = "1.0.0"
STARTED = time.monotonic()

app = FastAPI(title="langchain-api", version=VERSION)


@app.get("/")
async def greet() -> dict[str, str]:
    """Answer as an application would."""
    return {"message": "hello"}


@app.get("/health")
async def health() -> dict[str, object]:
    """Say how this worker is, in bytes and seconds.

    A health check runs every few seconds for as long as the service lives, so it must stay cheap
    and must not block the loop: one read of /proc/meminfo, no request to anything else. An answer
    that waits for a database or a model says how *those* are, and gets a sound service restarted.
    """
    memory = psutil.virtual_memory()
    return {
        "status": "healthy",
        "message": "RAG Chatbot API is running",
        "version": VERSION,
        "uptime": round(time.monotonic() - STARTED, 3),
        "memory": {"used": memory.used, "available": memory.available},
        "port": int(os.environ.get("PORT", "8000")),
        "workers": int(os.environ.get("WORKERS", "1")),
    }
