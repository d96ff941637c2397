"""Speak to the members of the cluster over etcd's JSON gateway."""

import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request

NAME, NAMESPACE = os.environ["CLUSTER"], os.environ["NAMESPACE"]
LARGEST = 5
TLS = "/tls"
"""ca.crt, tls.crt and tls.key, where members speak TLS."""
SCHEME = "https" if os.path.exists(f"{TLS}/tls.crt") else "http"


def host(ordinal):
    return f"{NAME}-{ordinal}.{NAME}-headless.{NAMESPACE}.svc"


def peer_url(ordinal):
    return f"{SCHEME}://{host(ordinal)}:2380"


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


def context(purpose=ssl.Purpose.SERVER_AUTH):
    """What TLS asks of the other side, and shows to it; None where there is no TLS."""
    if SCHEME == "http":
        return None
    made = ssl.create_default_context(purpose, cafile=f"{TLS}/ca.crt")
    made.load_cert_chain(f"{TLS}/tls.crt", f"{TLS}/tls.key")
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def ask(ordinal, path, body, timeout_s):
    request = urllib.request.Request(f"{SCHEME}://{host(ordinal)}:2379/v3/{path}", json.dumps(body).encode())
    return urllib.request.urlopen(request, timeout=timeout_s, context=context())


def call(ordinal, path, body, timeout_s=5):
    with ask(ordinal, path, body, timeout_s) as answer:
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
