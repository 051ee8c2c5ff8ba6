"""The status page with a thousand services, and with a daemon that goes and comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.crowd import TOKEN, Crowd, service
from tests.unit.probes.servers import free_port

pytestmark = [pytest.mark.adapter, pytest.mark.timeout(120)]

COUNT = 1000


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd(COUNT)
    with crowd.running():
        yield crowd


@pytest.fixture
def page(browser: Browser, crowd: Crowd) -> Iterator[Page]:
    port = free_port()
    crowd.listen(port)
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(f"http://127.0.0.1:{port}/")
    expect(opened.get_by_text(f"{COUNT} services, no trouble")).to_be_visible()
    yield opened
    context.close()


def rows(page: Page) -> list[str]:
    return page.locator(".services > li h2").all_text_contents()


def test_a_part_is_shown_and_more_when_asked_for(page: Page) -> None:
    expect(page.locator(".services > li")).to_have_count(100)
    page.get_by_role("button", name="Show 100 more of 900").click()
    expect(page.locator(".services > li")).to_have_count(200)
    assert page.locator("*").count() < 200 * 30


def test_trouble_comes_first_and_leaves_the_others_alone(page: Page, crowd: Crowd) -> None:
    first = page.locator(".services > li").first
    page.evaluate("window.kept = document.querySelector('.services > li')")
    crowd.become(service("service-0977", "failing"))
    expect(first).to_contain_text("service-0977")
    expect(page.get_by_role("status")).to_have_text(f"1 of {COUNT} services in trouble")
    expect(page).to_have_title(re.compile(r"^\(1\) web-1"))
    assert page.evaluate("window.kept === document.querySelectorAll('.services > li')[1]")
    crowd.become(service("service-0977"))
    expect(first).to_contain_text("service-0000")


def test_the_page_is_told_and_asks_for_nothing(page: Page, crowd: Crowd) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    crowd.become(service("service-0003", "suspect"))
    expect(page.get_by_role("status")).to_have_text(f"1 of {COUNT} services in trouble")
    assert [url for url in asked if "/assets/icon" not in url] == []


def test_what_has_the_focus_keeps_it_when_there_is_news_of_it(page: Page, crowd: Crowd) -> None:
    link = page.get_by_role("link", name="service-0005")
    link.focus()
    crowd.become(service("service-0005", "failing"))
    expect(page.locator(".services > li").first).to_contain_text("service-0005")
    expect(link).to_be_focused()


def test_they_are_found_by_name_and_by_how_they_stand(page: Page, crowd: Crowd) -> None:
    held = {"owner": "kim", "reason": "moving", "ends_in": 600.0}
    crowd.become(service("service-0500", silence=held))
    crowd.become(service("service-0501", "failing"))
    page.get_by_role("radio", name="Paused or silenced 1").check()
    expect(page.locator(".services > li")).to_have_count(1)
    expect(page.locator(".services")).to_contain_text("silenced by kim, 10 min more: moving")
    page.get_by_role("radio", name="In trouble 1").check()
    assert rows(page) == ["service-0501"]
    page.get_by_role("radio", name="All").check()
    page.get_by_label("Filter").fill("SERVICE-077")
    expect(page.locator(".services > li")).to_have_count(10)
    page.get_by_label("Filter").fill("nobody")
    expect(page.get_by_text("No service is like that.")).to_be_visible()


def test_a_service_in_depth_goes_with_it(page: Page, crowd: Crowd) -> None:
    """With a token, as it would be acted on."""
    crowd.become(service("service-0001", "waiting", restart_in=90.0))
    page.evaluate(f"sessionStorage.setItem('token', '{TOKEN}')")
    page.reload()
    page.get_by_role("link", name="service-0001").click()
    shown = page.get_by_label("How it stands")
    expect(shown).to_contain_text(re.compile(r"next restart in 1 min( \d+ s)?process"))
    expect(page.get_by_role("button", name="Restart")).to_be_visible()
    crowd.forget("service-0001")
    expect(shown).to_contain_text("There is no service of this name")
    expect(page.get_by_role("button", name="Restart")).to_be_hidden()


def test_a_lost_daemon_is_told_of_and_found_again(page: Page, crowd: Crowd) -> None:
    """Also what has changed meanwhile, and what is there no more."""
    port = int(page.url.rpartition(":")[2].strip("/"))
    crowd.stop()
    expect(page.get_by_role("alert")).to_contain_text("What you see is as of")
    expect(page.get_by_role("status")).to_be_hidden()
    crowd.forget("service-0000")
    crowd.become(service("service-0001", "failing"))
    crowd.listen(port)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text(f"1 of {COUNT - 1} services in trouble")
    assert rows(page)[:2] == ["service-0001", "service-0002"]
