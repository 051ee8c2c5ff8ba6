"""What a unit would lose by a template is named."""

from __future__ import annotations

from tests.unit.templates.test_texts import API, RUNNING
from watchdog.templates.lost import lost
from watchdog.templates.unit import unit_text

BY_HAND = r"""
# Alias=comment
[Service]
Group=www-data
ExecStart=/v/bin/uvicorn a:b \
    --root-path=/x
LimitNOFILE=9999
LimitNOFILE=9998
Environment=PORT=1 "SECRET=a b"
Environment=it's=odd
Restart=always
"""


def test_settings_variables_and_arguments_are_named_without_their_values() -> None:
    assert lost(BY_HAND, unit_text(API, RUNNING), ("--root-path=/x",)) == (
        "ExecStart=… --root-path=/x, Environment=SECRET, Environment=it's, Group=, LimitNOFILE="
    )


def test_from_one_variant_of_the_template_to_the_other_nothing_is_lost() -> None:
    unit, socket = (unit_text(API, RUNNING, socket=socket) for socket in (False, True))
    assert lost(unit, socket, ()) == ""
    assert lost(socket, unit, ()) == ""
