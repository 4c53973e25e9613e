"""Each rule finds what it is about, on its line, and leaves alone what only looks like it."""

from __future__ import annotations

import pytest
from unit.report.prose.reports import findings, found

FOUND: list[tuple[str, int, list[int], str]] = [
    # rule, line, the other lines, report
    ("X1", 1, [5, 6, 7], "There are 2 remaining issues.\n\n## Remaining issues\n\n1. a\n2. b\n3. c"),
    ("X1", 1, [3, 4], "We have **three open risks**.\n## Open risks\n- a\n- b"),
    ("X1", 1, [3, 4], "## Open incidents (3)\n\n- a\n- b"),
    ("X1", 1, [3, 4, 5], "Two hosts failed:\n\n- a\n- b\n- c"),
    ("X1", 1, [4, 5, 6], "We are left with two\nremaining issues.\n## Remaining issues\n- a\n- b\n- c"),
    ("X2", 1, [], "- ✅ API response times < 200ms ✅ DONE (1133ms - needs optimization)"),
    ("X2", 3, [], "| What | Value | Threshold | Status |\n|---|---|---|---|\n| API | 1.2 s | < 200 ms | ✅ |"),
    ("X2", 3, [], "| What | Now | Max | OK? |\n|---|---|---|---|\n| API | 300 ms | 200 ms | ok |"),
    ("X2", 1, [3], "- ✅ API response times < 200ms\n\n- **API Response Time**: 1133ms"),
    ("X2", 1, [], "Availability of at least 99.9 % met (99.2 %)"),
    ("X2", 1, [], "- ✅ failed jobs == 0 (3)"),
    ("X3", 1, [], "- ✅ Database response time < 100ms ❌ NEEDS FIX"),
    ("X3", 1, [], "### ❌ Login ✅ DONE"),
    ("X3", 1, [], "- [x] Rotate the keys - NOT DONE"),
    ("X4", 2, [5], "## Done\n- ✅ TLS certificates rotated\n\n## Next steps\n- Rotate TLS certificates"),
    ("X5", 1, [3], "- ✅ All critical services (DB) operational\n\n- **Critical Services**: 2/4 healthy"),
    ("X5", 1, [], "5 of 4 nodes are healthy."),
    ("X5", 1, [], "Disk: 30/60 (71 %)"),
    ("X5", 1, [5, 6], "1 of 2 nodes up\n\n| Node | Status |\n|---|---|\n| a | up |\n| b | up |"),
    ("X6", 1, [2], "### 1. Database ✅ RESOLVED\n**Remaining Issue**: response time"),
    ("X6", 1, [3], "- [x] Move\n  - [x] data\n  - [ ] clients"),
    ("X6", 1, [3], "Overall status: healthy\n\n- ❌ mail: down"),
    ("X7", 1, [], "- Response time: 1754070167750ms"),
    ("X7", 1, [2], "- Response time: 200 s\n- Uptime: 139 seconds"),
    ("X7", 1, [], "- Latency: -12 ms"),
    ("X10", 1, [4], "Risk level: MEDIUM\n\n### Disk ❌\n**Priority**: P0 (Immediate)"),
    ("X10", 1, [5], "Risk: low\n\n| What | Severity | Status |\n|---|---|---|\n| disk | P1 | open |"),
    ("X11", 3, [2], "### Engines\n**Status**: unknown\n**Impact**: trading is compromised"),
    ("X11", 4, [1], "- Trading engines: Unknown\n\n### 5. Trading Engines ❌\nImpact: orders are lost"),
    ("X13", 1, [], "- **System Stability**: Improving"),
    ("X13", 1, [], "Risk Level: MEDIUM - System improving but not production ready"),
    ("X14", 1, [], "- **Memory Usage**: 68MB/71MB (96% - concerning)"),
    ("X14", 1, [], "- Memory: High (96%)"),
    ("X15", 1, [], "- **Bybit Response**: 969ms (acceptable)"),
    ("X15", 3, [], "| What | Value | Comment |\n|---|---|---|\n| API | 969 ms | acceptable |"),
    ("X16", 1, [4], "- **Compliance**: Active\n\n## Next steps\n- Compliance verification"),
    ("X17", 3, [2], "## Immediate fixes\n### Fix 1: timing (P1)\n### Fix 2: disk (P0)"),
    ("X18", 4, [2], "## Today\n- Move it when space available\n## Next week\n- Move it when disk space available"),
    ("X20", 1, [], "**Priority**: ✅ COMPLETE"),
    ("X20", 3, [], "| Task | Priority |\n|---|---|\n| move | done |"),
    ("X21", 4, [], "## Findings\n- the disk is full\n## Done\n- ✅ Server startup issues resolved"),
    ("X22", 2, [3], "## Emergency contacts\n- **Security team**: [TBD]\n- **DBA**: [TBD]"),
    ("X22", 1, [], "On-call: oncall@example.com"),
    ("X22", 2, [], "## Escalation plan\n1. **Disk**: immediate cleanup required"),
    ("X22", 1, [], "- Owner: none"),
    ("X23", 2, [1], "## Phase 0.5 complete when\nFinish phase 0.1 before proceeding to phase 1"),
    ("X24", 3, [1], "**System Status**: PARTIALLY RESOLVED\n\n- **Overall Status**: Yellow (degraded)"),
    ("X25", 1, [3], "### Database ✅ HEALTHY\n```\nResponse Time: 1754070167750ms\n```"),
]  # fmt: skip

LEFT_ALONE: list[tuple[str, str]] = [
    ("X1", "There are 3 remaining issues.\n\n## Remaining issues\n\n1. a\n2. b\n3. c"),
    ("X1", "2 of 3 remaining issues are new.\n\n## Remaining issues\n- a\n- b\n- c"),
    ("X1", "2 remaining issues\n\n## Remaining issues\n- a\n- b\n- and 5 more"),
    ("X1", "2 issues resolved\n\n## Issues\n- a\n- b\n- c"),
    ("X1", "One of the remaining issues is old.\n\n## Remaining issues\n- a\n- b"),
    ("X1", 'The page said "2 remaining issues".\n\n## Remaining issues\n- a'),
    ("X1", "In the last 3 days the team did:\n\n- a\n- b"),
    ("X1", "Two teams worked on the following:\n\n- a\n- b\n- c"),
    ("X1", "**20 hosts**\n\n| Tool | Time |\n|---|---|\n| a | 1 |"),
    ("X2", "- ✅ API response times < 200ms ✅ DONE (133ms)"),
    ("X2", "- ❌ API response times < 200ms (1133ms)"),
    ("X2", "- ✅ API < 200 ms: was 1133 ms, is 140 ms"),
    ("X2", "- ✅ API < 200 ms (before: 1133 ms)"),
    ("X2", "- ✅ API < 200 ms (180 ms over 10 min)"),
    ("X2", "- API < 200 ms (1133 ms), not met"),
    ("X2", "| What | Value | Threshold | Status |\n|---|---|---|---|\n| API | 1.2 s | < 200 ms | ❌ |"),
    ("X2", "- ✅ API times < 200ms\n- API time: 1133 ms at 10:00\n- API time: 90 ms at 11:00"),
    ("X3", "✅ met, ❌ not met, 🔄 under way"),
    ("X3", "- ✅ done ❌ failed"),
    ("X3", "- ✅ 12 ❌ 3"),
    ("X3", "- ✅ Postgres, ❌ Redis, ✅ API"),
    ("X3", "- ❌ API → ✅ API"),
    ("X3", "| a | b |\n|---|---|\n| ✅ x | ❌ failed |"),
    ("X3", "- the health check printed `✅ db ❌ cart FAILED`"),
    ("X4", "## Done\n- ✅ Rotate keys in staging\n\n## Next steps\n- Rotate keys in production"),
    ("X4", "## Done\n- ✅ TLS certificates rotated\n\n## Next steps\n- Rotate TLS certificates again in May"),
    ("X4", "## To do\n- [x] Rotate TLS certificates\n- [ ] Rotate TLS certificates of the lab"),
    ("X4", "## Exit criteria\n- [x] Audit on 3 May\n- [x] Failover: 14 s\n\n## To do\n- Audit the lab\n- Failover"),
    ("X5", "All critical services must be operational.\n\nCritical services: 2/4 healthy"),
    ("X5", "- ✅ All critical services operational\n\n- Critical services: 4/4 healthy"),
    ("X5", "Disk: 30/60 (50 %), 68MB/71MB (96%)"),
    ("X5", "17 of 18 nodes up\n\n| Node | Status |\n|---|---|\n| a | up |\n| b | down |"),
    ("X6", "### Database ✅ RESOLVED\n**Remaining Issue**: none"),
    ("X6", "### Database ✅ RESOLVED\n#### Follow-ups\n- ❌ the alert is not written yet"),
    ("X6", "- [x] Move\n  - [x] data\n- [ ] clients"),
    ("X6", "Overall status: degraded\n\n- ❌ mail: down"),
    ("X7", "- Response time: 1754070167750ms, invalid: a time of day"),
    ("X7", "It printed:\n```\nResponse time: 1754070167750ms\n```"),
    ("X7", "- Uptime: 4011 days"),
    ("X7", "- Incident: 400 s\n- Uptime: 139 seconds"),
    ("X7", "- Clock offset: -12 ms"),
    ("X10", "Risk level: high\n\n### Disk ❌\n**Priority**: P0"),
    ("X10", "Risk level: low\n\n### Disk ✅ resolved\n**Priority**: P0"),
    ("X10", "Risk: low\n\n| What | Severity | Status |\n|---|---|---|\n| disk | P0 | resolved |"),
    ("X10", "Risk: low\n\n- Disk\n  - Priority: P0\n  - Status: closed"),
    ("X11", "### Engines\n**Status**: unknown\n**Impact**: not measured"),
    ("X11", "### Engines\n**Status**: unknown\n**Impact**: orders may be late"),
    ("X11", "1. One\n   - Impact: orders are lost\n2. Two\n   - Status: unknown"),
    ("X13", "Latency is improving: 300 ms at 10:00, 210 ms at 11:00"),
    ("X13", "We are improving the docs."),
    ("X13", "Queue time is rising.\n\n| Month | Queue time |\n|---|---|\n| May | 95 s |\n| June | 140 s |"),
    ("X14", "- Memory: 96% (high; limit 90 %)"),
    ("X14", "- Memory: 96% (high)\n\nAlert: memory > 90 %"),
    ("X14", "- Disk: 100 % (critical)"),
    ("X15", "- API response: 969 ms (acceptable, target < 1 s)"),
    ("X15", "| What | Value | Limit | Comment |\n|---|---|---|---|\n| API | 969 ms | 1 s | acceptable |"),
    ("X15", "It printed `969ms (acceptable)`."),
    ("X16", "- **Compliance**: Active\n\n## Next steps\n- Compliance training"),
    ("X17", "## Immediate fixes\n### Fix 1: disk (P0)\n### Fix 2: timing (P1)"),
    ("X17", "## Immediate fixes\n1. Disk (P2)\n2. Database (P0), after the disk"),
    ("X17", "## Findings\n### 1. Disk (P2)\n### 2. Database (P0)"),
    ("X18", "## Today\n- Rotate keys on web1\n## Tomorrow\n- Rotate keys on web2"),
    ("X18", "## Today\n- Review alerts of mail\n## Next week\n- Review alerts of mail again"),
    ("X20", "**Priority**: P1 (High)"),
    ("X20", "Priority: high"),
    ("X21", "## Findings\n- the server does not start\n## Done\n- ✅ Server start issue resolved"),
    ("X21", "## Done\n- ✅ Server startup issues resolved"),
    ("X22", "## Emergency contacts\n- **Security team**: rota sec-oncall, pager 12"),
    ("X22", "- Root cause: TBD"),
    ("X22", "- Escalation: none\n- Owner: @ops\n- On-call: #storage"),
    ("X22", "See https://example.com for an example."),
    ("X22", "## Escalation plan\n1. **Disk**: page the storage on-call\n2. After 15 minutes: call the head of IT"),
    ("X23", "## Phase 0.5\n\nPhase 0.5 is done.\n\nFinish phase 0.1 before proceeding to phase 1"),
    ("X24", "**System Status**: Yellow\n\n**Overall Status**: Yellow (degraded)"),
    ("X24", "**System Status**: degraded\n\nYellow means degraded.\n\n**Overall Status**: Yellow"),
    ("X25", "### Database ❌\n```\nResponse Time: 1754070167750ms\n```"),
    ("X25", "### Database ✅ HEALTHY\nIts own value is invalid.\n```\nResponse Time: 1754070167750ms\n```"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "line", "others", "report"), FOUND, ids=[f"{r}-{n}" for n, (r, *_) in enumerate(FOUND)]
)
def test_a_rule_finds_it_on_its_line(rule: str, line: int, others: list[int], report: str) -> None:
    assert (rule, line, others) in found(report)


@pytest.mark.parametrize(("rule", "report"), LEFT_ALONE, ids=[f"{r}-{n}" for n, (r, _) in enumerate(LEFT_ALONE)])
def test_a_rule_leaves_near_misses_alone(rule: str, report: str) -> None:
    assert [each for each in found(report) if each[0] == rule] == []


def test_every_rule_has_both() -> None:
    from playbook_engine.report.prose.checker import RULES

    ids = {rule.id for rule in RULES}
    assert {rule for rule, *_ in FOUND} == ids
    assert {rule for rule, _ in LEFT_ALONE} == ids


def test_criteria_that_are_ticked_unmeasured_while_worked_on() -> None:
    """None has a value, and at least half of them are still worked on."""
    report = """
    ## Phase complete when
    - ✅ Security audit passes
    - ✅ Compliance requirements verified
    - ✅ Monitoring operational

    ## Next 8 hours
    1. Security hardening
    2. Compliance verification
    """
    assert found(report) == [("X4", 2, [7]), ("X4", 3, [8])]


def test_an_impossible_value_is_told_once_with_what_it_reads_as() -> None:
    report = """
    - Response time is 1754070167750ms
    - Uptime: 139 seconds

    The 1754070167750ms are a bug.
    """
    (finding,) = findings(report)
    assert (finding.found.at.line, [p.line for p in finding.others]) == (1, [2, 4])
    assert "2025-08-01T17:42:47Z" in finding.found.says
    assert "uptime of 2 min 19 s (line 2)" in finding.found.says


def test_words_between_quotes_are_somebody_elses() -> None:
    assert found('> - ✅ x ❌ FAILED\n\nShe wrote "969ms (acceptable)" and «96 % (high)».') == []


def test_the_same_in_html_has_the_lines_of_the_file() -> None:
    page = """
    <!doctype html>
    <html><body><h2>Criteria</h2>
    <table>
    <tr><th>What</th><th>Value</th><th>Threshold</th><th>Status</th></tr>
    <tr><td>API</td><td>1133 ms</td>
        <td>&lt; 200 ms</td><td>&#9989;</td></tr>
    </table>
    <ul><li>&#9989; Database
    &#10060; NEEDS FIX</li></ul>
    <p>Memory: 96 % (concerning)</p>
    <h2>Escalation plan</h2><ol>
    <li>Disk: immediate cleanup required</li></ol>
    """
    assert found(page, "report.html") == [("X2", 5, []), ("X3", 8, []), ("X14", 10, []), ("X22", 12, [])]
