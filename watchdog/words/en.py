"""English."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from watchdog.core.model import AlertKind
from watchdog.words.catalogue import Catalogue, Labels


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class English(Catalogue):
    """Alerts in English."""

    labels = Labels(
        late="Late",
        fallback="Fallback",
        service="Service",
        host="Host",
        failed="Failed",
        reason="Reason",
        failures="Failures",
        restarts="Restarts",
        action="Action",
        acknowledged="Acknowledged",
        since="Since",
        gave_up="Gave up",
        down="Down",
        warned="Warned of",
        lasted="Lasted",
        time="Time",
        incident="Incident",
        evidence="Evidence",
    )

    # --- the title -------------------------------------------------------------------------------

    def title(self, kind: AlertKind, subject: str, lasted: str) -> str:
        match kind:
            case AlertKind.FIRING | AlertKind.UPDATE:
                return f"FIRING {subject}"
            case AlertKind.REMINDER:
                return f"FIRING {subject} for {lasted}"
            case AlertKind.GAVE_UP:
                return f"GAVE UP {subject}"
            case AlertKind.RESOLVED:
                return f"RESOLVED {subject} after {lasted}"
            case AlertKind.WARNING_OVER:
                return f"WARNING OVER {subject}"
            case AlertKind.WARNING | AlertKind.NOTICE | AlertKind.TEST:
                return f"{kind.value.upper()} {subject}"
        assert_never(kind)

    def title_restarting(self, subject: str) -> str:
        return f"RESTARTING {subject}"

    def title_recovering(self, subject: str) -> str:
        return f"RECOVERING {subject}"

    def check(self, name: str) -> str:
        return name

    def failed_check(self, check: str) -> str:
        return f"{check} check"

    # --- why -------------------------------------------------------------------------------------

    def restart_failed(self, reason: str) -> str:
        return f"restart failed: {reason}"

    def crash_loop(self, count: int, lasted: str, reason: str) -> str:
        return f"crashed {_counted(count, 'time')} in {lasted}: {reason}"

    def flapping(self, count: int, lasted: str, reason: str) -> str:
        return f"flapping, failed {_counted(count, 'time')} in {lasted}: {reason}"

    def test(self, who: str) -> str:
        return f"test asked for by {who}; all is well"

    def database_gone(self, path: str) -> str:
        return f"cannot use what is left of {path}: the database itself is gone"

    def database_moved(self, path: str) -> str:
        return f"{path} was deleted or replaced while in use"

    def database_replaced(self, path: str, reason: str) -> str:
        return f"cannot use {path}: {reason}"

    def state_unreadable(self, service: str, reason: str) -> str:
        return f"cannot read what was known of {service}: {reason}"

    def alert_unreadable(self, destination: str, reason: str) -> str:
        return f"cannot read an alert to {destination}: {reason}"

    def blind(self, services: str, lasted: str, reason: str) -> str:
        return f"cannot judge {services} for {lasted}: {reason}"

    def sees_again(self) -> str:
        return "every service can be judged again"

    def network_down(self, lasted: str, reason: str) -> str:
        return f"this host's own network has been down for {lasted}: {reason}"

    def network_back(self, begin: str, end: str, lasted: str, reason: str) -> str:
        return f"this host's own network was down {begin} to {end}, {lasted}: {reason}"

    def canary(self) -> str:
        return "daily test; alerts reach this channel"

    def undelivered(self, destination: str, since: str, reason: str) -> str:
        return f"{destination} has taken no alerts since {since}: {reason}"

    # --- why it comes by way of the fallback -----------------------------------------------------

    def diverted(self, destination: str, lasted: str, reason: str) -> str:
        return f"{destination} has not taken this for {lasted}: {reason}"

    def refused(self, destination: str, reason: str) -> str:
        return f"{destination} refuses this: {reason}"

    # --- why there is a warning ------------------------------------------------------------------

    def certificate_ends(self, where: str, left: str) -> str:
        return f"certificate of {where} ends in {left}"

    def certificate_ended(self, where: str, ago: str) -> str:
        return f"certificate of {where} ended {ago} ago"

    def disk_fills(self, path: str, percent: int, free: str) -> str:
        return f"file system {path} is {percent} % full, {free} free"

    def inodes_run_out(self, path: str, percent: int) -> str:
        return f"file system {path} has used {percent} % of its inodes"

    def memory_near_limit(self, used: str, limit: str) -> str:
        return f"memory is at {used} of its unit's limit of {limit}"

    def oom_kills(self, count: int) -> str:
        whom = "a process" if count == 1 else f"{count} processes"
        return f"the kernel killed {whom} of this run for want of memory"

    def slow_start(self, took: str, formerly: str) -> str:
        return f"starts take {took}, formerly {formerly}"

    def healed_often(self, count: int, lasted: str) -> str:
        return f"healed {_counted(count, 'time')} in {lasted}: the restarts hide a bug"

    def memory_over_limit(self, used: str, limit: str) -> str:
        return f"memory is at {used}, above its limit of {limit}"

    def cpu_over_limit(self, percent: int, limit: int) -> str:
        return f"CPU is at {percent} %, above its limit of {limit} %"

    def open_files_over_limit(self, count: int, limit: int) -> str:
        return f"a process has {_counted(count, 'open file')}, above its limit of {limit}"

    def unmeasured(self, what: str, reason: str) -> str:
        return f"cannot measure {what}: {reason}"

    def resource(self, name: str) -> str:
        return name

    def days(self, count: int) -> str:
        return f"{count} days"

    # --- what was done, and what happens next ----------------------------------------------------

    def restarting(self, number: int, limit: int) -> str:
        return f"restarting now, attempt {number} of {limit}"

    def restarting_once_more(self) -> str:
        return "restarting once more, though the budget is spent"

    def restart_asked(self, who: str) -> str:
        return f"restarting now, asked for by {who}"

    def recovering(self) -> str:
        return "restarted, now it must prove to be healthy"

    def settling(self, lasted: str) -> str:
        return f"healthy again, not for the first time; resolved once that has lasted {lasted}"

    def held(self, why: str) -> str:
        return f"not judged for now: {why}"

    def acknowledged_by(self, who: str) -> str:
        return f"acknowledged by {who}; no more reminders"

    def restart_due(self, when: str) -> str:
        return f"the next restart follows {when}"

    def restart_after(self, failures: int) -> str:
        return f"a restart follows after {_counted(failures, 'failure')}"

    def no_restart_helps(self) -> str:
        return "a restart cannot help, so none is tried; a person is needed"

    def restarts_off(self, check: str) -> str:
        return f"restarts for check {check} are switched off; a person is needed"

    def no_restart_possible(self, when: str) -> str:
        return f"no restart is possible; a person is needed; tries once more {when}"

    def gave_up(self, count: int, when: str) -> str:
        return f"gave up after {_counted(count, 'restart')}; tries once more {when}"

    def left_to_keeper(self) -> str:
        return "its own Restart= brings it back each time; it is left to do so"

    def healed(self) -> str:
        return "healed by a restart"

    def no_longer_watched(self) -> str:
        return "no longer watched: it was taken out of the configuration"

    def deployed(self, who: str) -> str:
        return f"healthy after a deploy by {who}"

    def no_longer_measured(self) -> str:
        return "no longer measured: nobody knows whether it is mended"

    def came_back(self) -> str:
        return "came back without our doing"

    def stayed_healthy(self, lasted: str) -> str:
        return f"has stayed healthy for {lasted}"

    def restarted(self) -> str:
        return "restarted, healthy again"

    def begun_anew(self, aside: str) -> str:
        return f"set aside as {aside}, begun anew"

    def written_anew(self) -> str:
        return "written anew with all that it held; stop the daemon before touching its files"

    def written_anew_beside(self, aside: str) -> str:
        return f"{self.written_anew()}; what stood there is now {aside}"

    def taken_over(self, aside: str, alerts: int, states: int) -> str:
        taken = f"{_counted(alerts, 'undelivered alert')} and {_counted(states, 'state')}"
        return f"set aside as {aside}, begun anew with {taken} taken over from it"

    def judged_anew(self) -> str:
        return "it is judged as if it had never been seen"

    def not_sent(self) -> str:
        return "set aside; it will not be sent"

    def nothing_seen(self) -> str:
        return "until that is over, failures are neither seen nor reported"

    def not_judged(self, services: str) -> str:
        return f"until it is back, not judged and not restarted: {services}"

    def was_not_judged(self, services: str) -> str:
        return f"not judged meanwhile, and judged again: {services}"

    def kept_waiting(self) -> str:
        return "its alerts are kept and sent as soon as it takes them"

    # --- many at once ----------------------------------------------------------------------------

    def title_of_many(self, kind: AlertKind, host: str) -> str:
        return f"{self.state(kind).upper()} {host}"

    def state(self, kind: AlertKind) -> str:
        match kind:
            case (
                AlertKind.FIRING
                | AlertKind.RESOLVED
                | AlertKind.WARNING
                | AlertKind.NOTICE
                | AlertKind.TEST
            ):
                return kind.value
            case AlertKind.WARNING_OVER:
                return "warning over"
            case AlertKind.GAVE_UP:
                return "gave up"
            case AlertKind.REMINDER | AlertKind.UPDATE:
                return "still firing"
        assert_never(kind)

    def services(self, count: int) -> str:
        return _counted(count, "service")

    def in_state(self, count: int, state: str) -> str:
        return f"{count} {state}"

    def listed(self, names: str, more: int) -> str:
        return f"{names} and {more} more"

    def also(self, state: str) -> str:
        return f"also {state}"

    def was_down(self, begin: str, end: str) -> str:
        return f"down {begin} to {end}"

    def oldest_late(self, lasted: str) -> str:
        return f"the first of them {lasted}"

    # --- how often -------------------------------------------------------------------------------

    def failures(self, count: int, limit: int) -> str:
        if not limit:
            return f"{count}"
        return f"{count} of {limit}" if count <= limit else f"{count}, the limit is {limit}"

    def restarts(self, count: int) -> str:
        return f"{count} since the trouble began"

    # --- when ------------------------------------------------------------------------------------

    def span(self, hours: int, minutes: int, seconds: int) -> str:
        parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
        return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"

    def unknown_span(self) -> str:
        return "an unknown time"

    def stamp(self, moment: datetime) -> str:
        # By ISO 8601: a British and an American reader understand the same day.
        return f"{moment:%Y-%m-%d %H:%M:%S %Z}"

    def short_stamp(self, moment: datetime, *, dated: bool) -> str:
        return f"{moment:%Y-%m-%d %H:%M %Z}" if dated else f"{moment:%H:%M %Z}"

    def exact_stamp(self, moment: datetime, *, dated: bool) -> str:
        return self.stamp(moment) if dated else f"{moment:%H:%M:%S %Z}"

    def unknown_moment(self, wall: float) -> str:
        return f"unknown time ({wall:g})"

    def after(self, span: str) -> str:
        return f"in {span}"

    def after_at(self, span: str, stamp: str) -> str:
        return f"in {span}, at {stamp}"

    def at(self, stamp: str) -> str:
        return f"at {stamp}"

    def down(self, begin: str, end: str, lasted: str) -> str:
        return f"{begin} to {end}, {lasted}"

    # --- late, and around it ---------------------------------------------------------------------

    def late(self, lasted: str, since: str) -> str:
        return f"delivered {lasted} late, {since}"

    def down_since(self, stamp: str) -> str:
        return f"down since {stamp}"

    def healthy_since(self, stamp: str) -> str:
        return f"healthy since {stamp}"

    def dated(self, stamp: str) -> str:
        return f"from {stamp}"

    def incident(self, name: str) -> str:
        return f"(incident {name})"

    def signature(self, host: str) -> str:
        return f"service-watchdog on {host}"

    # --- buttons ---------------------------------------------------------------------------------

    def acknowledge_button(self) -> str:
        return "Acknowledge"

    def restart_button(self) -> str:
        return "Restart now"

    def silence_button(self, span: str) -> str:
        return f"Silence {span}"

    def pause_button(self, span: str) -> str:
        return f"Pause {span}"

    def cancel_button(self) -> str:
        return "Cancel"

    def restart_question(self, service: str) -> str:
        return f"Restart {service} now? What it is doing is interrupted."

    def pause_question(self, service: str, span: str) -> str:
        return f"Pause {service}? For {span} nothing is restarted, and nobody is alerted."

    def acknowledged(self, who: str) -> str:
        return f"{who} has acknowledged the incident; there are no more reminders of it."

    def silenced(self, who: str, span: str) -> str:
        return f"{who} has silenced alerts for {span}; restarts go on."

    def paused(self, who: str, span: str) -> str:
        return f"{who} has begun maintenance: no restarts and no alerts for {span}."

    def restart_begun(self, who: str, service: str) -> str:
        return f"{who} restarts {service} …"

    def restart_healed(self, service: str, span: str) -> str:
        return f"{service} is healthy again, after {span}."

    def restart_in_vain(self, service: str, reason: str) -> str:
        return f"{service} is not healthy after the restart: {reason}"

    def may_not_press(self, who: str) -> str:
        return f"Nothing was done: {who} is not among the `users` of this channel's configuration."

    def cannot_tell_who(self, reason: str) -> str:
        return f"Nothing was done: it could not be found out whether you may: {reason}"

    def incident_over(self, incident: str) -> str:
        return f"Nothing was done: incident {incident} is over."

    def pressed_twice(self, service: str) -> str:
        return f"Nothing was done: {service} is being restarted, or was a moment ago."

    def of_another_host(self, host: str, here: str) -> str:
        return (
            f"Nothing was done: the button is of {host}, and Slack has sent the press to {here}."
            " Each host needs a Slack app of its own."
        )

    def not_done(self, reason: str) -> str:
        return f"Nothing was done: {reason}"


WORDS: Catalogue = English()
