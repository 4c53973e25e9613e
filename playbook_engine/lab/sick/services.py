"""The ailing host's programs and settings, as files to be placed before its first boot."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from playbook_engine.lab import certificate
from playbook_engine.lab.faults import SLOW_API
from playbook_engine.lab.sick.clutter import EXPORT, OPEN_LOG
from playbook_engine.lab.skeleton import APP_UID, service
from playbook_engine.lab.spec import PlacedFile

HTTP_PORT = 8080
HTTPS_PORT = 8443
EXCHANGE_PORT = 9080
MLFLOW_PORT = 5000
REDIS_PORT = 6379
ENGINE_PORTS = {"traditional": 7101, "crypto": 7102}
#: names that lead to the host itself, on the host
ALIASES = ("trader.test", "api.exchange.test")

APP_FOLDER = "/opt/trader"
HEARTBEATS = "/var/lib/trader/engines"
CALENDAR = "/etc/trader/market-calendar.json"
CERTIFICATE = "/etc/trader/tls/cert.pem"
#: where the controller's caches are seen on the host
NODE = "/opt/node"
WHEELHOUSE = "/opt/wheelhouse"

#: a certificate of ninety days, in its last week
CERTIFICATE_AGE = datetime.timedelta(days=85)
CERTIFICATE_LEFT = datetime.timedelta(days=5)

_APP = Path(__file__).parent / "app"
_NODE_RUN = f"""\
#!/bin/sh
set -a
. /etc/trader/environment
mkdir -p /run/trader
exec >>/{{log}} 2>&1
cd {APP_FOLDER}
exec chpst -u app {NODE}/bin/node --disable-warning=ExperimentalWarning {{command}}
"""
_REDIS_RUN = """\
#!/bin/sh
exec >>/var/log/redis/redis.log 2>&1
exec chpst -u redis /usr/bin/redis-server /etc/redis/redis.conf
"""
_REDIS_CONF = f"""\
bind 127.0.0.1
port {REDIS_PORT}
daemonize no
dir /var/lib/redis
save 3600 1
maxmemory 64mb
"""
# A job that took its spool file, unlinked it, and never closed it: the space is gone, and no file shows it.
_EXPORT_RUN = f"""\
#!/bin/sh
while [ ! -e /{EXPORT} ]; do sleep 0.1; done
exec 9</{EXPORT}
rm -f /{EXPORT}
exec sleep infinity
"""
_EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]
_ALWAYS = [{"days": _EVERY_DAY, "from": "00:00", "to": "24:00"}]


def files(*, latency_ms: int, market_open: bool, redis_uid: int, redis_gid: int) -> tuple[PlacedFile, ...]:
    now = datetime.datetime.now(datetime.UTC)
    cert, key = certificate.self_signed(
        ["trader.test", "localhost"], issued=now - CERTIFICATE_AGE, expires=now + CERTIFICATE_LEFT
    )
    return (
        *(_folder(f, APP_UID) for f in (APP_FOLDER, "/var/log/trader", "/var/lib/trader", HEARTBEATS)),
        *(_owned(f"{APP_FOLDER}/{p.name}", p.read_bytes()) for p in sorted(_APP.iterdir())),
        PlacedFile(path="etc/trader/environment", content=_environment(latency_ms)),
        PlacedFile(path=CALENDAR[1:], content=_calendar(market_open)),
        PlacedFile(path="etc/trader/contacts.json", content=_contacts()),
        PlacedFile(path=CERTIFICATE[1:], content=cert),
        PlacedFile(path="etc/trader/tls/key.pem", content=key, mode=0o640, gid=APP_UID),
        PlacedFile(path="usr/local/bin/node", link=f"{NODE}/bin/node"),
        *(_folder(f, redis_uid, redis_gid) for f in ("/var/lib/redis", "/var/log/redis")),
        PlacedFile(path="etc/redis/redis.conf", content=_REDIS_CONF.encode()),
        *service("redis", _REDIS_RUN),
        *service("exchange", _NODE_RUN.format(log="var/log/trader/exchange.log", command="exchange.js")),
        *service("trader", _NODE_RUN.format(log=OPEN_LOG, command="server.js")),
        *service("engine-traditional", _engine("traditional", "in-place", "AAPL MSFT SPY")),
        *service("engine-crypto", _engine("crypto", "rename", "BTCUSDT ETHUSDT SOLUSDT")),
        *service("report-export", _EXPORT_RUN),
    )


def _engine(name: str, style: str, symbols: str) -> str:
    command = f"engine.js {name} {ENGINE_PORTS[name]} {style} {symbols}"
    return _NODE_RUN.format(log=f"var/log/trader/{name}.log", command=command)


def _folder(path: str, uid: int, gid: int | None = None) -> PlacedFile:
    return PlacedFile(path=path[1:], directory=True, mode=0o755, uid=uid, gid=uid if gid is None else gid)


def _owned(path: str, content: bytes) -> PlacedFile:
    return PlacedFile(path=path[1:], content=content, uid=APP_UID, gid=APP_UID)


def _environment(latency_ms: int) -> bytes:
    settings: dict[str, object] = {
        "HTTP_PORT": HTTP_PORT,
        "HTTPS_PORT": HTTPS_PORT,
        "DATABASE": "/var/lib/trader/trader.db",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": REDIS_PORT,
        "EXCHANGE_URL": f"http://127.0.0.1:{EXCHANGE_PORT}",
        "EXCHANGE_PORT": EXCHANGE_PORT,
        "EXCHANGE_LATENCY_MS": latency_ms,
        "EXCHANGE_LATENCY_FILE": SLOW_API,
        "MLFLOW_URL": f"http://127.0.0.1:{MLFLOW_PORT}",
        "HEARTBEATS": HEARTBEATS,
        "MARKET_CALENDAR": CALENDAR,
        "TLS_CERTIFICATE": CERTIFICATE,
        "TLS_KEY": "/etc/trader/tls/key.pem",
    }
    return "".join(f"{k}={v}\n" for k, v in settings.items()).encode()


def _calendar(market_open: bool) -> bytes:
    """Sessions in UTC, days counted from Sunday = 0; fixed, so that a drill ends alike on every day of the week."""
    traditional = _ALWAYS if market_open else []
    markets = {"traditional": {"sessions": traditional}, "crypto": {"sessions": _ALWAYS}}
    return (json.dumps({"timezone": "UTC", "markets": markets}, indent=2) + "\n").encode()


def _contacts() -> bytes:
    people = dict.fromkeys(("System Admin", "Security Team", "Database Admin", "DevOps Team"), "[TBD]")
    return (json.dumps(people, indent=2) + "\n").encode()
