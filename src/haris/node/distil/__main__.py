"""One end of a run as a process of its own: started by haris.node.distil.run, with the numbers of its descriptors."""

from __future__ import annotations

import socket
import sys
from multiprocessing.connection import Connection

from haris.node.distil.party import run_party


def main() -> None:
    """Take the plan from the desk, and run."""
    channel, desk, pipe = (int(number) for number in sys.argv[1:4])
    connection = Connection(desk)
    run_party(connection.recv(), socket.socket(fileno=channel), connection, None if pipe < 0 else pipe)


if __name__ == "__main__":
    main()
