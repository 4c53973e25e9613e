"""paramiko, without the package that it imports for its own reader of ssh_config, which is not used here.

`invoke` doubles what importing paramiko costs, and a run of one host is mostly importing.
"""

from __future__ import annotations

import sys

_missing = "invoke" not in sys.modules
if _missing:
    sys.modules["invoke"] = None  # type: ignore[assignment]  # which makes importing it an ImportError (import system)
try:
    import paramiko
finally:
    if _missing:
        del sys.modules["invoke"]

__all__ = ["paramiko"]
