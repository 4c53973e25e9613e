"""The time that a line of a log begins with, in the forms that logs have; and whether it can be true."""

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    import re

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ISO = r"(?P<y>\d{4})[-/](?P<mo>\d\d)[-/](?P<d>\d\d)[T _](?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d)(?P<f>[.,]\d+)?"
ZONE = r"\s?(?P<z>Z|UTC|[+-]\d\d:?\d\d)?"
# Looked for in the first 200 characters; the first form that is there counts.
FORMS = (
    ISO + ZONE,
    r"(?P<d>\d\d)/(?P<mon>[A-Za-z]{3})/(?P<y>\d{4}):(?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d)\s(?P<z>[+-]\d{4})",  # httpd
    r"(?:^|[\[\s])(?P<mon>[A-Z][a-z]{2})\s+(?P<d>\d{1,2})\s(?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d)(?P<f>\.\d+)?"
    r"(?:\s(?P<y>\d{4}))?(?![\d:])",  # syslog (RFC 3164), asctime
    r"^\[?(?P<ms>\d{13})\b",
    r"^\[?(?P<epoch>\d{10})(?P<f>\.\d+)?\b",
    r'"(?:ts|time|timestamp|t|@timestamp)"\s*:\s*"?(?P<epoch>\d{10})(?P<f>\.\d+)?\b',
    r'"(?:ts|time|timestamp|t|@timestamp)"\s*:\s*"?(?P<ms>\d{13})\b',
)
OLDEST = 631152000.0  # 1990: before that no log of a living system was written
AHEAD = 300.0  # seconds that clocks may differ; what lies further ahead has not happened yet


class Reader(object):
    """Reads the times of one log's lines. `form`: a regular expression whose named groups are y, mo or mon, d, h, mi,
    s, f, z, epoch, ms; `now`: the host's clock."""

    def __init__(self, form: "str | None", now: float) -> None:
        import re

        self.now = now
        self.forms = [re.compile(each) for each in ([form] if form else FORMS)]
        self.last = 0  # most logs have one form: it is tried first

    def read(self, line: str) -> "tuple[float | None, bool]":
        """(seconds of the epoch, whether there was one that cannot be true)."""
        head = line[:200]
        order = [self.last] + [at for at in range(len(self.forms)) if at != self.last]
        for at in order:
            found = self.forms[at].search(head)
            if found:
                self.last = at
                try:
                    when = self._seconds(found)
                except (ValueError, OverflowError):
                    return None, True
                if when < OLDEST or when > self.now + AHEAD:
                    return None, True
                return when, False
        return None, False

    def _seconds(self, found: "re.Match[str]") -> float:
        part = found.groupdict()
        rest = float("0." + part["f"][1:]) if part.get("f") else 0.0
        if part.get("ms"):
            return int(part["ms"]) / 1000.0
        if part.get("epoch"):
            return int(part["epoch"]) + rest
        month = MONTHS.index(part["mon"].lower()) + 1 if part.get("mon") else int(part["mo"])
        clock = [int(part["d"]), int(part["h"]), int(part["mi"]), int(part["s"])]
        if part.get("y"):
            return self._of(int(part["y"]), month, clock, part.get("z")) + rest
        import time

        year = time.localtime(self.now).tm_year  # syslog leaves it out: the last such day that has been
        when = self._of(year, month, clock, part.get("z"))
        return (when if when <= self.now + 86400 else self._of(year - 1, month, clock, part.get("z"))) + rest

    def _of(self, year: int, month: int, clock: "list[int]", zone: "str | None") -> float:
        import calendar
        import time

        day, hour, minute, second = clock
        if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
            raise ValueError("no such day")
        if hour > 23 or minute > 59 or second > 60:
            raise ValueError("no such time")
        whole = (year, month, day, hour, minute, second, 0, 0, -1)
        if not zone:
            return time.mktime(whole)
        if zone in ("Z", "UTC"):
            return float(calendar.timegm(whole))
        sign = -1 if zone[0] == "-" else 1
        digits = zone[1:].replace(":", "")
        return calendar.timegm(whole) - sign * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)
