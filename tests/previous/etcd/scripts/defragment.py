"""Defragment one member after the other, the leader last; each is blocked meanwhile."""

from cluster import LARGEST, call, host, members, ordinal_of, resolves

there = [one for one in range(LARGEST) if resolves(one)]
voting = [ordinal_of(one) for one in members(there) or [] if not one.get("isLearner")]
states = {one: call(one, "maintenance/status", {}) for one in voting}
if not states:
    raise SystemExit("no member answers")


def is_leader(ordinal):
    return states[ordinal]["leader"] == states[ordinal]["header"]["member_id"]


for one in sorted(voting, key=is_leader):
    call(one, "maintenance/defragment", {}, timeout_s=300)
    after = call(one, "maintenance/status", {})
    print(f"{host(one)}: {states[one]['dbSize']} -> {after['dbSize']} bytes", flush=True)
