"""The lines of an INI file, and one option of them changed: as `community.general.ini_file` documents it."""

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    import re

TOP = "[\0]\n"  # stands for the heading of the lines above all sections


class Section(object):
    """The lines of one section, its heading first. `done`: what was made of them. `fixed`: lines as they shall be."""

    def __init__(self, lines: "list[str]", args: "dict", values: "list[str]") -> None:
        self.lines, self.args, self.values = lines, args, values
        self.option = args["option"]
        self.fixed: "set[int]" = set()
        self.done = ""
        self.bare = False  # whether there is a line without a value now

    def assignment(self, value: "str | None") -> str:
        return assignment(self.args, self.option, value)

    def put(self, index: int, line: str) -> None:
        """Makes line `index` this one, unless only its spaces differ and that is no matter."""
        differs = self.lines[index] != line
        if differs and self.args["ignore_spaces"]:
            was, now = matched(self.option, self.lines[index]), matched(self.option, line)
            if was and now and not was.group("off"):
                differs = was.group("value") != now.group("value")
        if differs:
            self.lines[index] = line
            self.done = "option changed"
        self.fixed.add(index)

    def own(self, index: int) -> "re.Match[str] | None":
        """The match of a line that is one of the option's."""
        found = matched(self.option, self.lines[index])
        return None if found and found.group("off") and not self.args["modify_inactive_option"] else found

    def present(self) -> None:
        bare_allowed = self.args["allow_no_value"]
        if self.option:
            self._confirm(bare_allowed)
        if self.args["exclusive"] and not bare_allowed and self.option:
            self._replace()
        self._append(bare_allowed)

    def _confirm(self, bare_allowed: bool) -> None:
        """Lines that have one of the values already."""
        for index in range(len(self.lines)):
            match = self.own(index)
            if not match:
                continue
            if self.values and match.group("value") in self.values:
                value = match.group("value")
                self.bare = self.bare or (not value and bare_allowed)
                self.put(index, self.assignment(None if not value and bare_allowed else value))
                self.values.remove(value)
            elif not self.values and bare_allowed:
                self.put(index, self.assignment(None))
                self.bare = True
                break

    def _replace(self) -> None:
        """Other lines of the option get the values that are left; those beyond go."""
        for index in range(len(self.lines)):
            if self.values and index not in self.fixed and self.own(index):
                self.put(index, self.assignment(self.values.pop(0)))
        for index in range(len(self.lines) - 1, 0, -1):
            if index not in self.fixed and self.own(index):
                del self.lines[index]
                self.fixed = {i - (i > index) for i in self.fixed}
                self.done = "option changed"

    def _append(self, bare_allowed: bool) -> None:
        """What is still missing goes behind the section's last line that is neither blank nor a comment."""
        end = next((i for i in range(len(self.lines), 0, -1) if not blank(self.lines[i - 1])), None)
        if end is None or not self.option:
            return
        new = [self.assignment(value) for value in self.values]
        if not new and bare_allowed and not self.bare:
            new = [self.assignment(None)]
        if new:
            self.lines[end:end] = new
            self.done = "option added"

    def absent(self) -> None:
        if not self.option:
            self.done = "section removed" if self.lines else ""
            self.lines = []
            return
        if not self.args["exclusive"] and not self.values:
            return
        left = [line for line in self.lines if not self._goes(line)]
        if left != self.lines:
            self.lines, self.done = left, "option changed"

    def _goes(self, line: str) -> bool:
        match = matched(self.option, line)
        if not match or match.group("off"):
            return False
        return bool(self.args["exclusive"] or match.group("value") in self.values)


def assignment(args: "dict", option: str, value: "str | None") -> str:
    """The line of an option; without a value just its name."""
    sign = "=" if args["no_extra_spaces"] else " = "
    return option + "\n" if value is None else option + sign + value + "\n"


def blank(line: str) -> bool:
    """Whether a line says nothing: empty, or a comment."""
    return line.strip(" \t\n")[:1] in ("", "#", ";")


def matched(option: str, line: str) -> "re.Match[str] | None":
    """A line of this option, also one that is commented out (`off`)."""
    import re

    return re.match(r"[ \t]*(?P<off>[#;]?)[ \t]*%s[ \t]*(=|$)[ \t]*(?P<value>.*)" % re.escape(option), line)


def edited(args: "dict", text: str) -> "tuple[str | None, str]":
    """The new text, None where nothing is to be changed; and what was done."""
    lines = [part + "\n" for part in text.split("\n")]
    if lines[-1] == "\n" and len(lines) > 1:
        lines.pop()
    unended = bool(text) and not text.endswith("\n")  # a last line without its end gets one, and that is a change
    given = [args["value"]] if args["value"] is not None else args["values"] or []
    values = list(dict.fromkeys(str(value) for value in given if value is not None))
    lines.insert(0, TOP)
    place = _bounds(args, lines)
    if place is None and args["state"] == "present":
        return "".join(lines[1:] + _new_section(args, values)), (
            "section and option added" if args["option"] else "only section added"
        )
    if place is None:
        return ("".join(lines[1:]) if unended else None), "OK"
    section = Section(lines[place[0] : place[1]], args, values)
    section.present() if args["state"] == "present" else section.absent()
    if not section.done and not unended:
        return None, "OK"
    new = lines[: place[0]] + section.lines + lines[place[1] :]
    return "".join(line for line in new if line is not TOP), section.done or "OK"


def _bounds(args: "dict", lines: "list[str]") -> "tuple[int, int] | None":
    """From which line to before which one the section goes; None where there is none."""
    import re

    heading = re.compile(r"\[\s*%s\s*]" % re.escape((args["section"] or "").strip())).match
    start = None if args["section"] else 0
    for index, line in enumerate(lines[1:] + ["["], 1):
        if start is not None and line.startswith("["):
            if _has(args, lines[start:index]):
                return start, index
            start = None
        if args["section"] and index < len(lines) and heading(line):
            start = index
    return None


def _wanted(args: "dict") -> "list[tuple[str, list[str]]]":
    """`section_has_values` as (option, values)."""
    found = []
    for each in args["section_has_values"] or ():
        given = [each["value"]] if each.get("value") is not None else each.get("values") or []
        found.append((str(each["option"]), [str(value) for value in given]))
    return found


def _has(args: "dict", lines: "list[str]") -> bool:
    """Whether these lines are those of a section that has all that is wanted of it."""
    for option, values in _wanted(args):
        matches = [match for match in (matched(option, line) for line in lines) if match]
        if not any(not values or match.group("value") in values for match in matches):
            return False
    return True


def _new_section(args: "dict", values: "list[str]") -> "list[str]":
    """The lines of a section that there is not yet."""
    made = ["[%s]\n" % args["section"]] if args["section"] else []
    for option, has in _wanted(args):
        if option != args["option"]:
            made += [assignment(args, option, value) for value in has]
            made += [assignment(args, option, None)] * (not has and args["allow_no_value"])
        elif not args["exclusive"]:
            values += [value for value in has if value not in values]
    if args["option"] and (values or args["allow_no_value"]):
        lines = [assignment(args, args["option"], value) for value in values]
        made += lines or [assignment(args, args["option"], None)]
    return made
