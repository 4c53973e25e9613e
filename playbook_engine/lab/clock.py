"""A lab host's clock that is off.

The kernel has one CLOCK_REALTIME for the whole machine, which no namespace moves (time_namespaces(7) are about the
monotonic clocks). So whoever asks for the time is told another one, by libfaketime(1), which sshd puts before every
session that begins: the agent, and what it starts. Services and `lab exec` see the true clock.
"""

from __future__ import annotations

from pathlib import Path

from playbook_engine.lab.errors import LabError
from playbook_engine.lab.host import LabHost
from playbook_engine.lab.prerequisites import FAKETIME

_SETTING = "/etc/ssh/sshd_config.d/lab-clock.conf"


def put_off(host: LabHost, seconds: int) -> None:
    """Let the sessions that begin from now on see a clock that is `seconds` ahead (negative: behind).

    libfaketime moves the monotonic clock with the other: told not to, it breaks clock_nanosleep(2). It goes on evenly.
    """
    library = next(Path("/").glob(FAKETIME), None)
    if library is None:
        raise LabError(
            "a clock that is off needs libfaketime, which is not installed",
            advice="`python -m playbook_engine.lab.prerequisites --install`, or apt-get install libfaketime",
        )
    setting = f"SetEnv LD_PRELOAD={library} FAKETIME={seconds:+d}"
    host.exec(["sh", "-ec", f"mkdir -p {Path(_SETTING).parent}; echo '{setting}' > {_SETTING}"], check=True)
    _reread(host)


def put_right(host: LabHost) -> None:
    """The true clock again, for the sessions that begin from now on."""
    host.exec(["rm", "-f", _SETTING])
    _reread(host)


def _reread(host: LabHost) -> None:
    """sshd starts itself anew under its process id: sessions stay, and for an instant nobody listens (sshd(8))."""
    host.exec(["sh", "-c", "kill -HUP $(cat /run/sshd.pid)"])
    host.answers(timeout=5)
