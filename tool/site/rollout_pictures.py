"""Draw docs/assets/rollouts/: what the pods do in each step of an upgrade in steps, watched in a real one.

python tool/site/rollout_pictures.py

Releases are upgraded in an embedded cluster, whose time passes only when someone waits, and their pods are followed by a
watch. Run it after a change of how pods are replaced.
"""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bundler import (  # noqa: E402 - a script finds the package beside it
    AbortRequest,
    ContinueRequest,
    ReleaseRequest,
    RolloutRequest,
    Session,
    SessionOptions,
    Share,
    Values,
)
from bundler.library.clusters import open_sandbox  # noqa: E402
from bundler.library.network import Network  # noqa: E402
from bundler.library.options import Host  # noqa: E402
from bundler.library.scope import Scope  # noqa: E402
from bundler.model.cluster import ListQuery  # noqa: E402
from bundler.model.json import int_at, items_at, mapping_at, text_at, value_at  # noqa: E402
from bundler.model.redaction import Redactor  # noqa: E402
from bundler.model.refs import ObjectRef  # noqa: E402
from tests.lib.clocks import FakeClock  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from bundler.model.json import Body, JSONValue
    from bundler.ports import ClusterClient

    Place: TypeAlias = tuple[str, str]
    """Name and uid of a pod."""

FOLDER = ROOT / "docs" / "assets" / "rollouts"
_LOOK_S = 0.1
_WIDTH, _MARGIN = 704, 14
_LABEL, _CELL, _BOX, _ROW, _PACE = 262, 24, 20, 32, 16
_STYLE = """\
.page { fill: #ffffff; stroke: #d0d4dc; }
text { fill: #1f2430; font: 13px system-ui, sans-serif; }
.small { fill: #5a6372; font-size: 11px; }
rect.old { fill: #8a93a3; stroke: #5a6372; }
rect.new { fill: #3f51b5; stroke: #303f9f; }
rect.waiting { fill: none; stroke-width: 2; }
rect.going { fill: none; stroke-dasharray: 3 2; }
path { stroke: #5a6372; }
.mark { font-size: 12px; font-weight: bold; text-anchor: middle; }
.filled { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  .page { fill: #1e2129; stroke: #454b59; }
  text { fill: #e4e7ee; }
  .small { fill: #a9b1c0; }
  rect.old { fill: #5f6878; stroke: #a9b1c0; }
  rect.new { fill: #5c6bc0; stroke: #9fa8da; }
  rect.waiting, rect.going { fill: none; }
  path { stroke: #a9b1c0; }
  .filled { fill: #ffffff; }
}"""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod at one moment."""

    is_new: bool
    is_ready: bool
    is_going: bool = False

    @property
    def words(self) -> str:
        """What it is, as a picture shows it: ``old ready``."""
        state = "going" if self.is_going else "ready" if self.is_ready else "waiting"
        return f"{'new' if self.is_new else 'old'} {state}"


@dataclass(frozen=True, slots=True)
class Moment:
    """The pods of a workload at one moment, and how far its controller may go."""

    pods: Mapping[Place, Pod]
    pace: str

    def count(self, words: str) -> int:
        """Return how many pods are in a state."""
        return sum(pod.words == words for pod in self.pods.values())

    def side(self, side: str) -> str:
        """Say how many old or new pods there are: ``8 old, 2 going``."""
        counts = [(self.count(f"{side} {state}"), words) for state, words in _STATES.items()]
        first, *others = [f"{count} {words}" for count, words in counts if count] or [""]
        return ", ".join([first.replace(" ", f" {side} ", 1).rstrip(), *others])

    def __str__(self) -> str:
        return "; ".join(filter(None, (self.side("old"), self.side("new"))))


_STATES = {"ready": "", "waiting": "not ready", "going": "going"}


@dataclass(frozen=True, slots=True)
class Story:
    """A release that is upgraded in steps, and what is asked of it after each of them."""

    pictures: tuple[str, ...]
    """Their names, one for each command: the upgrade, then what follows."""
    workload: ObjectRef
    bundle: str
    before: dict[str, JSONValue]
    after: dict[str, JSONValue]
    """Values that the upgrade changes."""
    shares: str
    then: ContinueRequest | AbortRequest

    def install(self) -> ReleaseRequest:
        """Return what is there before."""
        return ReleaseRequest(bundle=self.bundle, release=self.then.release, values=Values(data=self.before))

    def upgrade(self) -> ReleaseRequest:
        """Return the upgrade, which pauses after each step."""
        shares = tuple(Share.parse(share) for share in self.shares.split(","))
        steps = RolloutRequest(steps=shares, pause_after="each")
        return replace(self.install(), values=Values(data=self.before | self.after), steps=steps)


_WEB = ObjectRef("apps", "Deployment", "default", "web")
_TEN: dict[str, JSONValue] = {"minReplicas": 10, "maxReplicas": 20}
_IMAGE: dict[str, JSONValue] = {"image": "docker.io/library/nginx:1.28"}
STORIES = (
    Story(
        ("deployment-1", "deployment-2", "deployment-3", "deployment-4"),
        _WEB,
        "webapp",
        _TEN,
        _IMAGE,
        "1,25%,50%",
        ContinueRequest(release="web"),
    ),
    Story(("abort-1", "abort-2"), _WEB, "webapp", _TEN, _IMAGE, "2", AbortRequest(release="web")),
    Story(
        ("statefulset-1", "statefulset-2", "statefulset-3"),
        ObjectRef("apps", "StatefulSet", "default", "etcd"),
        "etcd",
        {"size": 5},
        {"version": "3.6.9"},
        "1,3",
        ContinueRequest(release="etcd"),
    ),
)


class WatchedTime(FakeClock):
    """A clock that has someone look at the cluster all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.look: Callable[[], None] = lambda: None
        self._looking = threading.Lock()

    def sleep(self, seconds: float) -> None:
        """Let time pass in small parts."""
        self._look()
        end_s = self.monotonic() + seconds
        while (left_s := end_s - self.monotonic()) > 0:
            super().sleep(min(left_s, _LOOK_S))
            self._look()

    def _look(self) -> None:
        with self._looking:
            self.look()


@dataclass
class Recorder:
    """Follows the pods of a workload by a watch; ``moments`` are those at which something was different."""

    cluster: ClusterClient
    workload: ObjectRef
    moments: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        live = self.cluster.get(self.workload) or {}
        labels = mapping_at(live, "spec", "selector", "matchLabels")
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        self._query = ListQuery(group="", kind="Pod", namespace=self.workload.namespace, label_selector=selector)
        self._old = _images(mapping_at(live, "spec", "template"))
        listing = self.cluster.list(self._query)
        self._version = listing.resource_version
        self._pods = {_place(body): self._seen(body) for body in listing.items}
        self._keep()

    def look(self) -> None:
        """Take what the watch reports; a pod that went is shown once as going."""
        for event in self.cluster.watch(self._query, resource_version=self._version, timeout_s=0):
            self._version = text_at(event.body, "metadata", "resourceVersion")
            if event.type == "BOOKMARK":
                continue
            place, pod = _place(event.body), self._seen(event.body, is_deleted=event.type == "DELETED")
            if event.type == "ADDED" and self._is_going(place[0]):
                self._keep()
            self._pods[place] = pod
        self._keep()

    def taken(self) -> list[Moment]:
        """Return the moments since the last call, the one before them first."""
        self.look()
        self._keep()
        moments, self.moments = self.moments, self.moments[-1:]
        return moments

    def _seen(self, body: Body, *, is_deleted: bool = False) -> Pod:
        conditions = {text_at(one, "type"): one.get("status") for one in items_at(body, "status", "conditions")}
        is_going = is_deleted or bool(value_at(body, "metadata", "deletionTimestamp"))
        return Pod(_images(body) != self._old, conditions.get("Ready") == "True", is_going)

    def _is_going(self, name: str) -> bool:
        return any(place[0] == name and pod.is_going for place, pod in self._pods.items())

    def _keep(self) -> None:
        moment = Moment(dict(self._pods), _pace(self.cluster.get(self.workload) or {}))
        if not self.moments or moment.pods != self.moments[-1].pods:
            self.moments.append(moment)
        self._pods = {place: pod for place, pod in self._pods.items() if not pod.is_going}


def _place(pod: Body) -> Place:
    return text_at(pod, "metadata", "name"), text_at(pod, "metadata", "uid")


def _images(body: Body) -> set[str]:
    return {text_at(one, "image") for one in items_at(body, "spec", "containers")}


def _pace(workload: Body) -> str:
    """Return the fields that say how far a controller may go."""
    if workload.get("kind") == "StatefulSet":
        return f"partition {int_at(workload, 'spec', 'updateStrategy', 'rollingUpdate', 'partition')}"
    rolling = mapping_at(workload, "spec", "strategy", "rollingUpdate")
    seconds = int_at(workload, "spec", "minReadySeconds")
    bounds = f"maxSurge {rolling.get('maxSurge')}, maxUnavailable {rolling.get('maxUnavailable')}"
    return f"{bounds}, minReadySeconds {seconds}"


def watched(story: Story) -> Iterator[tuple[str, list[Moment]]]:
    """Play a story in a cluster of its own, and yield the name and the moments of each picture."""
    clock = WatchedTime()
    host = Host(clock=clock, redactor=Redactor(), closing=ExitStack())
    options = SessionOptions(namespace=story.workload.namespace)
    scope = Scope(options, host, Network(options.network), partial(open_sandbox, path=None))
    with Session(scope) as session:
        session.apply(story.install())
        recorder = Recorder(scope.cluster(), story.workload)
        clock.look = recorder.look
        session.apply(story.upgrade())
        yield story.pictures[0], recorder.taken()
        for name in story.pictures[1:]:
            if isinstance(story.then, AbortRequest):
                session.abort_rollout(story.then)
            else:
                session.continue_rollout(story.then)
            yield name, recorder.taken()


def drawn(moments: Sequence[Moment]) -> str:
    """Return a picture: a row for each moment, a column for each pod."""
    columns, top = _columns(moments), _MARGIN
    rows: list[str] = []
    for number, moment in enumerate(moments):
        is_paced = number == 0 or moment.pace != moments[number - 1].pace
        rows += _row(moment, columns, top, pace=moment.pace if is_paced else "")
        top += _ROW + (_PACE if is_paced else 0)
    height = top - (_ROW - _BOX) + _MARGIN
    text = " Then: ".join(f"{moment} ({moment.pace})." for moment in moments)
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
        f"<title>What the pods do</title><desc>{escape(text)}</desc><style>{_STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="6"/>',
    ]
    return "\n".join([*parts, *rows, "</svg>", ""])


def _columns(moments: Sequence[Moment]) -> dict[Place, int]:
    """Return the column of each pod. Of a StatefulSet a pod comes back in its own; else those that go first are last."""
    places = {place: pod for moment in moments for place, pod in moment.pods.items()}
    names = sorted({name for name, _ in places})
    if len(names) < len(places):
        return {place: names.index(place[0]) for place in places}

    def life(place: Place) -> tuple[object, ...]:
        words = [moment.pods[place].words if place in moment.pods else "" for moment in moments]
        there = [number for number, one in enumerate(words) if one]
        return places[place].is_new, there[0], -there[-1], words

    return {place: number for number, place in enumerate(sorted(places, key=life))}


def _row(moment: Moment, columns: Mapping[Place, int], top: int, *, pace: str) -> Iterator[str]:
    middle = top + _BOX // 2 + 5
    yield f'<text x="12" y="{middle}">{escape(str(moment))}</text>'
    if pace:
        yield f'<text class="small" x="12" y="{middle + 18}">{escape(pace)}</text>'
    for place, pod in sorted(moment.pods.items(), key=lambda one: columns[one[0]]):
        yield _square(pod, _LABEL + columns[place] * _CELL, top)


def _square(pod: Pod, left: int, top: int) -> str:
    is_filled = pod.words.endswith("ready")
    x, y, end = left + 5, top + 5, _BOX - 10
    mark = f'<text class="mark{" filled" * is_filled}" x="{left + _BOX // 2}" y="{top + 14}">{1 + pod.is_new}</text>'
    cross = f'<path d="M {x} {y} l {end} {end} m 0 {-end} l {-end} {end}"/>'
    box = f'<rect class="{pod.words}" x="{left}" y="{top}" width="{_BOX}" height="{_BOX}" rx="3"/>'
    return box + (cross if pod.is_going else mark)


def pictures(story: Story) -> dict[str, str]:
    """Return the pictures of a story by their names."""
    return {name: drawn(moments) for name, moments in watched(story)}


def main() -> None:
    """Write all pictures; those of steps that are gone are removed."""
    made = {name: picture for story in STORIES for name, picture in pictures(story).items()}
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        if path.stem not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / f"{name}.svg").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
