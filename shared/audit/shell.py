"""Who acts from a command line: the operating system's user on this host. There is no key to name."""

import os
import pwd
import socket
from dataclasses import dataclass

from shared.origin import Origin


@dataclass(frozen=True, slots=True)
class AtShell:
    """`actor` is `shell:<user>`; the origin's address is the host's name."""

    actor: str
    origin: Origin


def at_shell() -> AtShell:
    user = os.geteuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        name = str(user)
    return AtShell(f"shell:{name}", Origin(address=socket.gethostname()))
