"""The tables of a service that only commands at a terminal read: deploy, verify, doctor …"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType, field

from watchdog.config.kinds import AbsolutePath, Commands, Timeout, VariableNames
from watchdog.config.table import Table, key


class DeployTable(Table, frozen=True):
    """What a deploy runs besides its own steps; programs with their arguments, without a shell."""

    before: Annotated[Commands, key("Before the restart, such as fetching the new version.")] = (
        field(default_factory=list)
    )
    after: Annotated[Commands, key("Once everything answers.")] = field(default_factory=list)
    rollback: Annotated[
        Commands,
        key("After a failed step; the service is restarted and verified again."),
    ] = field(default_factory=list)
    timeout: Annotated[Timeout, key("For each of the commands.")] = 600.0


class AppTable(Table, frozen=True):
    """The files that the service needs; checked before a deploy and by the doctor."""

    env_file: Annotated[
        AbsolutePath | UnsetType,
        key("File with its environment.", default="EnvironmentFile= of the unit"),
    ] = UNSET
    env_keys: Annotated[VariableNames, key("What must be set in it, and not empty.")] = field(
        default_factory=list
    )
    venv: Annotated[
        AbsolutePath | UnsetType,
        key("Its virtual environment.", default="taken from ExecStart= of the unit"),
    ] = UNSET
    requirements: Annotated[
        AbsolutePath | UnsetType,
        key("A requirements.txt that the virtual environment must satisfy.", default="none"),
    ] = UNSET
