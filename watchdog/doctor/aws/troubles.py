"""Why AWS could not be asked, and what helps: pure. None of it is the cause of a failure."""

from __future__ import annotations

from collections.abc import Callable

from watchdog.doctor.aws.api import Why
from watchdog.doctor.aws.permissions import POLICY
from watchdog.doctor.aws.sight import Elsewhere, NoMetadata, Sight, Untold
from watchdog.doctor.finding import Finding, Remedy

SightRule = Callable[[Sight], Finding | None]

NOT_SEEN = "what AWS lets through to this instance is not looked at"


def aws_no_extra(sight: Sight) -> Finding | None:
    """AWS cannot be asked: boto3, an extra, is not installed.

    `sudo systemd/install.sh --with aws`.
    """
    if not isinstance(sight, Untold) or sight.why is not Why.NO_EXTRA:
        return None
    return Finding(
        "aws-no-extra",
        "AWS cannot be asked: boto3 is not installed",
        NOT_SEEN,
        Remedy(("systemd/install.sh --with aws",)),
    )


def aws_no_metadata(sight: Sight) -> Finding | None:
    """The metadata service is turned off, or its answer makes a hop too few for a container.

    `modify-instance-metadata-options`.
    """
    if not isinstance(sight, NoMetadata):
        return None
    return Finding(
        "aws-no-metadata",
        f"the instance metadata service does not answer at 169.254.169.254: {sight.why}",
        f"which instance this is cannot be known, so {NOT_SEEN}",
        _remedy(
            "aws ec2 modify-instance-metadata-options",
            f"--instance-id {sight.instance or 'INSTANCE'} --http-endpoint enabled",
            "--http-tokens required --http-put-response-hop-limit 2",
        ),
        (
            "in a container its answer takes a hop more than the limit of 1 allows",
            "it may be turned off, or a packet filter on this host may drop it",
        ),
    )


def aws_no_credentials(sight: Sight) -> Finding | None:
    """There are no credentials for AWS, or it does not take them.

    Give the instance a role, with the policy that the guide shows.
    """
    if not isinstance(sight, Untold) or sight.why is not Why.NO_CREDENTIALS:
        return None
    me = sight.me
    if me.role and not sight.what:
        fact = f"no credentials for AWS, although {me.instance} has the role {me.role}"
    elif sight.what:
        fact = f"the credentials for AWS are not taken: {sight.what}"
    else:
        fact = f"no credentials for AWS: {me.instance} has no role"
    give = (
        f"aws ec2 associate-iam-instance-profile --region {me.region}"
        f" --instance-id {me.instance} --iam-instance-profile Name=PROFILE"
    )
    return Finding("aws-no-credentials", fact, NOT_SEEN, Remedy((give, _allow(me.role))))


def aws_denied(sight: Sight) -> Finding | None:
    """A permission is missing; the action is named.

    The policy, as a command.
    """
    if not isinstance(sight, Untold) or sight.why is not Why.DENIED:
        return None
    return Finding(
        "aws-denied",
        f"AWS denies {sight.what} to {f'the role {sight.role}' if sight.role else 'us'}",
        NOT_SEEN,
        Remedy((_allow(sight.role),)),
        ("a group policy, a boundary or the organisation may deny it as well",),
    )


def aws_other_account(sight: Sight) -> Finding | None:
    """The credentials are of an account or a region that does not have this instance.

    Look whose they are: the environment and `~/.aws` come before the role.
    """
    if not isinstance(sight, Untold) or sight.why is not Why.OTHER_ACCOUNT:
        return None
    me = sight.me
    return Finding(
        "aws-other-account",
        f"{me.instance} is not in {me.region} of the account that the credentials are of",
        NOT_SEEN,
        Remedy(("aws sts get-caller-identity",)),
        ("AWS_ACCESS_KEY_ID, AWS_PROFILE and ~/.aws come before the role of the instance",),
    )


def aws_unreachable(sight: Sight) -> Finding | None:
    """AWS's API does not answer, as from a subnet without a way out.

    A way out, a proxy, or a VPC endpoint for ec2.
    """
    if not isinstance(sight, Untold) or sight.why is not Why.UNREACHABLE:
        return None
    return Finding(
        "aws-unreachable",
        f"AWS's API for {sight.me.region} does not answer: {sight.what}",
        NOT_SEEN,
        _remedy(
            f"aws ec2 describe-instances --region {sight.me.region}",
            f"--instance-ids {sight.me.instance}",
        ),
        ("it takes a way out of the subnet, a proxy (HTTPS_PROXY) or a VPC endpoint for ec2",),
    )


def aws_no_public_address(sight: Sight) -> Finding | None:
    """The instance has no public address, and the name leads to one that nothing here has.

    An Elastic IP, which a stop does not take away, and the DNS record.
    """
    if not isinstance(sight, Elsewhere) or sight.owner or sight.public or not sight.fails:
        return None
    me = sight.me
    associate = f"aws ec2 associate-address --region {me.region} --instance-id {me.instance}"
    return Finding(
        "aws-no-public-address",
        f"{me.instance} has no public address; {sight.host} leads to"
        f" {', '.join(sight.addresses)}, which nothing here in this account has",
        "nobody on the Internet reaches this instance, unless by a load balancer elsewhere",
        Remedy(
            (
                f"aws ec2 allocate-address --region {me.region} --domain vpc",
                f"{associate} --allocation-id ALLOCATION",
            )
        ),
        (
            "a public address that is not an Elastic IP is lost when the instance is stopped",
            f"{sight.host} then has to be pointed to the new address",
        ),
    )


SIGHT_RULES: tuple[SightRule, ...] = (
    aws_no_metadata,
    aws_no_extra,
    aws_no_credentials,
    aws_denied,
    aws_other_account,
    aws_unreachable,
    aws_no_public_address,
)


def _allow(role: str) -> str:
    return (
        f"aws iam put-role-policy --role-name {role or 'ROLE'}"
        f" --policy-name service-watchdog-doctor --policy-document '{POLICY}'"
    )


def _remedy(*parts: str) -> Remedy:
    """Return the one command that *parts* make."""
    return Remedy((" ".join(parts),))
