"""The kernel tells who listens, and no bytes it could send make us fall over."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probes.servers import free_port, listening
from watchdog.probes import sock_diag
from watchdog.probes.sock_diag import SockDiag, UnavailableError, collect, parse_listener


@pytest.fixture(name="diag")
def fixture_diag() -> Iterator[SockDiag]:
    diag = SockDiag()
    yield diag
    diag.close()


def message(kind: int, payload: bytes, *, sequence: int = 7, flags: int = 0) -> bytes:
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload


def listener_payload(attributes: bytes = b"", *, family: int = socket.AF_INET) -> bytes:
    fixed = struct.pack(
        "=BBxx2s2s16s16sI8s5I",
        family, 10, b"\x1f\x40", b"", bytes([10, 0, 0, 1]), b"", 0, bytes(8), 0, 3, 128, 33, 4711,
    )  # fmt: skip
    return fixed + attributes


def attribute(kind: int, content: bytes) -> bytes:
    padding = b"\0" * (-len(content) % 4)
    return struct.pack("=HH", 4 + len(content), kind) + content + padding


def found_by(diag: SockDiag, host: str, port: int) -> sock_diag.Listening:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = diag.lookup(family, host, port)
    assert listener is not None
    return listener


class TestLookup:
    def test_finds_the_listener_on_the_very_address(self, diag: SockDiag) -> None:
        with listening() as port:
            found = found_by(diag, "127.0.0.1", port)
        assert (found.host, found.port, found.uid) == ("127.0.0.1", port, os.getuid())

    def test_tells_the_inode_that_proc_shows(self, diag: SockDiag) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            found = found_by(diag, *server.getsockname())
            assert f"socket:[{found.inode}]" == str(
                Path(f"/proc/self/fd/{server.fileno()}").readlink()
            )

    def test_tells_the_cgroup_that_the_socket_was_made_in(self, diag: SockDiag) -> None:
        with listening() as port:
            assert found_by(diag, "127.0.0.1", port).cgroup > 0

    def test_finds_a_wildcard_listener_as_a_connection_would(self, diag: SockDiag) -> None:
        with listening("0.0.0.0") as port:
            assert found_by(diag, "127.0.0.1", port).host == "0.0.0.0"

    def test_finds_a_dual_stack_listener_by_its_ipv4_address(self, diag: SockDiag) -> None:
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
            port = server.getsockname()[1]
            assert found_by(diag, "127.0.0.1", port).host == "::"
            assert found_by(diag, "::1", port).host == "::"

    def test_does_not_find_a_listener_on_another_address(self, diag: SockDiag) -> None:
        with listening("127.0.0.2") as port:
            assert diag.lookup(socket.AF_INET, "127.0.0.1", port) is None
            assert diag.lookup(socket.AF_INET, "0.0.0.0", port) is None

    def test_finds_nothing_where_nobody_listens(self, diag: SockDiag) -> None:
        assert diag.lookup(socket.AF_INET, "127.0.0.1", free_port()) is None

    def test_takes_a_connection_for_no_listener(self, diag: SockDiag) -> None:
        with listening() as port, socket.create_connection(("127.0.0.1", port)) as client:
            assert diag.lookup(socket.AF_INET, *client.getsockname()) is None

    def test_tells_how_many_connections_wait_to_be_accepted(self, diag: SockDiag) -> None:
        with listening(backlog=5) as port, socket.create_connection(("127.0.0.1", port)):
            found = found_by(diag, "127.0.0.1", port)
        assert (found.waiting, found.backlog) == (1, 5)

    def test_sees_a_listener_come_and_go_on_one_socket(self, diag: SockDiag) -> None:
        port = free_port()
        seen = []
        for _ in range(3):
            with listening(port=port):
                seen.append(diag.lookup(socket.AF_INET, "127.0.0.1", port) is not None)
            seen.append(diag.lookup(socket.AF_INET, "127.0.0.1", port) is not None)
        assert seen == [True, False] * 3


class TestListeners:
    def test_contain_every_address_and_both_families(self, diag: SockDiag) -> None:
        with listening("127.0.0.1") as one, listening("0.0.0.0") as two, listening("::1") as three:
            found = {(each.host, each.port) for each in diag.listeners()}
        assert {("127.0.0.1", one), ("0.0.0.0", two), ("::1", three)} <= found

    def test_come_whole_when_the_answer_has_many_parts(self, diag: SockDiag) -> None:
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(400)]
        try:
            found = {each.port for each in diag.listeners()}
            assert {server.getsockname()[1] for server in servers} <= found
        finally:
            for server in servers:
                server.close()


class TestTrouble:
    def test_answers_to_older_questions_are_passed_over(self, diag: SockDiag) -> None:
        with listening() as port:
            diag.lookup(socket.AF_INET, "127.0.0.1", port)
            # A dump whose answer nobody has read:
            assert diag._socket is not None
            diag._send(diag._socket, socket.AF_INET, b"", 0, 0, 0x300)
            assert found_by(diag, "127.0.0.1", port).port == port

    def test_a_kernel_that_forbids_netlink_is_asked_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = []

        def forbid(*arguments: int) -> socket.socket:
            opened.append(arguments)
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))

        monkeypatch.setattr(socket, "socket", forbid)
        diag = SockDiag()
        for _ in range(2):
            with pytest.raises(UnavailableError, match="Address family not supported"):
                diag.lookup(socket.AF_INET, "127.0.0.1", 80)
        assert len(opened) == 1

    def test_lost_messages_are_asked_for_again_on_a_new_socket(
        self, diag: SockDiag, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with listening() as port:
            diag.lookup(socket.AF_INET, "127.0.0.1", port)
            first, receive, losses = diag._socket, diag._receive, [errno.ENOBUFS]

            def lose(netlink: socket.socket) -> list[sock_diag.Listening]:
                if losses:
                    raise OSError(losses.pop(), "lost")
                found: list[sock_diag.Listening] = receive(netlink)
                return found

            monkeypatch.setattr(diag, "_receive", lose)
            assert found_by(diag, "127.0.0.1", port).port == port
            assert diag._socket is not first

    def test_any_other_error_is_passed_on_and_the_next_question_begins_anew(
        self, diag: SockDiag, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with listening() as port:
            diag.lookup(socket.AF_INET, "127.0.0.1", port)
            with monkeypatch.context() as patched:
                patched.setattr(sock_diag, "collect", lambda *_: parse_listener(b""))
                with pytest.raises(OSError, match="0 bytes are too few"):
                    diag.lookup(socket.AF_INET, "127.0.0.1", port)
            assert found_by(diag, "127.0.0.1", port).port == port


class TestParsing:
    def test_reads_address_port_owner_queue_and_cgroup(self) -> None:
        payload = listener_payload(
            attribute(8, b"\0") + attribute(200, b"new") + attribute(21, (99).to_bytes(8, "little"))
        )
        listener = parse_listener(payload)
        assert listener is not None
        assert (listener.host, listener.port, listener.inode) == ("10.0.0.1", 8000, 4711)
        assert (listener.uid, listener.waiting, listener.backlog) == (33, 3, 128)
        assert listener.cgroup == 99

    def test_takes_a_kernel_that_tells_no_cgroup(self) -> None:
        listener = parse_listener(listener_payload())
        assert listener is not None
        assert listener.cgroup == 0

    @pytest.mark.parametrize(
        ("payload", "complaint"),
        [
            (b"short", "too few"),
            (listener_payload(b"\x02\x00\x15\x00"), "does not fit"),
            (listener_payload(b"\xff\x00\x15\x00"), "does not fit"),
            (listener_payload(family=socket.AF_UNIX), "address family"),
        ],
    )
    def test_refuses_what_cannot_be_a_socket(self, payload: bytes, complaint: str) -> None:
        with pytest.raises(ValueError, match=complaint):
            parse_listener(payload)

    @pytest.mark.parametrize(
        "datagram",
        [
            b"\x01",
            message(20, b"")[:-1],
            struct.pack("=IHHII", 8, 20, 0, 7, 0),
            struct.pack("=IHHII", 4096, 20, 0, 7, 0),
            message(2, b"\0\0"),
        ],
    )
    def test_refuses_what_cannot_be_a_message(self, datagram: bytes) -> None:
        with pytest.raises(ValueError, match=r"cut short|does not fit"):
            collect(datagram, 7, [])

    def test_a_dump_that_ends_in_an_error_raises_it(self) -> None:
        datagram = message(20, listener_payload(), flags=2)
        datagram += message(3, struct.pack("=i", -errno.EPERM), flags=2)
        with pytest.raises(PermissionError):
            collect(datagram, 7, [])

    def test_a_dump_is_complete_only_with_its_end(self) -> None:
        found: list[sock_diag.Listening] = []
        assert not collect(message(20, listener_payload(), flags=2), 7, found)
        assert collect(message(3, b""), 7, found)
        assert len(found) == 1

    @given(st.binary(max_size=300))
    def test_any_payload_is_a_listener_or_refused(self, payload: bytes) -> None:
        with contextlib.suppress(ValueError):
            parse_listener(payload)

    @given(
        st.lists(
            st.one_of(
                st.binary(max_size=40),
                st.builds(
                    message,
                    st.sampled_from([1, 2, 3, 20, 21]),
                    st.one_of(
                        st.binary(max_size=200),
                        st.builds(listener_payload, st.binary(max_size=40)),
                    ),
                    sequence=st.sampled_from([7, 8]),
                    flags=st.sampled_from([0, 2]),
                ),
            ),
            max_size=5,
        ).map(b"".join)
    )
    def test_any_datagram_is_an_answer_an_error_or_refused(self, datagram: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):
            collect(datagram, 7, [])
