"""Changes to rendered objects that no template makes: patches and injections. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bundler.model.json import Body, JSONValue, leaves_in
from bundler.model.lean import dataclass, field
from bundler.model.manifest import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class PodInjection:
    """What is added to the pods of a workload."""

    containers: tuple[Body, ...] = ()
    init_containers: tuple[Body, ...] = ()
    volumes: tuple[Body, ...] = ()
    env: tuple[Body, ...] = ()
    """Variables of every container that the template has."""
    volume_mounts: tuple[Body, ...] = ()
    """Mounts of every container that the template has."""

    def changed(self, change: Callable[[tuple[Body, ...]], tuple[Body, ...]]) -> PodInjection:
        """Return the same with ``change`` made to each of its lists."""
        return PodInjection(
            containers=change(self.containers),
            init_containers=change(self.init_containers),
            volumes=change(self.volumes),
            env=change(self.env),
            volume_mounts=change(self.volume_mounts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPatch:
    """A change to the rendered objects that it fits; one of ``merge``, ``operations`` and ``injection``."""

    kind: str = "*"
    """``*`` for any, of an injection: any workload."""
    name: str = "*"
    """May hold ``*`` for any characters."""
    group: str | None = None
    """None: of any API group."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that the object must have; of an injection, its pods."""
    component: str = ""
    """Path of the component whose objects are meant, with those below it; empty: all."""
    merge: Body | None = None
    """A merge patch: mappings merge, null removes, lists with keys merge by them, all else replaces."""
    operations: tuple[Mapping[str, JSONValue], ...] = ()
    """A JSON patch."""
    injection: PodInjection | None = None
    source: Source = Source("", 0)
    """Where it is written."""

    @property
    def target(self) -> str:
        """``Deployment/web``, ``pods with app=web``."""
        labels = ",".join(f"{key}={value}" for key, value in self.labels.items())
        if self.injection is not None and self.kind == "*":
            return f"pods with {labels}" if labels else "every workload"
        return f"{self.kind}/{self.name}" + (f" with {labels}" if labels else "")

    def leaves(self) -> Iterator[JSONValue]:
        """Yield every plain value in it."""
        bodies: list[JSONValue] = [self.merge, *self.operations]
        if self.injection is not None:
            one = self.injection
            bodies += [*one.containers, *one.init_containers, *one.volumes, *one.env, *one.volume_mounts]
        for body in bodies:
            yield from leaves_in(body)
