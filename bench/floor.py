"""The floor: one OpenSSH client a host feeds a remote sh, and sends a step when the one before it has been answered.

`python bench/floor.py WORKLOAD ROOT SSH_CONFIG HOST...`. Nothing is recorded, nothing looked at before, nothing undone:
whoever comes near this does all that for nothing.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from work import shell, steps

QUICK = ("-o", "KexAlgorithms=curve25519-sha256", "-o", "Ciphers=aes128-gcm@openssh.com")
MARK = b"\x1e@@"


async def run(workload: str, root: Path, config: str, host: str) -> None:
    ssh = await asyncio.create_subprocess_exec(
        "ssh", "-F", config, *QUICK, host, "exec sh", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert ssh.stdin is not None and ssh.stdout is not None
    for step in steps(workload, root, host):
        ssh.stdin.write(b"{ %s\n} </dev/null\necho '\x1e@@'$?\n" % shell(step).encode())
        await ssh.stdout.readuntil(MARK)
        code = int(await ssh.stdout.readline())
        if code:
            raise SystemExit(f"{host}: {step} ended with {code}")
    ssh.stdin.close()
    await ssh.wait()


async def main() -> None:
    workload, root, config, *hosts = sys.argv[1:]
    await asyncio.gather(*(run(workload, Path(root), config, host) for host in hosts))


if __name__ == "__main__":
    asyncio.run(main())
