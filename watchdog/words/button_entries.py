"""What a language says under an alert, and to those who press there."""

from __future__ import annotations

from abc import ABC, abstractmethod


class ButtonEntries(ABC):
    """Buttons under an alert, and what is answered to who presses one."""

    @abstractmethod
    def acknowledge_button(self) -> str:
        """Label the button of who has seen the incident. Labels: thirty characters at most."""

    @abstractmethod
    def restart_button(self) -> str:
        """Label the button that restarts the service now."""

    @abstractmethod
    def silence_button(self, span: str) -> str:
        """Label the button for no alerts during *span*."""

    @abstractmethod
    def pause_button(self, span: str) -> str:
        """Label the button for maintenance during *span*."""

    @abstractmethod
    def cancel_button(self) -> str:
        """Label the way out of a question."""

    @abstractmethod
    def restart_question(self, service: str) -> str:
        """Ask whether *service* is to be restarted, which interrupts it."""

    @abstractmethod
    def pause_question(self, service: str, span: str) -> str:
        """Ask whether *service* is to have neither restarts nor alerts during *span*."""

    @abstractmethod
    def acknowledged(self, who: str) -> str:
        """Say that *who* has acknowledged the incident: no more reminders of it."""

    @abstractmethod
    def silenced(self, who: str, span: str) -> str:
        """Say that *who* has begun a silence of *span*."""

    @abstractmethod
    def paused(self, who: str, span: str) -> str:
        """Say that *who* has begun maintenance of *span*."""

    @abstractmethod
    def restart_begun(self, who: str, service: str) -> str:
        """Say that *service* is being restarted, as *who* wants."""

    @abstractmethod
    def restart_healed(self, service: str, span: str) -> str:
        """Say that *service* is healthy, so long after the press."""

    @abstractmethod
    def restart_in_vain(self, service: str, reason: str) -> str:
        """Say that *service* is not healthy after the restart, and why."""

    @abstractmethod
    def may_not_press(self, who: str) -> str:
        """Say that *who* is not among those who may press, which the configuration lists."""

    @abstractmethod
    def cannot_tell_who(self, reason: str) -> str:
        """Say that it could not be found out who may press, so that nothing was done."""

    @abstractmethod
    def incident_over(self, incident: str) -> str:
        """Say that the incident is over, so that nothing was done."""

    @abstractmethod
    def pressed_twice(self, service: str) -> str:
        """Say that *service* is being restarted or just was, so that nothing was done."""

    @abstractmethod
    def of_another_host(self, host: str, here: str) -> str:
        """Say that the button is of *host*, but the press came *here*: each needs its own app."""

    @abstractmethod
    def not_done(self, reason: str) -> str:
        """Say that nothing was done, and why."""
