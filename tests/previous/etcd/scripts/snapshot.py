"""Take a snapshot from a member, check it, and keep the newest ones."""

import base64
import hashlib
import json
import os
import time
import urllib.request

from cluster import LARGEST, host, resolves

FOLDER, KEEP = "/snapshots", int(os.environ["KEEP"])


def take(ordinal, path):
    request = urllib.request.Request(f"http://{host(ordinal)}:2379/v3/maintenance/snapshot", b"{}")
    with urllib.request.urlopen(request, timeout=60) as answer, open(path, "wb") as file:
        file.writelines(base64.b64decode(json.loads(line)["result"].get("blob", "")) for line in answer)


def is_whole(path):
    """Etcd appends the digest of what comes before it."""
    with open(path, "rb") as file:
        content = file.read()
    return hashlib.sha256(content[:-32]).digest() == content[-32:]


ordinal = next(one for one in range(LARGEST) if resolves(one))
part = f"{FOLDER}/unfinished"
take(ordinal, part)
if not is_whole(part):
    raise SystemExit(f"the snapshot from {host(ordinal)} is damaged")
name = time.strftime("%Y-%m-%dT%H-%M-%SZ.db", time.gmtime())
os.rename(part, f"{FOLDER}/{name}")
print(f"{name}: {os.path.getsize(f'{FOLDER}/{name}')} bytes from {host(ordinal)}", flush=True)
for old in sorted(one for one in os.listdir(FOLDER) if one.endswith(".db"))[:-KEEP]:
    os.remove(f"{FOLDER}/{old}")
    print(f"{old}: removed", flush=True)
