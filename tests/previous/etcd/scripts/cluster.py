"""Speak to the members of the cluster over etcd's JSON gateway."""

import json
import os
import socket
import time
import urllib.error
import urllib.request

NAME, NAMESPACE = os.environ["CLUSTER"], os.environ["NAMESPACE"]
LARGEST = 5


def host(ordinal):
    return f"{NAME}-{ordinal}.{NAME}-headless.{NAMESPACE}.svc"


def peer_url(ordinal):
    return f"http://{host(ordinal)}:2380"


def ordinal_of(member):
    """The number of a member's pod, out of its address."""
    return int(member["peerURLs"][0].partition("//")[2].partition(".")[0].rpartition("-")[2])


def resolves(ordinal):
    """Whether the pod is there: its name is known before it is ready."""
    try:
        socket.getaddrinfo(host(ordinal), 2380)
    except OSError:
        return False
    return True


def call(ordinal, path, body, timeout_s=5):
    request = urllib.request.Request(f"http://{host(ordinal)}:2379/v3/{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:
        return json.load(answer)


def is_empty(ordinal):
    """Whether a pod waits without data, as join.py says."""
    try:
        call(ordinal, "cluster/member/list", {})
    except urllib.error.HTTPError as error:
        return error.code == 503 and error.reason == "empty"
    except OSError:
        pass
    return False


def ask_any(path, body, ordinals):
    """The first answer of the given members; None where none answers."""
    for ordinal in ordinals:
        try:
            return call(ordinal, path, body)
        except (OSError, ValueError) as error:
            print(f"{host(ordinal)}: {path}: {reason(error)}", flush=True)
    return None


def reason(error):
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.read().decode(errors='replace')[:200]}"
    return str(error)


def members(ordinals):
    """The members as a majority knows them; None where no majority answers."""
    answer = ask_any("cluster/member/list", {"linearizable": True}, ordinals)
    return None if answer is None else answer["members"]


def wait():
    time.sleep(1)
