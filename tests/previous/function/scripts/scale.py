"""Let Deployments have as many pods as is said, in the name of a manager: `scale.py MANAGER NAME=NUMBER…`."""

import json
import ssl
import sys
import urllib.request

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def text_of(name):
    with open(f"{ACCOUNT}/{name}") as file:
        return file.read().strip()


manager, *words = sys.argv[1:]
for word in words:
    name, _, number = word.partition("=")
    path = f"/apis/apps/v1/namespaces/{text_of('namespace')}/deployments/{name}/scale?fieldManager={manager}&force=true"
    request = urllib.request.Request(f"https://kubernetes.default.svc{path}", method="PATCH")
    request.add_header("Authorization", f"Bearer {text_of('token')}")
    # Applied, since the server takes no note of who updated a scale to zero, and an upgrade would wake it.
    request.add_header("Content-Type", "application/apply-patch+yaml")
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": name}}
    request.data = json.dumps({**scale, "spec": {"replicas": int(number)}}).encode()
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt"), timeout=30):
        print(f"{name}: {number}", flush=True)
