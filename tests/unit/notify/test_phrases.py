"""What was done and why, in both languages: a sentence for each thing that can be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from tests.unit.notify.alerts import ALERTS, ENGLISH, KOREAN, KST, OPENED
from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.notify.phrases import Phrases

C, M = CircumstanceKind, MeasureKind
PATH = "/var/lib/service-watchdog/state.db"

MEASURES = {
    Measure(M.RESTARTING, count=2, limit=5): (
        "restarting now, attempt 2 of 5",
        "재시작 중(5회 중 2회째)",
    ),
    Measure(M.RESTARTING_ONCE_MORE): (
        "restarting once more, though the budget is spent",
        "재시작 한도를 다 썼으나 한 번 더 재시작 중",
    ),
    Measure(M.RESTART_ASKED, words="kim"): (
        "restarting now, asked for by kim",
        "재시작 중(kim 요청)",
    ),
    Measure(M.RECOVERING): (
        "restarted, now it must prove to be healthy",
        "재시작함, 정상 동작 확인 중",
    ),
    Measure(M.RECOVERING_ONCE_MORE): (
        "restarted, now it must prove to be healthy",
        "재시작함, 정상 동작 확인 중",
    ),
    Measure(M.SETTLING, lasted=300): (
        "healthy again, not for the first time; resolved once that has lasted 5 min",
        "다시 정상이나 재발한 적이 있어 5분 동안 유지되면 복구로 판단",
    ),
    Measure(M.HELD, words="it is starting"): (
        "not judged for now: it is starting",
        "지금은 판단 보류: it is starting",
    ),
    Measure(M.RESTART_DUE, next_try=OPENED + 10): (
        "the next restart follows in 10 s",
        "다음 재시작: 10초 뒤",
    ),
    Measure(M.RESTART_DUE, next_try=OPENED + 300): (
        "the next restart follows in 5 min, at 02:18 UTC",
        "다음 재시작: 5분 뒤(11:18 KST)",
    ),
    Measure(M.RESTART_DUE, next_try=OPENED - 5): (
        "the next restart follows in 0 s",
        "다음 재시작: 0초 뒤",
    ),
    Measure(M.RESTART_AFTER, limit=5): (
        "a restart follows after 5 failures",
        "5회 실패하면 재시작 예정",
    ),
    Measure(M.NO_RESTART_HELPS): (
        "a restart cannot help, so none is tried; a person is needed",
        "재시작으로 해결되지 않는 문제라 재시작하지 않음, 담당자 확인 필요",
    ),
    Measure(M.RESTARTS_OFF): (
        "restarts for check http are switched off; a person is needed",
        "HTTP 검사 실패 시 재시작하지 않도록 설정됨, 담당자 확인 필요",
    ),
    Measure(M.NO_RESTART_POSSIBLE, count=1, next_try=OPENED + 900): (
        "no restart is possible; a person is needed; tries once more in 15 min, at 02:28 UTC",
        "재시작할 수 없음, 담당자 확인 필요, 15분 뒤(11:28 KST) 한 번 더 시도",
    ),
    Measure(M.GAVE_UP, count=5, next_try=OPENED + 86400): (
        "gave up after 5 restarts; tries once more in 24 h, at 2025-11-23 02:13 UTC",
        (
            "5회 재시작했으나 복구되지 않아 포기, "
            "24시간 뒤(2025년 11월 23일(일) 11:13 KST) 한 번 더 시도"
        ),
    ),
    Measure(M.GAVE_UP, count=1, next_try=OPENED + 60): (
        "gave up after 1 restart; tries once more in 60 s",
        "1회 재시작했으나 복구되지 않아 포기, 60초 뒤 한 번 더 시도",
    ),
    Measure(M.LEFT_TO_KEEPER): (
        "its own Restart= brings it back each time; it is left to do so",
        "systemd의 Restart= 설정으로 매번 다시 시작되므로 그대로 둠",
    ),
    Measure(M.HEALED): ("healed by a restart", "재시작으로 복구됨"),
    Measure(M.DEPLOYED, words="lee"): ("healthy after a deploy by lee", "배포 후 정상(lee)"),
    Measure(M.CAME_BACK): ("came back without our doing", "별도 조치 없이 복구됨"),
    Measure(M.NO_LONGER_MEASURED): (
        "no longer measured: nobody knows whether it is mended",
        "더 이상 측정하지 않아 해결 여부는 알 수 없음",
    ),
    Measure(M.NO_LONGER_WATCHED): (
        "no longer watched: it was taken out of the configuration",
        "설정에서 제거되어 더 이상 감시하지 않음",
    ),
    Measure(M.STAYED_HEALTHY, lasted=300): (
        "has stayed healthy for 5 min",
        "5분 동안 정상 유지됨",
    ),
    Measure(M.RESTARTED): ("restarted, healthy again", "재시작 후 정상"),
    Measure(M.WORDED, words="as it was said"): ("as it was said", "as it was said"),
}

CIRCUMSTANCES = {
    Circumstance(C.RESTART_FAILED, "Access denied"): (
        ("restart failed: Access denied", ""),
        ("재시작 실패: Access denied", ""),
    ),
    Circumstance(C.CRASH_LOOP, "exit 1", count=3, lasted=200): (
        ("crashed 3 times in 3 min: exit 1", ""),
        ("3분 사이 3회 비정상 종료: exit 1", ""),
    ),
    Circumstance(C.FLAPPING, "no answer", count=5, lasted=1260): (
        ("flapping, failed 5 times in 21 min: no answer", ""),
        ("불안정, 21분 사이 5회 장애 반복: no answer", ""),
    ),
    Circumstance(C.TEST, subject="root"): (
        ("test asked for by root; all is well", ""),
        ("root 요청, 이상 없음", ""),
    ),
    Circumstance(C.DATABASE_GONE, subject=PATH, aside="state.db.corrupt*"): (
        (
            f"cannot use what is left of {PATH}: the database itself is gone",
            "set aside as state.db.corrupt*, begun anew",
        ),
        (
            f"데이터베이스 본체가 없어지고 부속 파일만 남음: {PATH}",
            "남은 파일을 따로 보관하고 새로 시작함: state.db.corrupt*",
        ),
    ),
    Circumstance(C.DATABASE_MOVED, subject=PATH): (
        (
            f"{PATH} was deleted or replaced while in use",
            "written anew with all that it held; stop the daemon before touching its files",
        ),
        (
            f"사용 중인 데이터베이스 파일이 삭제되거나 바뀜: {PATH}",
            "기존 내용을 모두 다시 기록함. 파일을 다루기 전에 데몬부터 중지할 것",
        ),
    ),
    Circumstance(C.DATABASE_MOVED, subject=PATH, aside="state.db.replaced"): (
        (
            f"{PATH} was deleted or replaced while in use",
            (
                "written anew with all that it held; stop the daemon before touching its files;"
                " what stood there is now state.db.replaced"
            ),
        ),
        (
            f"사용 중인 데이터베이스 파일이 삭제되거나 바뀜: {PATH}",
            (
                "기존 내용을 모두 다시 기록함. 파일을 다루기 전에 데몬부터 중지할 것."
                " 그 자리에 있던 파일: state.db.replaced"
            ),
        ),
    ),
    Circumstance(C.DATABASE_REPLACED, "it is empty", PATH, 2, 1, aside="state.db.corrupt"): (
        (
            f"cannot use {PATH}: it is empty",
            (
                "set aside as state.db.corrupt, begun anew with 2 undelivered alerts and 1 state"
                " taken over from it"
            ),
        ),
        (
            f"데이터베이스를 사용할 수 없음: {PATH}: it is empty",
            "보내지 못한 알림 2건, 서비스 상태 1건을 옮겨 새로 시작함. 기존 파일: state.db.corrupt",
        ),
    ),
    Circumstance(C.STATE_UNREADABLE, "JSON is malformed", "api"): (
        (
            "cannot read what was known of api: JSON is malformed",
            "it is judged as if it had never been seen",
        ),
        ("api 상태 기록을 읽을 수 없음: JSON is malformed", "처음 보는 서비스처럼 다시 판단함"),
    ),
    Circumstance(C.ALERT_UNREADABLE, "JSON is malformed", "slack"): (
        ("cannot read an alert to slack: JSON is malformed", "set aside; it will not be sent"),
        ("slack 앞으로 보낼 알림을 읽을 수 없음: JSON is malformed", "보내지 않고 따로 보관함"),
    ),
    Circumstance(C.BLIND, "the bus is gone", "api, web, db", count=7, lasted=300): (
        (
            "cannot judge api, web, db and 7 more for 5 min: the bus is gone",
            "until that is over, failures are neither seen nor reported",
        ),
        (
            "5분 동안 상태를 확인할 수 없음(api, web, db 외 7개): the bus is gone",
            "그동안 생기는 장애는 감지하지도 알리지도 못함",
        ),
    ),
    Circumstance(C.BLIND, "the bus is gone", "api", lasted=300): (
        (
            "cannot judge api for 5 min: the bus is gone",
            "until that is over, failures are neither seen nor reported",
        ),
        (
            "5분 동안 상태를 확인할 수 없음(api): the bus is gone",
            "그동안 생기는 장애는 감지하지도 알리지도 못함",
        ),
    ),
    Circumstance(C.CANARY): (
        ("daily test; alerts reach this channel", ""),
        ("정기 테스트, 이 채널로 알림이 정상 전달됨", ""),
    ),
    Circumstance(C.UNDELIVERED, "invalid_auth", "slack", lasted=780): (
        (
            "slack has taken no alerts since 02:00 UTC: invalid_auth",
            "its alerts are kept and sent as soon as it takes them",
        ),
        (
            "11:00 KST부터 알림이 전달되지 않는 채널: slack: invalid_auth",
            "그 채널의 알림은 보관했다가 다시 받을 수 있게 되면 전송함",
        ),
    ),
    Circumstance(C.CERTIFICATE, subject="https://shop.example", value=13.9 * 86400): (
        ("certificate of https://shop.example ends in 13 days", ""),
        ("https://shop.example 인증서 만료까지 13일 남음", ""),
    ),
    Circumstance(C.CERTIFICATE, subject="https://shop.example", value=30 * 3600.0): (
        ("certificate of https://shop.example ends in 30 h", ""),
        ("https://shop.example 인증서 만료까지 30시간 남음", ""),
    ),
    Circumstance(C.CERTIFICATE, subject="https://shop.example", value=-3 * 86400.0): (
        ("certificate of https://shop.example ended 3 days ago", ""),
        ("https://shop.example 인증서가 3일 전에 만료됨", ""),
    ),
    Circumstance(C.DISK, subject="/srv", value=94.99, limit=700 * 2.0**20): (
        ("file system /srv is 94 % full, 700 MiB free", ""),
        ("파일 시스템 /srv 사용률 94%, 남은 공간 700 MiB", ""),
    ),
    Circumstance(C.INODES, subject="/srv", value=95.2): (
        ("file system /srv has used 95 % of its inodes", ""),
        ("파일 시스템 /srv inode 사용률 95%", ""),
    ),
    Circumstance(C.MEMORY, value=736 * 2.0**20, limit=800 * 2.0**20): (
        ("memory is at 736 MiB of its unit's limit of 800 MiB", ""),
        ("유닛의 메모리 한도 800 MiB 중 736 MiB 사용", ""),
    ),
    Circumstance(C.OOM_KILLS, count=1): (
        ("the kernel killed a process of this run for want of memory", ""),
        ("마지막 시작 이후 메모리 부족으로 커널이 프로세스 1개를 강제 종료함", ""),
    ),
    Circumstance(C.OOM_KILLS, count=12): (
        ("the kernel killed 12 processes of this run for want of memory", ""),
        ("마지막 시작 이후 메모리 부족으로 커널이 프로세스 12개를 강제 종료함", ""),
    ),
    Circumstance(C.SLOW_START, value=22.0, limit=9.0): (
        ("starts take 22 s, formerly 9 s", ""),
        ("시작이 느려짐: 현재 22초, 이전 9초", ""),
    ),
    Circumstance(C.HEALED_OFTEN, count=4, lasted=6 * 3600): (
        ("healed 4 times in 6 h: the restarts hide a bug", ""),
        ("6시간 사이 재시작으로 4회 복구됨: 재시작에 가려진 결함이 있음", ""),
    ),
    Circumstance(C.MEMORY_LIMIT, value=1.5 * 2**30, limit=800 * 2.0**20): (
        ("memory is at 1.5 GiB, above its limit of 800 MiB", ""),
        ("메모리 1.5 GiB 사용, 설정된 한도 800 MiB 초과", ""),
    ),
    Circumstance(C.CPU_LIMIT, value=1.976, limit=1.5): (
        ("CPU is at 198 %, above its limit of 150 %", ""),
        ("CPU 198% 사용, 설정된 한도 150% 초과", ""),
    ),
    Circumstance(C.OPEN_FILES_LIMIT, value=951, limit=900): (
        ("a process has 951 open files, above its limit of 900", ""),
        ("한 프로세스가 파일 951개를 열어 둠, 설정된 한도 900개 초과", ""),
    ),
    Circumstance(C.UNMEASURED, "no permission", "open files"): (
        ("cannot measure open files: no permission", ""),
        ("측정할 수 없음(열린 파일 수): no permission", ""),
    ),
    Circumstance(C.UNMEASURED, "no answer within 10 s", "/srv"): (
        ("cannot measure /srv: no answer within 10 s", ""),
        ("측정할 수 없음(/srv): no answer within 10 s", ""),
    ),
    Circumstance(C.SEES_AGAIN): (
        ("every service can be judged again", ""),
        ("모든 서비스의 상태를 다시 확인할 수 있음", ""),
    ),
    Circumstance(C.NETWORK_DOWN, "eth0 has no carrier", "api, db, web", count=7, lasted=300): (
        (
            "this host's own network has been down for 5 min: eth0 has no carrier",
            "until it is back, not judged and not restarted: api, db, web and 7 more",
        ),
        (
            "이 호스트의 네트워크가 5분째 끊김: eth0 has no carrier",
            "복구될 때까지 상태를 판단하지 않고 재시작하지도 않음: api, db, web 외 7개",
        ),
    ),
    Circumstance(C.NETWORK_BACK, "eth0 has no carrier", "api", lasted=780): (
        (
            (
                "this host's own network was down 02:00 UTC to 02:13 UTC, 13 min:"
                " eth0 has no carrier"
            ),
            "not judged meanwhile, and judged again: api",
        ),
        (
            (
                "이 호스트의 네트워크가 끊겼다가 복구됨(11:00 KST ~ 11:13 KST, 13분):"
                " eth0 has no carrier"
            ),
            "그동안 판단하지 않았던 서비스를 다시 확인 중: api",
        ),
    ),
}


def english(alert: Alert, late: float = 0.0) -> Phrases:
    return Phrases(alert, alert.wall + late, UTC, ENGLISH)


def korean(alert: Alert, late: float = 0.0) -> Phrases:
    return Phrases(alert, alert.wall + late, KST, KOREAN)


def test_everything_that_can_be_told_is_in_these_tables() -> None:
    assert {measure.kind for measure in MEASURES} == set(MeasureKind)
    assert {circumstance.kind for circumstance in CIRCUMSTANCES} == set(CircumstanceKind)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.kind.value)
def test_what_was_done_and_what_happens_next_is_a_sentence_of_the_language(
    measure: Measure,
) -> None:
    alert = replace(ALERTS["firing"], measure=measure)
    assert (english(alert).action(), korean(alert).action()) == MEASURES[measure]


@pytest.mark.parametrize("told", CIRCUMSTANCES, ids=lambda told: told.kind.value)
def test_why_there_is_an_alert_is_a_sentence_around_foreign_words(told: Circumstance) -> None:
    alert = Alert(AlertKind.NOTICE, "", OPENED, "in English", circumstance=told)
    said = tuple((phrases.cause(), phrases.action()) for phrases in (english(alert), korean(alert)))
    assert said == CIRCUMSTANCES[told]


def test_an_alert_by_way_of_the_fallback_says_who_has_not_taken_it_and_why() -> None:
    late, refused = ALERTS["fallback"], ALERTS["refused"]
    why = "cannot reach Slack: cannot connect: Connection refused"
    assert english(late, 360).fallback() == f"slack has not taken this for 6 min: {why}"
    assert korean(late, 360).fallback() == f"slack 채널로 6분째 전달되지 않음: {why}"
    why = "cannot post to Slack channel #ops: invalid_blocks"
    assert english(refused).fallback() == f"slack refuses this: {why}"
    assert korean(refused).fallback() == f"slack 채널에서 거부됨: {why}"
    assert english(ALERTS["firing"]).fallback() == ""


def test_a_late_alert_tells_the_next_try_by_the_clock() -> None:
    alert = replace(ALERTS["firing"], measure=Measure(M.GAVE_UP, count=5, next_try=OPENED + 900))
    assert english(alert, 60).action() == "gave up after 5 restarts; tries once more at 02:28 UTC"
    told = "5회 재시작했으나 복구되지 않아 포기, 11:28 KST에 한 번 더 시도"
    assert korean(alert, 60).action() == told


def test_korean_tells_the_next_restart_by_the_clock_without_a_particle() -> None:
    alert = replace(ALERTS["firing"], measure=Measure(M.RESTART_DUE, next_try=OPENED + 900))
    assert korean(alert, 60).action() == "다음 재시작: 11:28 KST"


def test_korean_calls_a_failed_command_a_failed_command() -> None:
    assert KOREAN.failed_check(KOREAN.check("status")) == "상태 명령 실패"
    assert KOREAN.failed_check(KOREAN.check("port")) == "포트 검사 실패"
    assert KOREAN.restarts_off(KOREAN.check("status")).startswith("상태 명령 실패 시 ")


@pytest.mark.parametrize(
    ("begin", "end", "shown"),
    [
        ("2025년 11월 22일(토) 11:13:00 KST", "2025년 11월 22일(토) 11:19:00 KST", "11:19:00 KST"),
        (
            "2025년 11월 22일(토) 23:13:00 KST",
            "2025년 11월 23일(일) 00:19:00 KST",
            "2025년 11월 23일(일) 00:19:00 KST",
        ),
        ("11:13 KST", "11:19 KST", "11:19 KST"),
    ],
)
def test_korean_tells_a_date_once(begin: str, end: str, shown: str) -> None:
    assert KOREAN.down(begin, end, "6분") == f"{begin} ~ {shown}, 6분"
    assert KOREAN.was_down(begin, end) == f"다운 {begin} ~ {shown}"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("firing", "6분 늦게 전달됨, 11:13 KST부터 다운"),
        ("resolved", "6분 늦게 전달됨, 11:19 KST부터 정상"),
        ("test", "6분 늦게 전달됨, 11:13 KST 발생"),
    ],
)
def test_a_late_alert_says_since_when_in_korean_too(name: str, line: str) -> None:
    assert korean(ALERTS[name], 360).late(360) == line


@pytest.mark.parametrize("wall", [float("nan"), float("inf"), 1e18, -1e18])
def test_a_clock_gone_mad_stops_no_alert(wall: float) -> None:
    alert = replace(ALERTS["resolved"], opened=wall, duration=wall)
    assert english(alert).down().startswith("unknown time (")
    assert korean(alert).down().startswith("알 수 없는 시각(")
    assert english(alert).span(wall) == "an unknown time"
    assert korean(alert).span(wall) == "알 수 없는 시간"
