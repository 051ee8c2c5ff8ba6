from __future__ import annotations

from watchdog.control.routes import Routes


def test_several_may_follow_the_same_unit() -> None:
    routes = Routes[str]()
    routes.put("one", "/web", "web.service")
    routes.put("two", "/web", "web.service")
    assert routes.at("/web") == ("one", "two")
    routes.drop("one")
    assert routes.at("/web") == routes.named("web.service") == ("two",)


def test_who_moves_is_no_longer_found_at_the_old_place() -> None:
    routes = Routes[str]()
    routes.put("one", "/web", "web.service")
    routes.put("one", "/web2", "web2.service")
    assert routes.at("/web") == routes.named("web.service") == ()
    assert routes.at("/web2") == routes.named("web2.service") == ("one",)


def test_who_is_nowhere_can_be_dropped() -> None:
    routes = Routes[str]()
    routes.drop("one")
    assert routes.at("") == ()
