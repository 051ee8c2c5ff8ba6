"""The status page in a real browser, served by a real daemon."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import READ_TOKEN, TOKEN, Watched, watch

pytestmark = [pytest.mark.adapter, pytest.mark.timeout(120)]

EVIL = '<img src=x onerror="document.title=1">'


def failing(page: Page, daemon: Watched, body: str = "out of order") -> str:
    """Let the service fail until an incident is open, and return its id."""
    daemon.behave(status="500", body=body)
    link = page.get_by_role("link", name=re.compile("^incident "))
    expect(link).to_be_visible()
    return (link.text_content() or "").split()[1]


def healed(page: Page, daemon: Watched) -> None:
    daemon.behave()
    page.goto(daemon.url)
    expect(page.locator(".phase").first).to_have_text("healthy")


def test_every_service_is_shown_with_its_phase_and_its_checks(page: Page) -> None:
    expect(page.get_by_role("heading", name="web-1")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("1 service, no trouble")
    row = page.get_by_role("list", name="Services", exact=True)
    expect(row.get_by_role("link", name="api")).to_be_visible()
    expect(row.locator(".phase")).to_have_text("healthy")
    expect(page.get_by_role("list", name="Checks of api").get_by_role("listitem")).to_have_text(
        [re.compile("^process ✓"), re.compile("^port ✓"), re.compile("^http ✓")]
    )


def test_a_failure_shows_by_itself_and_so_does_its_end(page: Page, daemon: Watched) -> None:
    failing(page, daemon)
    expect(page.get_by_role("status")).to_have_text("1 of 1 service in trouble")
    expect(page.locator(".reason")).to_contain_text("out of order")
    daemon.behave()
    expect(page.get_by_role("status")).to_have_text("1 service, no trouble")


def test_a_new_process_shows_by_itself(page: Page, daemon: Watched) -> None:
    page.get_by_role("link", name="api").click()
    before = daemon.kill()
    shown = page.get_by_label("How it stands")
    expect(shown).not_to_contain_text(f"process {before}")
    expect(shown).to_contain_text(re.compile(r"process \d+"))
    expect(page.locator(".phase").first).to_have_text("healthy")


def test_a_service_in_depth_has_availability_latency_and_incidents(
    page: Page, daemon: Watched
) -> None:
    page.get_by_role("link", name="api").click()
    expect(page.get_by_label("Availability").locator(".bars span")).to_have_count(90)
    expect(page.get_by_label("Latency").locator("canvas")).to_be_visible()
    expect(page.get_by_role("region", name="Incidents")).to_be_visible()
    expect(page.get_by_role("button", name="Restart")).to_have_count(0)


def test_latency_is_shown_of_recent_rounds_and_of_a_day(page: Page) -> None:
    page.get_by_role("link", name="api").click()
    latency = page.get_by_role("region", name="Latency")
    expect(latency).to_contain_text(re.compile(r"\d+ rounds?.*on average, slowest"))
    latency.get_by_role("radio", name="24 hours").check()
    expect(latency).to_contain_text("on record since")
    expect(latency.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile("on record since")
    )


def test_an_incident_tells_what_happened_and_what_was_seen(page: Page, daemon: Watched) -> None:
    incident = failing(page, daemon, body=EVIL)
    page.get_by_role("link", name=f"incident {incident}").click()
    expect(page.get_by_role("heading", name=f"Incident {incident}")).to_be_visible()
    timeline = page.get_by_label("Timeline")
    expect(timeline).to_contain_text("opened")
    expect(page.get_by_label("Evidence")).to_contain_text(EVIL)
    expect(page.locator("main img")).to_have_count(0)
    healed(page, daemon)


def test_with_the_token_a_service_is_paused_and_resumed(trusted: Page) -> None:
    trusted.get_by_role("link", name="api").click()
    expect(trusted.get_by_role("button", name="Resume")).to_be_hidden()
    trusted.get_by_label("Reason").fill("moving the queue")
    trusted.get_by_role("button", name="Pause").click()
    expect(trusted.locator(".phase").first).to_have_text("maintenance")
    expect(trusted.get_by_label("How it stands")).to_contain_text("paused by web 127.0.0.1")
    expect(trusted.get_by_label("How it stands")).to_contain_text("more: moving the queue")
    trusted.get_by_role("button", name="Resume").click()
    expect(trusted.locator(".phase").first).to_have_text("healthy")


def test_who_may_only_read_is_offered_nothing_else(page: Page) -> None:
    page.evaluate(f"sessionStorage.setItem('token', '{READ_TOKEN}')")
    page.goto(f"{page.url}#/service/api")
    page.reload()
    expect(page.get_by_role("button", name="this one only reads")).to_be_visible()
    expect(page.get_by_label("How it stands")).to_contain_text("healthy")
    expect(page.get_by_label("What may be done")).to_be_hidden()
    page.evaluate(f"sessionStorage.setItem('token', '{TOKEN}')")
    page.reload()
    expect(page.get_by_label("What may be done")).to_be_visible()


def test_a_token_is_asked_for_and_kept_for_this_tab(page: Page, daemon: Watched) -> None:
    page.get_by_role("button", name="Enter token").click()
    page.get_by_label("Token", exact=True).last.fill(TOKEN)
    page.get_by_role("button", name="Use it").click()
    page.wait_for_load_state()
    page.get_by_role("link", name="api").click()
    expect(page.get_by_role("button", name="Restart")).to_be_visible()
    assert page.context.cookies() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_used_by_everybody(
    browser: Browser, daemon: Watched, scheme: Literal["light", "dark"]
) -> None:
    """By the rules of axe-core: contrast, names of controls, landmarks, order of headings …"""
    context = browser.new_context(color_scheme=scheme)
    page = watch(context, daemon)
    page.goto(daemon.url)
    incident = failing(page, daemon)
    for path, there in (
        ("", page.locator(".phase").first),
        ("#/incidents", page.get_by_role("heading", name="Latest incidents")),
        ("#/service/api", page.get_by_label("Latency").locator("canvas")),
        (f"#/incident/{incident}", page.get_by_label("Timeline")),
    ):
        page.goto(daemon.url + path)
        expect(there).to_be_visible()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    healed(page, daemon)
    context.close()
    assert daemon.errors == []


def test_it_can_be_used_by_keyboard(page: Page) -> None:
    expect(page.get_by_role("status")).to_have_text("1 service, no trouble")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the services")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Filter")).to_be_focused()
    page.keyboard.type("nothing")
    expect(page.get_by_role("link", name="api")).to_have_count(0)
    page.get_by_label("Filter").fill("")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="All")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Healthy")).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="api")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("How it stands")).to_be_visible()


def test_a_phone_shows_all_of_it(browser: Browser, daemon: Watched) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True)
    page = watch(context, daemon)
    for path in ("", "#/service/api", "#/incidents"):
        page.goto(daemon.url + path)
        expect(page.get_by_role("status").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
    assert daemon.errors == []


def test_the_first_paint_needs_little(browser: Browser, daemon: Watched) -> None:
    context = browser.new_context()
    page = watch(context, daemon)
    page.goto(daemon.url)
    expect(page.locator(".phase").first).to_be_visible()
    loaded = page.evaluate("performance.getEntries().map((each) => each.toJSON())")
    files = [
        (each["transferSize"], each["decodedBodySize"])
        for each in loaded
        if "transferSize" in each and "/api/" not in each["name"]
    ]
    assert len(files) > 5
    assert sum(packed for packed, _ in files) < 30_000
    assert sum(size for _, size in files) < 100_000  # also where nothing is packed
    context.close()
