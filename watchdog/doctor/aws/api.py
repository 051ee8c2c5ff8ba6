"""What EC2 says, by boto3, as plain values. For commands at a terminal; never for the daemon.

Importing boto3 and making a client take 0.7 s of CPU and 50 MB, so it is done only when asked.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from ipaddress import ip_network
from typing import cast

from watchdog.doctor.aws import replies
from watchdog.doctor.aws.addresses import Network
from watchdog.doctor.aws.layers import Acl, Group, RouteTable
from watchdog.doctor.aws.replies import Interface, Reply
from watchdog.probes.text import clean

BALANCER = "the load balancer"
CONNECT, READ, TRIES = 2, 3, 2  # seconds, seconds, and one retry


class Why(StrEnum):
    """Why AWS does not tell."""

    NO_EXTRA = "no-extra"
    NO_CREDENTIALS = "no-credentials"
    DENIED = "denied"
    OTHER_ACCOUNT = "other-account"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"


class ApiError(Exception):
    """AWS does not tell: why, and of which action or in which words."""

    def __init__(self, why: Why, what: str = "", *, by_role: bool = False) -> None:
        super().__init__(why, what)
        self.why = why
        self.what = what
        self.by_role = by_role  # it was asked with the credentials of the instance's role


def has_extra() -> bool:
    """Tell whether boto3 is installed."""
    return importlib.util.find_spec("boto3") is not None


class Api:
    """EC2's API in one region. All of it blocks: use a thread. Raises ApiError."""

    def __init__(self, region: str) -> None:
        import boto3  # noqa: PLC0415 - heavy, and an extra
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=CONNECT,
            read_timeout=READ,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
        )
        self._by_role = False
        with self._translated():
            session = boto3.Session()
            self._client = session.client("ec2", region_name=region, config=config)
            credentials = session.get_credentials()
        self._by_role = credentials is not None and credentials.method == "iam-role"

    def interfaces(self, instance: str) -> Sequence[Interface]:
        """Return the interfaces of *instance*, the primary one first."""
        reply = self._ask("describe_instances", InstanceIds=[instance])
        found = [each for part in reply["Reservations"] for each in part["Instances"]]
        if not found:
            raise ApiError(Why.OTHER_ACCOUNT)
        attached = sorted(
            found[0]["NetworkInterfaces"], key=lambda each: int(each["Attachment"]["DeviceIndex"])
        )
        return [replies.interface(each) for each in attached]

    def route_table(self, vpc: str, subnet: str) -> RouteTable:
        """Return the table that *subnet* uses: its own, or the main one of *vpc*."""
        reply = self._ask("describe_route_tables", Filters=_filters(**{"vpc-id": vpc}))
        main = None
        for table in reply["RouteTables"]:
            for association in table["Associations"]:
                if association.get("SubnetId") == subnet:
                    return replies.route_table(table, main=False)
                if association.get("Main"):
                    main = table
        if main is None:
            raise ApiError(Why.REFUSED, f"no route table of {vpc}")
        return replies.route_table(main, main=True)

    def acl(self, subnet: str) -> Acl:
        """Return the network ACL of *subnet*."""
        reply = self._ask(
            "describe_network_acls", Filters=_filters(**{"association.subnet-id": subnet})
        )
        if not reply["NetworkAcls"]:
            raise ApiError(Why.REFUSED, f"no network ACL of {subnet}")
        return replies.acl(reply["NetworkAcls"][0])

    def groups(self, ids: Sequence[str]) -> tuple[Group, ...]:
        """Return the security groups *ids*."""
        if not ids:
            return ()
        reply = self._ask("describe_security_groups", GroupIds=list(ids))
        return tuple(replies.group(each) for each in reply["SecurityGroups"])

    def lists(self, groups: Sequence[Group]) -> Mapping[str, tuple[Network, ...]]:
        """Return what is in the prefix lists of *groups*, as far as we may know."""
        named = {name for group in groups for rule in group.rules for name in rule.lists}
        found = {}
        for name in sorted(named):
            try:
                reply = self._ask("get_managed_prefix_list_entries", PrefixListId=name)
            except ApiError as error:
                if error.why is Why.UNREACHABLE:
                    raise
                continue  # then it is called by its name
            found[name] = tuple(ip_network(each["Cidr"]) for each in reply["Entries"])
        return found

    def owner(self, address: str) -> str:
        """Return what in this account has *address*, in words; empty: nothing."""
        kind = "addresses.private-ip-address"
        if ":" in address:
            kind = "ipv6-addresses.ipv6-address"
        elif ip_network(address).is_global:
            kind = "association.public-ip"
        reply = self._ask("describe_network_interfaces", Filters=_filters(**{kind: address}))
        for each in reply["NetworkInterfaces"]:
            described = clean(str(each.get("Description", "")))
            if described.startswith("ELB "):
                return f"{BALANCER} {described.removeprefix('ELB ')}"
            if instance := each.get("Attachment", {}).get("InstanceId"):
                return f"the instance {instance}"
            return f"the network interface {each['NetworkInterfaceId']}"
        return ""

    def _ask(self, operation: str, **arguments: object) -> Reply:
        """Return all that *operation* lists, over all pages."""
        with self._translated():
            if self._client.can_paginate(operation):
                pages = self._client.get_paginator(operation).paginate(**arguments)
                return cast("Reply", pages.build_full_result())
            return cast("Reply", getattr(self._client, operation)(**arguments))

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise ApiError for what boto3 raises."""
        from botocore import exceptions  # noqa: PLC0415 - heavy, and an extra
        from botocore.parsers import ResponseParserError  # noqa: PLC0415

        try:
            yield
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise ApiError(Why.NO_CREDENTIALS) from error
        except (exceptions.CredentialRetrievalError, exceptions.TokenRetrievalError) as error:
            raise ApiError(Why.NO_CREDENTIALS, type(error).__name__) from error
        except exceptions.ClientError as error:
            raise self._refusal(error.response, error.operation_name) from error
        except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
            raise ApiError(Why.UNREACHABLE, type(error).__name__) from error
        # No such profile, a file that cannot be read; a proxy's own page in place of an answer.
        except (exceptions.BotoCoreError, ResponseParserError) as error:
            raise ApiError(Why.REFUSED, type(error).__name__) from error

    def _refusal(self, response: Reply, operation: str) -> ApiError:
        code = str(response.get("Error", {}).get("Code", ""))
        if code in {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}:
            return ApiError(Why.DENIED, f"ec2:{operation}", by_role=self._by_role)
        if code.startswith("InvalidInstanceID"):
            return ApiError(Why.OTHER_ACCOUNT)
        if code in {"AuthFailure", "InvalidClientTokenId", "RequestExpired", "ExpiredToken"}:
            return ApiError(Why.NO_CREDENTIALS, code)
        return ApiError(Why.REFUSED, f"{operation}: {code}" if code.isalnum() else operation)


def _filters(**wanted: str) -> list[Reply]:
    return [{"Name": name, "Values": [value]} for name, value in wanted.items()]
