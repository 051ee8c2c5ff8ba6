"""The port check, on real sockets of this host."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from tests.unit.probes.servers import free_port, listening
from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.service import PortCheck
from watchdog.ports import Listener
from watchdog.probes.port import Owns, make_port_probe
from watchdog.probes.sock_diag import Listening, SockDiag, UnavailableError


async def ask(
    port: int,
    host: str = "127.0.0.1",
    owns: Owns | None = None,
    *,
    any_owner: bool = False,
    diag: SockDiag | None = None,
) -> Observation:
    check = PortCheck(port, host, any_owner=any_owner)
    return await make_port_probe(check, owns, diag)()


def nobody(_: Listener) -> bool:
    return False


def everybody(_: Listener) -> bool:
    return True


class Forbidden(SockDiag):
    """A host on which netlink is forbidden."""

    def _open(self) -> socket.socket:
        raise UnavailableError(errno.EAFNOSUPPORT, "Address family not supported")


class Recounting(SockDiag):
    """A kernel that tells of a full accept queue."""

    def lookup(self, family: int, host: str, port: int, *, interface: int = 0) -> Listening | None:
        assert (family, interface) == (socket.AF_INET, 0)
        return Listening(host, port, inode=1, cgroup=1, waiting=129, backlog=128)


class Overloaded(SockDiag):
    """A kernel that cannot answer just now."""

    def _open(self) -> socket.socket:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


class TestListening:
    @pytest.mark.parametrize("owns", [None, everybody])
    async def test_passes_when_the_service_listens(self, owns: Owns | None) -> None:
        with listening() as port:
            answer = await ask(port, owns=owns)
        assert (answer.verdict, answer.check) == (Verdict.PASS, "port")
        assert answer.reason == f"127.0.0.1:{port} is listening"

    async def test_passes_on_every_address_for_a_wildcard_listener(self) -> None:
        with listening("0.0.0.0") as port:
            assert (await ask(port, "127.0.0.1")).verdict is Verdict.PASS
            assert (await ask(port, "0.0.0.0")).verdict is Verdict.PASS

    async def test_takes_either_loopback_address_for_localhost(self) -> None:
        with listening("127.0.0.1") as port:
            assert (await ask(port, "localhost")).reason == f"127.0.0.1:{port} is listening"

    async def test_does_not_care_for_the_owner_if_told_so(self) -> None:
        with listening() as port:
            assert (await ask(port, owns=nobody, any_owner=True)).verdict is Verdict.PASS

    async def test_mentions_a_full_accept_queue(self) -> None:
        answer = await ask(8000, diag=Recounting())
        assert answer.verdict is Verdict.PASS
        assert answer.reason == (
            "127.0.0.1:8000 is listening, but its accept queue is full:"
            " 129 connections wait, backlog 128"
        )


class TestStranger:
    async def test_fails_and_is_named_and_no_restart_can_help(self) -> None:
        with listening() as port:
            answer = await ask(port, owns=nobody)
        assert (answer.verdict, answer.curable) == (Verdict.FAIL, False)
        assert answer.reason.startswith(f"127.0.0.1:{port} is held by another process: ")
        assert f"(pid {os.getpid()}" in answer.reason

    async def test_the_socket_that_a_client_would_reach_is_judged(self) -> None:
        with listening("0.0.0.0") as port, listening("127.0.0.1", port=0) as other:
            del other
            answer = await ask(port, owns=lambda listener: listener.host == "0.0.0.0")
        assert answer.verdict is Verdict.PASS


class TestNothing:
    async def test_fails_and_a_restart_may_help(self) -> None:
        port = free_port()
        answer = await ask(port)
        assert (answer.verdict, answer.curable) == (Verdict.FAIL, True)
        assert answer.reason == f"nothing listens on 127.0.0.1:{port}"

    async def test_names_every_address_of_a_name(self) -> None:
        port = free_port()
        answer = await ask(port, "localhost")
        assert answer.reason == f"nothing listens on [::1]:{port} or 127.0.0.1:{port}"

    async def test_tells_on_which_port_the_service_listens_instead(self) -> None:
        port = free_port()
        with listening() as wrong:
            answer = await ask(port, owns=lambda listener: listener.port == wrong)
        assert answer.reason == (
            f"nothing listens on 127.0.0.1:{port}; the service listens on port {wrong} instead"
        )

    async def test_tells_on_which_ports_the_service_listens_but_not_too_many(self) -> None:
        port = free_port()
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
        ports = sorted(server.getsockname()[1] for server in servers)
        answer = await ask(port, owns=lambda listener: listener.port in ports)
        for server in servers:
            server.close()
        assert answer.reason.endswith(
            f"; the service listens on ports {ports[0]}, {ports[1]}, {ports[2]}, … instead"
        )

    async def test_tells_on_which_address_the_service_listens_instead(self) -> None:
        with listening("127.0.0.2") as port:
            owned = await ask(port, owns=lambda listener: listener.port == port)
            unowned = await ask(port)
            everywhere = await ask(port, "0.0.0.0", owns=lambda listener: listener.port == port)
        assert owned.reason == (
            f"nothing listens on 127.0.0.1:{port}; the service listens on 127.0.0.2 only"
        )
        assert unowned.reason == (
            f"nothing listens on 127.0.0.1:{port}; somebody listens on 127.0.0.2 only"
        )
        assert everywhere.reason == (
            f"nothing listens on 0.0.0.0:{port}; the service listens on 127.0.0.2 only"
        )

    async def test_claims_nothing_for_a_control_that_takes_every_listener_for_its_own(
        self,
    ) -> None:
        port = free_port()
        with listening(), listening():
            answer = await ask(port, owns=everybody)
        assert answer.reason == f"nothing listens on 127.0.0.1:{port}"

    async def test_is_certain_even_if_the_diagnosis_fails(self) -> None:
        class Unlisted(SockDiag):
            def listeners(self) -> list[Listening]:
                raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))

        port = free_port()
        diag = Unlisted()
        answer = await ask(port, diag=diag)
        diag.close()
        assert answer.verdict is Verdict.FAIL
        assert answer.reason == f"nothing listens on 127.0.0.1:{port}"

    async def test_passes_if_a_connection_gets_through_all_the_same(self) -> None:
        """As where a packet filter forwards the port to a container."""

        class Blind(SockDiag):
            def lookup(
                self, family: int, host: str, port: int, *, interface: int = 0
            ) -> Listening | None:
                return None

        with listening() as port:
            answer = await ask(port, owns=everybody, diag=Blind())
        assert answer.verdict is Verdict.PASS
        assert answer.reason == (
            f"127.0.0.1:{port} accepts connections; no socket of this host listens there"
        )


class TestWithoutTheKernelsHelp:
    async def test_a_connection_decides_where_netlink_is_forbidden(self) -> None:
        with listening() as port:
            assert (await ask(port, owns=nobody, diag=Forbidden())).reason == (
                f"127.0.0.1:{port} accepts connections"
            )
        answer = await ask(port, diag=Forbidden())
        assert answer.verdict is Verdict.FAIL
        assert answer.reason == f"cannot connect to 127.0.0.1:{port}: Connection refused"

    async def test_a_kernel_in_trouble_is_no_evidence(self) -> None:
        answer = await ask(8000, diag=Overloaded())
        assert answer.verdict is Verdict.UNKNOWN
        assert answer.reason == "cannot ask the kernel for sockets: Cannot allocate memory"


class TestNames:
    @pytest.mark.parametrize(
        ("code", "verdict"),
        [(socket.EAI_NONAME, Verdict.FAIL), (socket.EAI_AGAIN, Verdict.UNKNOWN)],
    )
    async def test_a_name_without_an_address_is_not_the_services_fault_to_cure(
        self, code: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def getaddrinfo(*_: object, **__: object) -> None:
            raise socket.gaierror(code, "no such luck")

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        answer = await ask(80, "nowhere.example")
        assert (answer.verdict, answer.curable) == (verdict, False)
        assert answer.reason == "cannot resolve nowhere.example: no such luck"
