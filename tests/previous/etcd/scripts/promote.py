"""Beside a member: let it vote as soon as it has caught up."""

import os
import signal
import sys

from cluster import LARGEST, ask_any, host, members, ordinal_of, wait

OWN = int(os.environ["HOSTNAME"].rpartition("-")[2])


def votes():
    """Whether the member votes; asks for it where it does not yet."""
    known = members([OWN, *(one for one in range(LARGEST) if one != OWN)]) or []
    own = next((one for one in known if ordinal_of(one) == OWN and one.get("name")), None)
    if own is None:
        return False
    if own.get("isLearner"):
        ask_any("cluster/member/promote", {"ID": own["ID"]}, [ordinal_of(one) for one in known if one is not own])
        return False
    return True


# The first process of a container gets no signal that it does not handle.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
while not votes():
    wait()
print(f"{host(OWN)} votes", flush=True)
while True:
    signal.pause()
