"""What a language says of warnings: what is not a failure yet."""

from __future__ import annotations

from abc import ABC, abstractmethod


class WarningEntries(ABC):
    """Why there is a warning."""

    @abstractmethod
    def certificate_ends(self, where: str, left: str) -> str:
        """Say that the certificate of *where*, a URL, is valid for so long."""

    @abstractmethod
    def certificate_ended(self, where: str, ago: str) -> str:
        """Say that the certificate of *where* is not valid any more, since so long."""

    @abstractmethod
    def disk_fills(self, path: str, percent: int, free: str) -> str:
        """Say how full a file system is, and how many bytes are free."""

    @abstractmethod
    def inodes_run_out(self, path: str, percent: int) -> str:
        """Say how many of its inodes a file system has used."""

    @abstractmethod
    def memory_near_limit(self, used: str, limit: str) -> str:
        """Say how much memory a service uses of what its unit allows it."""

    @abstractmethod
    def oom_kills(self, count: int) -> str:
        """Say that the kernel killed so many processes for want of memory since the last start."""

    @abstractmethod
    def slow_start(self, took: str, formerly: str) -> str:
        """Say how long starts take, and how long they used to take."""

    @abstractmethod
    def healed_often(self, count: int, lasted: str) -> str:
        """Say that restarts healed it so often within *lasted*, and that they hide a bug."""

    @abstractmethod
    def memory_over_limit(self, used: str, limit: str) -> str:
        """Say that more memory is used than was configured as the limit."""

    @abstractmethod
    def cpu_over_limit(self, percent: int, limit: int) -> str:
        """Say the same of the CPU, in percent of one."""

    @abstractmethod
    def open_files_over_limit(self, count: int, limit: int) -> str:
        """Say the same of the open files of one process."""

    @abstractmethod
    def unmeasured(self, what: str, reason: str) -> str:
        """Say that *what*, the path of a file system or a resource in words, is not measured."""

    @abstractmethod
    def resource(self, name: str) -> str:
        """Name a resource: memory, CPU, open files; or a path, which stays as it is."""

    @abstractmethod
    def days(self, count: int) -> str:
        """Say how many days, two at least."""
