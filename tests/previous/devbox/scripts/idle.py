"""Stop the machine when no one has used it for a while."""

import json
import os
import signal
import ssl
import sys
import time
import urllib.request

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
USED, LONGEST_S, PERIOD_S = "/run/devbox/used", float(os.environ["IDLE_MINUTES"]) * 60, 5


def text_of(name):
    with open(f"{ACCOUNT}/{name}") as file:
        return file.read().strip()


def stop():
    machine = os.environ["MACHINE"]
    path = f"/apis/apps/v1/namespaces/{text_of('namespace')}/statefulsets/{machine}/scale"
    url = f"https://kubernetes.default.svc{path}?fieldManager=devbox-idle&force=true"
    request = urllib.request.Request(url, method="PATCH")
    request.add_header("Authorization", f"Bearer {text_of('token')}")
    # Applied, since the server takes no note of who updated a scale to zero, and an upgrade would start it.
    request.add_header("Content-Type", "application/apply-patch+yaml")
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": machine}}
    request.data = json.dumps({**scale, "spec": {"replicas": 0}}).encode()
    urllib.request.urlopen(request, context=ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt"), timeout=30).close()


def used_at():
    try:
        return max(os.stat(USED).st_mtime, BEGAN)
    except FileNotFoundError:
        return BEGAN


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
BEGAN = time.time()
while True:
    left_s = used_at() + LONGEST_S - time.time()
    if left_s <= 0 and os.path.exists("/run/devbox/ready"):
        try:
            stop()
            print(f"not used for {LONGEST_S:g} s: stops", flush=True)
            time.sleep(60)
        except OSError as error:
            print(f"the machine cannot be stopped: {error}", flush=True)
    time.sleep(min(max(left_s, 1), PERIOD_S))
