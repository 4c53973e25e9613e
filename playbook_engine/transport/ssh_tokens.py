"""The %-tokens and ${variables} of ssh_config values (ssh_config(5), TOKENS and ENVIRONMENT VARIABLES).

`ssh -G` prints such values as they are written, HostName excepted; whoever uses them has to put in what they stand for.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import socket
from collections.abc import Mapping

from playbook_engine.model.errors import InventoryError

_TOKEN = re.compile(r"%(.?)")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def tokens(
    *, name: str, address: str, port: int, user: str, jump: str = "", alias: str | None = None
) -> dict[str, str]:
    """What each token stands for on the way to a host. `name` is what was asked for, `jump` a ProxyJump as written."""
    account = pwd.getpwuid(os.getuid())
    here = socket.gethostname()
    return {
        "%": "%", "h": address, "n": name, "p": str(port), "r": user, "u": account.pw_name, "i": str(account.pw_uid),
        "d": os.environ.get("HOME") or account.pw_dir, "l": here, "L": here.partition(".")[0], "k": alias or name,
        "j": jump, "C": hashlib.sha1(f"{here}{address}{port}{user}{jump}".encode()).hexdigest(),
    }  # fmt: skip


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its tokens filled in. Raises InventoryError for one that ssh does not know."""

    def one(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise InventoryError(f"{match[0]!r} in {text!r} is no token of ssh_config", advice="write %% for a %")
        return values[match[1]]

    return _TOKEN.sub(one, text)


def filled_path(text: str, values: Mapping[str, str]) -> str:
    """The same for a file, where ${VARIABLE} is one of the environment, and has to be set."""

    def one(match: re.Match[str]) -> str:
        try:
            return os.environ[match[1]]
        except KeyError:
            raise InventoryError(f"{text!r} needs the environment variable {match[1]}, which is not set") from None

    return filled(_VARIABLE.sub(one, text), values)
