"""File names and arguments as UTF-8, whatever the locale says."""

import os
import sys


def speak_utf8() -> None:
    """Has Python 3.6 read names and arguments as UTF-8 under the locale C, as later ones do by themselves (PEP 540).

    Otherwise no path and no command with a letter beyond ASCII exists for it, and sudo or sshd often leave that locale.
    """
    if sys.getfilesystemencoding() != "ascii":
        return
    try:
        from ctypes import c_void_p
        from ctypes import pythonapi as c

        # A copy of its own: Python frees this text when it ends (Py_FinalizeEx).
        c._PyMem_RawStrdup.restype = c_void_p
        c_void_p.in_dll(c, "Py_FileSystemDefaultEncoding").value = c._PyMem_RawStrdup(b"utf-8")
    except Exception:
        return  # a Python without ctypes: ASCII works as ever
    os.fsencode, os.fsdecode = _fsencode, _fsdecode


def _fsencode(filename: "str | bytes | os.PathLike") -> bytes:
    name = os.fspath(filename)
    return name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name


def _fsdecode(filename: "str | bytes | os.PathLike") -> str:
    name = os.fspath(filename)
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
