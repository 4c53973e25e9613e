"""Contradictions in wordings that were written down after the rules, and that the rules were not changed for.

What they show is how far the rules reach beyond the wordings that they were made with; most of what is not found here
is a sentence whose meaning a pattern does not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WORDINGS: Mapping[str, Sequence[str]] = {
    "X1": (
        "Four open defects are left.\n\n### Open defects\n\n* parser hangs\n* wrong total\n* lost session",
        "### Outstanding questions (2)\n\n1. who pays\n2. who signs\n3. who tests",
        "We are tracking five action points:\n\n- call the vendor\n- order disks",
        "Only one host is affected: web1.test, web2.test and web3.test.",
    ),
    "X2": (
        "- ✔ Page load under 2 s (measured 3.4 s)",
        "| SLI | Objective | Measured | Status |\n|---|---|---|---|\n| error rate | < 0.1 % | 0.7 % | passed |",
        "Recovery took 5 h, so the goal of at most 4 h is met.",
        "- [x] Backlog below 100 messages: 1,250",
    ),
    "X3": (
        "- ✅ Backups run nightly ❌ missing since Tuesday",
        "* ☑ DNS moved — pending",
        "✅ Payments work (❌ refunds do not)",
    ),
    "X4": (
        "### Accomplished\n\n- ✅ Firewall rules reviewed\n\n### Remaining work\n\n- Review firewall rules",
        "- [x] Load test finished\n\n## Upcoming\n\n- Finish load test",
        "Done: key rotation.\n\nNext: key rotation.",
    ),
    "X5": (
        "All replicas are healthy.\n\nReplicas: 1/3 healthy",
        "Coverage: 45 of 50 modules (80 %)",
        "Every gateway is up; 2 of 6 gateways are down.",
    ),
    "X6": (
        "## Outage of the API ✅ fixed\n\nStill open: timeouts on /search",
        "- ✅ Upgrade\n  - 🔄 node 3",
        "The outage is over. Users still cannot log in.",
    ),
    "X7": (
        "Average query time: 1717000000000 ms",
        "p99 latency 1717000000123456 µs",
        "The request took 55 years.",
    ),
    "X10": (
        "**Overall risk**: Low\n\n| Finding | Severity | State |\n|---|---|---|\n| open admin port | Critical | open |",
        "Risk rating: moderate\n\n### Data loss in progress (P0)\n\nNo fix yet.",
        "There is little risk, although a SEV0 is going on.",
    ),
    "X11": (
        "### Billing\n\n- State: not verified\n- Impact: invoices are wrong",
        "**Mail queue**: undetermined\n\n### Mail queue\n\n**Business impact**: all orders are delayed",
        "We do not know whether the cache works, which costs us 10 % of revenue.",
    ),
    "X13": (
        "- Reliability: getting better",
        "The backlog is decreasing.",
        "Performance has an upward trend.",
    ),
    "X14": (
        "- Swap: 41 % (high)",
        "CPU 88% - worrying",
        "The disk is at 93 %, that is too much.",
    ),
    "X15": (
        "- Round trip: 250 ms (good)",
        "Startup takes 40 s, which is reasonable.",
        "We consider 12 minutes of downtime acceptable.",
    ),
    "X16": (
        "- Disaster recovery: OK\n\n### To do\n\n- Test disaster recovery",
        "| Encryption | Compliant |\n|---|---|\n\n## Next steps\n\n1. Verify encryption",
    ),
    "X17": (
        "## Remediation\n\n1. [P3] Update the wiki\n2. [P0] Stop the data loss",
        "### Priorities\n\n- P2: new logo\n- P0: restore the database",
    ),
    "X18": (
        "**Today**\n\n- Order two disks from the vendor\n\n**This week**\n\n- Order two disks from the vendor",
        "Now:\n\n- migrate the wiki\n\nLater:\n\n- wiki migration",
    ),
    "X20": (
        "- Severity: ✔ closed",
        "| Issue | Prio |\n|---|---|\n| login | resolved |",
    ),
    "X21": (
        "## Issues found\n\n- slow disk\n\n## Fixed\n\n- Certificate problem fixed",
        "## Findings\n\nNone.\n\n- ✅ Memory leak resolved",
    ),
    "X22": (
        "## Who to call\n\n- Database: ???",
        "| On-call | Phone |\n|---|---|\n| primary | xxx-xxx |",
        "## Escalation path\n\n- Slow site: look at the dashboard",
        "In an emergency contact to be defined.",
    ),
    "X23": (
        "## Stage 2\n\n- load test\n\nAfter stage 1 we go straight on to stage 3.",
        "### Milestone 4.5\n\n- review\n\nClose milestone 4 and move to milestone 5.",
    ),
    "X24": (
        "System health: amber\n\n...\n\nOverall status: 6/10",
        "**Report status**: on track\n\n**System status**: red",
    ),
    "X25": (
        "### Cache ✅ OK\n\n```\nlatency: 1717000000000ms\n```",
        "### ✅ Search works\n\nIts probe reports 1717000000000 ms.",
    ),
}  # fmt: skip
