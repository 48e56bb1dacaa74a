"""Become another program that cannot outlive the supervisor: ``launch.py <pid> <uid> <gid> <nice> program args``.

Runs under ``python -I -S`` with the standard library only, in about 15 ms, and then is that program. A ``preexec_fn``
would do the same inside the supervisor, where its threads make it unsafe.

With a uid the program runs as that user, for servers that refuse to run as root. It keeps root's right to pass any
folder (CAP_DAC_OVERRIDE), so that a checkout below /root, which nobody else may enter, works without its permissions
being loosened.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522

_TRIES = 30
_TURN_SECONDS = 0.05

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        sys.exit(f"{what}: {os.strerror(error)}")


def _become(uid: int, gid: int) -> None:
    _check(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl(PR_SET_KEEPCAPS)")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    mask = 1 << _CAP_DAC_OVERRIDE
    sets = (_Sets * 2)(_Sets(mask, mask, mask), _Sets(0, 0, 0))
    _check(_libc.capset(ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), sets), "capset")
    _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0), "prctl(PR_CAP_AMBIENT_RAISE)")


def _give_way(niceness: int) -> None:
    """To what is less nice. A kernel that groups processes by session weighs the groups only, and each service has a
    session of its own; one that does not has no such file."""
    os.nice(niceness)
    for _ in range(_TRIES):
        try:
            with open("/proc/self/autogroup", "w") as group:  # noqa: PTH123  pathlib takes as long as all else here
                group.write(str(niceness))
        except BlockingIOError:  # of all who are not root it takes one in a tenth of a second
            time.sleep(_TURN_SECONDS)
        except FileNotFoundError:
            return
        except OSError as error:
            sys.stderr.write(f"niceness counts inside of this session only: autogroup: {error.strerror}\n")
            return
        else:
            return


def main() -> None:
    supervisor, uid, gid, niceness = (int(value) for value in sys.argv[1:5])
    program = sys.argv[5:]
    if niceness:
        _give_way(niceness)
    if uid >= 0:
        _become(uid, gid)
    # After the change of user, which would clear it.
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != supervisor:  # it died before it could be watched
        sys.exit("the supervisor is gone")
    try:
        os.execvp(program[0], program)  # noqa: S606  no shell is wanted
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


main()
