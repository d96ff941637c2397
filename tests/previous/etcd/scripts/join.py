"""Before a member starts: find out whether it goes on, joins, or begins the cluster, and write its configuration."""

import json
import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cluster import LARGEST, NAME, ask_any, host, is_empty, members, ordinal_of, peer_url, resolves, wait

OWN = int(os.environ["HOSTNAME"].rpartition("-")[2])
OTHERS = [ordinal for ordinal in range(LARGEST) if ordinal != OWN]
SIZE = os.environ["VOLUME_SIZE"]
SIZE_BYTES = int(SIZE[:-2]) * {"Mi": 2**20, "Gi": 2**30, "Ti": 2**40}[SIZE[-2:]]
DATA = "/var/lib/etcd/data"


class SaysEmpty(BaseHTTPRequestHandler):
    """Answers in the place of a member that has no data, so that others know that there is none to wait for."""

    error_message_format = "%(message)s"

    def do_POST(self):
        self.send_error(503, "empty")

    def log_message(self, *_):
        pass


def decide():
    """The other members it begins with; None while that cannot be said."""
    has_data = os.path.isdir(f"{DATA}/member")
    others = [ordinal for ordinal in OTHERS if resolves(ordinal)]
    known = members(others)
    if known is None:
        if has_data:
            return "goes on with its data", []
        if OWN == 0 and all(is_empty(ordinal) for ordinal in others):
            return "begins the cluster", []
        # Some member has data, or may have: a second cluster must not begin.
        return None
    own = [member for member in known if ordinal_of(member) == OWN]
    if has_data and own:
        return "goes on with its data", known
    # It left the cluster, or lost its volume: what it was is nothing that the others could use.
    shutil.rmtree(DATA, ignore_errors=True)
    for member in own:
        if ask_any("cluster/member/remove", {"ID": member["ID"]}, others) is None:
            return None
    added = ask_any("cluster/member/add", {"peerURLs": [peer_url(OWN)], "isLearner": True}, others)
    return None if added is None else ("joins the cluster", added["members"])


def configuration(known):
    ordinals = sorted({ordinal_of(member) for member in known} | {OWN})
    return {
        "name": f"{NAME}-{OWN}",
        "data-dir": DATA,
        "listen-peer-urls": "http://0.0.0.0:2380",
        "listen-client-urls": "http://0.0.0.0:2379",
        "initial-advertise-peer-urls": peer_url(OWN),
        "advertise-client-urls": f"http://{host(OWN)}:2379",
        "initial-cluster": ",".join(f"{NAME}-{ordinal}={peer_url(ordinal)}" for ordinal in ordinals),
        "initial-cluster-state": "existing" if known else "new",
        "initial-cluster-token": NAME,
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": "1h",
        "quota-backend-bytes": SIZE_BYTES // 2,
    }


while not resolves(OWN):
    wait()
server = ThreadingHTTPServer(("", 2379), SaysEmpty)
if not os.path.isdir(f"{DATA}/member"):
    threading.Thread(target=server.serve_forever, daemon=True).start()
while (decision := decide()) is None:
    wait()
server.server_close()
what, known = decision
print(f"{host(OWN)} {what}", flush=True)
with open("/run/etcd/etcd.json", "w") as file:
    json.dump(configuration(known), file)
