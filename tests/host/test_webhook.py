"""The webhook on a real host: an incident from its opening to its end, signed and in order."""

from __future__ import annotations

from tests.host.installed import InstalledHost
from tests.host.watched_host import API, TOLD_AT_ONCE, WatchedHost
from tests.unit.notify.receiver import PATH, SECRET, receiving

PORT = 8090

WEBHOOK = f"""
[webhook]
url    = "http://127.0.0.1:{PORT}{PATH}"
secret = "{SECRET}"
"""


async def test_a_receiver_that_verifies_gets_the_incident_from_firing_to_resolved(
    installed_host: InstalledHost,
) -> None:
    watching = WatchedHost(installed_host)
    async with receiving(sock=installed_host.listen(PORT)) as receiver:
        watching.start_sample()
        watching.configure(TOLD_AT_ONCE, tables=WEBHOOK)
        installed_host.start_daemon()
        await installed_host.arun("service-watchdog", "test-alert", "webhook")
        watching.behave(status="500", body="out of order")
        await receiver.wait_for(2)
        watching.behave(status=None, body=None)
        test, firing, resolved = await receiver.wait_for(3)
    assert [each["type"] for each in (test, firing, resolved)] == [
        "alert.test",
        "alert.firing",
        "alert.resolved",
    ]
    assert firing["data"]["service"] == API
    assert "out of order" in firing["data"]["reason"]
    assert firing["data"]["incident"]["id"] == resolved["data"]["incident"]["id"]
    shown = installed_host.run("service-watchdog", "config", "show").stdout
    assert SECRET not in shown
    assert PATH not in shown
