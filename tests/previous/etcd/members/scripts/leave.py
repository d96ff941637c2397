"""Before a cluster shrinks: let the members leave whose pods will end, the last one first."""

import os

from cluster import LARGEST, ask_any, host, members, ordinal_of, resolves, wait

SIZE = int(os.environ["SIZE"])

while True:
    there = [ordinal for ordinal in range(LARGEST) if resolves(ordinal)]
    if not there:
        print("there is no cluster yet")
        break
    known = members(there)
    if known is None:
        wait()
        continue
    leaving = sorted((one for one in known if ordinal_of(one) >= SIZE), key=ordinal_of)
    if not leaving:
        print(f"{len(known)} members, none has to leave")
        break
    staying = [ordinal_of(one) for one in known if ordinal_of(one) < SIZE]
    if ask_any("cluster/member/remove", {"ID": leaving[-1]["ID"]}, staying):
        print(f"{host(ordinal_of(leaving[-1]))} left", flush=True)
    else:
        wait()
