"""Commands that remove or write over what is on a disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from playbook_engine.loading.linting.danger import (
    DISK,
    FOLDER,
    OWNED,
    ROOT,
    Danger,
    Reader,
    error,
    operands,
    recursive,
    warning,
)
from playbook_engine.loading.linting.shell_words import Command

FILTERS = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename", "-regex", "-iregex", "-mtime", "-mmin",
                     "-ctime", "-cmin", "-atime", "-amin", "-newer", "-size", "-user", "-group", "-empty", "-perm",
                     "-inum", "-nouser", "-samefile", "-lname", "-uid"})  # fmt: skip


def _rm(reader: Reader, command: Command) -> Iterator[Danger]:
    if recursive(command):
        for word in operands(command):
            if (danger := reader.removal(word)) is not None:
                yield danger


def _find(reader: Reader, command: Command) -> Iterator[Danger]:
    words = command.texts
    removes = "-delete" in words or any(
        w in ("-exec", "-execdir") and words[n + 1 : n + 2] and words[n + 1].rsplit("/", 1)[-1] == "rm"
        for n, w in enumerate(words)
    )  # fmt: skip
    if not removes:
        return
    places = []
    for word in command.words[1:]:
        if word.text.startswith(("-", "(", "!")):
            break
        places.append(word)
    if not FILTERS.intersection(words):
        yield reader.whole(
            command, "this find removes all that it comes to", "say which: -name, -mtime, -path; or use reclaim"
        )
    for place in places:
        if ROOT.fullmatch(place.text) or FOLDER.fullmatch(place.text):
            yield warning(
                f"this find removes what it comes to from {place.text} on", "begin where the files are; -xdev stays on "
                "the file system; or use reclaim", place.at, len(place.text),
            )  # fmt: skip


def _dd(reader: Reader, command: Command) -> Iterator[Danger]:
    for word in command.words[1:]:
        if word.text.startswith("of=") and DISK.match(word.text[3:]):
            yield error(f"this writes over the disk {word.text[3:]}", "write to a file", word.at, len(word.text))


def _mkfs(reader: Reader, command: Command) -> Iterator[Danger]:
    for word in operands(command):
        if word.text.startswith(("/dev/", "$")) or reader.text.hole(word.text[:1]):
            shown = reader.text.readable(word.text)
            yield error(
                f"{command.name} takes away what is on {shown}", "nothing brings it back: a person does this", word.at,
                len(shown),
            )  # fmt: skip
            return


def _mode(reader: Reader, command: Command) -> Iterator[Danger]:
    if not recursive(command, "R"):
        return
    given = operands(command)
    for place in given[1:]:
        if ROOT.fullmatch(place.text) or OWNED.fullmatch(place.text):
            yield error(
                f"this changes everything below {place.text}", "name what is to be changed", place.at, len(place.text)
            )
            return
    if (
        command.name == "chmod"
        and given
        and re.fullmatch(r"0?777|[ugoa]*[ao][ugoa]*\+\w*w\w*|\+\w*w\w*", given[0].text)
    ):
        yield reader.whole(
            command, "this lets everybody write everything below", "X and the owner are most often meant"
        )


def _wipe(reader: Reader, command: Command) -> Iterator[Danger]:
    for word in operands(command):
        if DISK.match(word.text):
            advice = "nothing brings it back: a person does this"
            yield error(f"{command.name} takes away what is on {word.text}", advice, word.at, len(word.text))
            return


def _partition(reader: Reader, command: Command) -> Iterator[Danger]:
    if {"mklabel", "mktable", "rm", "luksFormat", "erase", "--zero-superblock", "destroy"} & set(command.texts[1:]):
        yield reader.whole(command, "this takes away what is on the disk", "a person does this", fatal=True)


def _volume(reader: Reader, command: Command) -> Iterator[Danger]:
    yield reader.whole(command, f"{command.name} takes away all that is on it", "nothing brings it back")


def _onto(reader: Reader, command: Command) -> Iterator[Danger]:
    """`tee`, `cp` and `mv`: the last operand is written over."""
    for word in operands(command)[-1:]:
        if DISK.match(word.text):
            yield error(f"this writes over the disk {word.text}", "write to a file", word.at, len(word.text))


def _prune(reader: Reader, command: Command) -> Iterator[Danger]:
    words = command.texts[1:]
    if words[:2] in (["system", "prune"], ["volume", "prune"]):
        yield reader.whole(command, "this removes what no container is using at the moment", "name what is to go")


DISKS: Mapping[str, Callable[[Reader, Command], Iterator[Danger]]] = {
    "rm": _rm, "find": _find, "dd": _dd, "mke2fs": _mkfs, "mkswap": _mkfs, "mkfs": _mkfs, "chmod": _mode,
    "chown": _mode, "chgrp": _mode, "wipefs": _wipe, "shred": _wipe, "blkdiscard": _wipe, "sgdisk": _wipe,
    "fdisk": _wipe, "sfdisk": _wipe, "parted": _partition, "cryptsetup": _partition, "mdadm": _partition,
    "zpool": _partition, "zfs": _partition, "lvremove": _volume, "vgremove": _volume, "pvremove": _volume,
    "tee": _onto, "cp": _onto, "mv": _onto, "docker": _prune, "podman": _prune,
}  # fmt: skip
"""By the name of the program."""
