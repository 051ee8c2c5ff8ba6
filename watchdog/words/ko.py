"""Korean: short noun phrases, as alerts are written.

No foreign text is followed by a particle that would have to agree with its last sound.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from watchdog.core.model import AlertKind
from watchdog.words.catalogue import Catalogue, Labels

_CHECKS = {
    "unit": "유닛",
    "process": "프로세스",
    "status": "상태 명령",
    "port": "포트",
    "http": "HTTP",
    "limits": "자원 한도",
}
_CALM = {AlertKind.WARNING: "경고", AlertKind.NOTICE: "주의", AlertKind.TEST: "테스트"}
_RESOURCES = {"memory": "메모리", "open files": "열린 파일 수"}
_WEEKDAYS = "월화수목금토일"


def _date(moment: datetime) -> str:
    weekday = _WEEKDAYS[moment.weekday()]
    return f"{moment.year}년 {moment.month}월 {moment.day}일({weekday})"


def _period(begin: str, end: str) -> str:
    """Say from when to when, with the date once if it is the same."""
    date, is_dated, time = end.partition(") ")
    is_same = is_dated and begin.startswith(date + is_dated)
    return f"{begin} ~ {time if is_same else end}"


class Korean(Catalogue):
    """Alerts in Korean."""

    labels = Labels(
        late="지연",
        fallback="대체 전달",
        service="서비스",
        host="호스트",
        failed="원인",
        reason="내용",
        failures="실패 횟수",
        restarts="재시작",
        action="조치",
        acknowledged="확인자",
        since="발생",
        gave_up="복구 실패",
        down="다운",
        warned="경고 내용",
        lasted="기간",
        time="시각",
        incident="장애 ID",
        evidence="증거",
    )

    # --- the title -------------------------------------------------------------------------------

    def title(self, kind: AlertKind, subject: str, lasted: str) -> str:
        match kind:
            case AlertKind.FIRING | AlertKind.UPDATE:
                return f"{subject} 다운"
            case AlertKind.REMINDER:
                return f"{subject} 다운 지속({lasted}째)"
            case AlertKind.GAVE_UP:
                return f"{subject} 자동 복구 실패"
            case AlertKind.RESOLVED:
                return f"{subject} 복구됨({lasted} 만에)"
            case AlertKind.WARNING_OVER:
                return f"{subject} 경고 해제"
            case AlertKind.WARNING | AlertKind.NOTICE | AlertKind.TEST:
                return f"{subject} {_CALM[kind]}"
        assert_never(kind)

    def title_restarting(self, subject: str) -> str:
        return f"{subject} 재시작 중"

    def title_recovering(self, subject: str) -> str:
        return f"{subject} 복구 확인 중"

    def check(self, name: str) -> str:
        return _CHECKS.get(name, name)

    def failed_check(self, check: str) -> str:
        # A command fails itself; of the others a check does.
        return f"{check} 실패" if check == _CHECKS["status"] else f"{check} 검사 실패"

    # --- why -------------------------------------------------------------------------------------

    def restart_failed(self, reason: str) -> str:
        return f"재시작 실패: {reason}"

    def crash_loop(self, count: int, lasted: str, reason: str) -> str:
        return f"{lasted} 사이 {count}회 비정상 종료: {reason}"

    def flapping(self, count: int, lasted: str, reason: str) -> str:
        return f"불안정, {lasted} 사이 {count}회 장애 반복: {reason}"

    def test(self, who: str) -> str:
        return f"{who} 요청, 이상 없음"

    def database_gone(self, path: str) -> str:
        return f"데이터베이스 본체가 없어지고 부속 파일만 남음: {path}"

    def database_moved(self, path: str) -> str:
        return f"사용 중인 데이터베이스 파일이 삭제되거나 바뀜: {path}"

    def database_replaced(self, path: str, reason: str) -> str:
        return f"데이터베이스를 사용할 수 없음: {path}: {reason}"

    def state_unreadable(self, service: str, reason: str) -> str:
        return f"{service} 상태 기록을 읽을 수 없음: {reason}"

    def alert_unreadable(self, destination: str, reason: str) -> str:
        return f"{destination} 앞으로 보낼 알림을 읽을 수 없음: {reason}"

    def blind(self, services: str, lasted: str, reason: str) -> str:
        return f"{lasted} 동안 상태를 확인할 수 없음({services}): {reason}"

    def sees_again(self) -> str:
        return "모든 서비스의 상태를 다시 확인할 수 있음"

    def network_down(self, lasted: str, reason: str) -> str:
        return f"이 호스트의 네트워크가 {lasted}째 끊김: {reason}"

    def network_back(self, begin: str, end: str, lasted: str, reason: str) -> str:
        return f"이 호스트의 네트워크가 끊겼다가 복구됨({_period(begin, end)}, {lasted}): {reason}"

    def canary(self) -> str:
        return "정기 테스트, 이 채널로 알림이 정상 전달됨"

    def undelivered(self, destination: str, since: str, reason: str) -> str:
        return f"{since}부터 알림이 전달되지 않는 채널: {destination}: {reason}"

    # --- why it comes by way of the fallback -----------------------------------------------------

    def diverted(self, destination: str, lasted: str, reason: str) -> str:
        return f"{destination} 채널로 {lasted}째 전달되지 않음: {reason}"

    def refused(self, destination: str, reason: str) -> str:
        return f"{destination} 채널에서 거부됨: {reason}"

    # --- why there is a warning ------------------------------------------------------------------

    def certificate_ends(self, where: str, left: str) -> str:
        return f"{where} 인증서 만료까지 {left} 남음"

    def certificate_ended(self, where: str, ago: str) -> str:
        return f"{where} 인증서가 {ago} 전에 만료됨"

    def disk_fills(self, path: str, percent: int, free: str) -> str:
        return f"파일 시스템 {path} 사용률 {percent}%, 남은 공간 {free}"

    def inodes_run_out(self, path: str, percent: int) -> str:
        return f"파일 시스템 {path} inode 사용률 {percent}%"

    def memory_near_limit(self, used: str, limit: str) -> str:
        return f"유닛의 메모리 한도 {limit} 중 {used} 사용"

    def oom_kills(self, count: int) -> str:
        return f"마지막 시작 이후 메모리 부족으로 커널이 프로세스 {count}개를 강제 종료함"

    def slow_start(self, took: str, formerly: str) -> str:
        return f"시작이 느려짐: 현재 {took}, 이전 {formerly}"

    def healed_often(self, count: int, lasted: str) -> str:
        return f"{lasted} 사이 재시작으로 {count}회 복구됨: 재시작에 가려진 결함이 있음"

    def memory_over_limit(self, used: str, limit: str) -> str:
        return f"메모리 {used} 사용, 설정된 한도 {limit} 초과"

    def cpu_over_limit(self, percent: int, limit: int) -> str:
        return f"CPU {percent}% 사용, 설정된 한도 {limit}% 초과"

    def open_files_over_limit(self, count: int, limit: int) -> str:
        return f"한 프로세스가 파일 {count}개를 열어 둠, 설정된 한도 {limit}개 초과"

    def unmeasured(self, what: str, reason: str) -> str:
        return f"측정할 수 없음({what}): {reason}"

    def resource(self, name: str) -> str:
        return _RESOURCES.get(name, name)

    def days(self, count: int) -> str:
        return f"{count}일"

    # --- what was done, and what happens next ----------------------------------------------------

    def restarting(self, number: int, limit: int) -> str:
        return f"재시작 중({limit}회 중 {number}회째)"

    def restarting_once_more(self) -> str:
        return "재시작 한도를 다 썼으나 한 번 더 재시작 중"

    def restart_asked(self, who: str) -> str:
        return f"재시작 중({who} 요청)"

    def recovering(self) -> str:
        return "재시작함, 정상 동작 확인 중"

    def settling(self, lasted: str) -> str:
        return f"다시 정상이나 재발한 적이 있어 {lasted} 동안 유지되면 복구로 판단"

    def held(self, why: str) -> str:
        return f"지금은 판단 보류: {why}"

    def acknowledged_by(self, who: str) -> str:
        return f"{who} 확인, 더 이상 다시 알리지 않음"

    def restart_due(self, when: str) -> str:
        return f"다음 재시작: {when.removesuffix('에')}"

    def restart_after(self, failures: int) -> str:
        return f"{failures}회 실패하면 재시작 예정"

    def no_restart_helps(self) -> str:
        return "재시작으로 해결되지 않는 문제라 재시작하지 않음, 담당자 확인 필요"

    def restarts_off(self, check: str) -> str:
        return f"{self.failed_check(check)} 시 재시작하지 않도록 설정됨, 담당자 확인 필요"

    def no_restart_possible(self, when: str) -> str:
        return f"재시작할 수 없음, 담당자 확인 필요, {when} 한 번 더 시도"

    def gave_up(self, count: int, when: str) -> str:
        return f"{count}회 재시작했으나 복구되지 않아 포기, {when} 한 번 더 시도"

    def left_to_keeper(self) -> str:
        return "systemd의 Restart= 설정으로 매번 다시 시작되므로 그대로 둠"

    def healed(self) -> str:
        return "재시작으로 복구됨"

    def no_longer_watched(self) -> str:
        return "설정에서 제거되어 더 이상 감시하지 않음"

    def deployed(self, who: str) -> str:
        return f"배포 후 정상({who})"

    def no_longer_measured(self) -> str:
        return "더 이상 측정하지 않아 해결 여부는 알 수 없음"

    def came_back(self) -> str:
        return "별도 조치 없이 복구됨"

    def stayed_healthy(self, lasted: str) -> str:
        return f"{lasted} 동안 정상 유지됨"

    def restarted(self) -> str:
        return "재시작 후 정상"

    def begun_anew(self, aside: str) -> str:
        return f"남은 파일을 따로 보관하고 새로 시작함: {aside}"

    def written_anew(self) -> str:
        return "기존 내용을 모두 다시 기록함. 파일을 다루기 전에 데몬부터 중지할 것"

    def written_anew_beside(self, aside: str) -> str:
        return f"{self.written_anew()}. 그 자리에 있던 파일: {aside}"

    def taken_over(self, aside: str, alerts: int, states: int) -> str:
        taken = f"보내지 못한 알림 {alerts}건, 서비스 상태 {states}건"
        return f"{taken}을 옮겨 새로 시작함. 기존 파일: {aside}"

    def judged_anew(self) -> str:
        return "처음 보는 서비스처럼 다시 판단함"

    def not_sent(self) -> str:
        return "보내지 않고 따로 보관함"

    def nothing_seen(self) -> str:
        return "그동안 생기는 장애는 감지하지도 알리지도 못함"

    def not_judged(self, services: str) -> str:
        return f"복구될 때까지 상태를 판단하지 않고 재시작하지도 않음: {services}"

    def was_not_judged(self, services: str) -> str:
        return f"그동안 판단하지 않았던 서비스를 다시 확인 중: {services}"

    def kept_waiting(self) -> str:
        return "그 채널의 알림은 보관했다가 다시 받을 수 있게 되면 전송함"

    # --- many at once ----------------------------------------------------------------------------

    def title_of_many(self, kind: AlertKind, host: str) -> str:
        # "web-1 다운" would say that the host itself is down.
        match kind:
            case AlertKind.FIRING:
                return f"{host} 다중 장애"
            case AlertKind.REMINDER | AlertKind.UPDATE:
                return f"{host} 다중 장애 지속"
            case AlertKind.GAVE_UP:
                return f"{host} 다중 장애, 자동 복구 실패"
            case AlertKind.RESOLVED:
                return f"{host} 다중 장애 복구됨"
            case AlertKind.WARNING_OVER | AlertKind.WARNING | AlertKind.NOTICE | AlertKind.TEST:
                return f"{host} {self.state(kind)}"
        assert_never(kind)

    def state(self, kind: AlertKind) -> str:
        match kind:
            case AlertKind.FIRING:
                return "다운"
            case AlertKind.REMINDER | AlertKind.UPDATE:
                return "다운 지속"
            case AlertKind.GAVE_UP:
                return "자동 복구 실패"
            case AlertKind.RESOLVED:
                return "복구됨"
            case AlertKind.WARNING_OVER:
                return "경고 해제"
            case AlertKind.WARNING | AlertKind.NOTICE | AlertKind.TEST:
                return _CALM[kind]
        assert_never(kind)

    def services(self, count: int) -> str:
        return f"서비스 {count}개"

    def in_state(self, count: int, state: str) -> str:
        return f"{state} {count}개"

    def listed(self, names: str, more: int) -> str:
        return f"{names} 외 {more}개"

    def also(self, state: str) -> str:
        return f"그 외 {state}"

    def was_down(self, begin: str, end: str) -> str:
        return f"다운 {_period(begin, end)}"

    def oldest_late(self, lasted: str) -> str:
        return f"가장 오래된 것이 {lasted} 늦게 전달됨"

    # --- how often -------------------------------------------------------------------------------

    def failures(self, count: int, limit: int) -> str:
        return f"연속 {count}회(알림 기준 {limit}회)" if limit else f"연속 {count}회"

    def restarts(self, count: int) -> str:
        return f"장애 시작 후 {count}회"

    # --- when ------------------------------------------------------------------------------------

    def span(self, hours: int, minutes: int, seconds: int) -> str:
        parts = ((hours, "시간"), (minutes, "분"), (seconds, "초"))
        return " ".join(f"{number}{unit}" for number, unit in parts if number) or "0초"

    def unknown_span(self) -> str:
        return "알 수 없는 시간"

    def stamp(self, moment: datetime) -> str:
        return f"{_date(moment)} {moment:%H:%M:%S %Z}"

    def short_stamp(self, moment: datetime, *, dated: bool) -> str:
        time = f"{moment:%H:%M %Z}"
        return f"{_date(moment)} {time}" if dated else time

    def exact_stamp(self, moment: datetime, *, dated: bool) -> str:
        return self.stamp(moment) if dated else f"{moment:%H:%M:%S %Z}"

    def unknown_moment(self, wall: float) -> str:
        return f"알 수 없는 시각({wall:g})"

    def after(self, span: str) -> str:
        return f"{span} 뒤"

    def after_at(self, span: str, stamp: str) -> str:
        return f"{span} 뒤({stamp})"

    def at(self, stamp: str) -> str:
        return f"{stamp}에"

    def down(self, begin: str, end: str, lasted: str) -> str:
        return f"{_period(begin, end)}, {lasted}"

    # --- late, and around it ---------------------------------------------------------------------

    def late(self, lasted: str, since: str) -> str:
        return f"{lasted} 늦게 전달됨, {since}"

    def down_since(self, stamp: str) -> str:
        return f"{stamp}부터 다운"

    def healthy_since(self, stamp: str) -> str:
        return f"{stamp}부터 정상"

    def dated(self, stamp: str) -> str:
        return f"{stamp} 발생"

    def incident(self, name: str) -> str:
        return f"(장애 ID {name})"

    def signature(self, host: str) -> str:
        return f"{host}의 service-watchdog"

    # --- buttons ---------------------------------------------------------------------------------

    def acknowledge_button(self) -> str:
        return "확인"

    def restart_button(self) -> str:
        return "지금 재시작"

    def silence_button(self, span: str) -> str:
        return f"{span} 알림 끄기"

    def pause_button(self, span: str) -> str:
        return f"{span} 일시 중지"

    def cancel_button(self) -> str:
        return "취소"

    def restart_question(self, service: str) -> str:
        return f"지금 재시작할까요? 진행 중인 작업이 중단됩니다: {service}"

    def pause_question(self, service: str, span: str) -> str:
        return f"일시 중지할까요? {span} 동안 재시작하지 않고 알림도 보내지 않습니다: {service}"

    def acknowledged(self, who: str) -> str:
        return f"{who} 님이 장애를 확인했습니다. 더는 다시 알리지 않습니다."

    def silenced(self, who: str, span: str) -> str:
        return f"{who} 님이 {span} 동안 알림을 껐습니다. 재시작은 계속됩니다."

    def paused(self, who: str, span: str) -> str:
        return f"{who} 님이 일시 중지했습니다. {span} 동안 재시작도 알림도 없습니다."

    def restart_begun(self, who: str, service: str) -> str:
        return f"{who} 님이 재시작합니다: {service} …"

    def restart_healed(self, service: str, span: str) -> str:
        return f"{service} 정상으로 돌아옴({span} 걸림)"

    def restart_in_vain(self, service: str, reason: str) -> str:
        return f"{service} 재시작 후에도 정상이 아님: {reason}"

    def may_not_press(self, who: str) -> str:
        return f"실행하지 않았습니다. 이 채널 설정의 `users` 목록에 없는 사용자입니다: {who}"

    def cannot_tell_who(self, reason: str) -> str:
        return f"실행하지 않았습니다. 권한이 있는지 확인하지 못했습니다: {reason}"

    def incident_over(self, incident: str) -> str:
        return f"실행하지 않았습니다. 이미 끝난 장애입니다(장애 ID {incident})."

    def pressed_twice(self, service: str) -> str:
        return f"실행하지 않았습니다. 재시작 중이거나 방금 재시작했습니다: {service}"

    def of_another_host(self, host: str, here: str) -> str:
        return (
            f"실행하지 않았습니다. {host} 호스트의 버튼인데 Slack이 {here} 호스트로 보냈습니다."
            " 호스트마다 Slack 앱이 따로 있어야 합니다."
        )

    def not_done(self, reason: str) -> str:
        return f"실행하지 않았습니다: {reason}"


WORDS: Catalogue = Korean()
