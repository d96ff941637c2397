"""Sessions: what is asked of them comes to what is asked for, and no session knows of another."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from bundler import (
    Accepted,
    Acquired,
    BundlerError,
    ChangeFinished,
    ListQuery,
    NetworkRules,
    Notice,
    ObjectRef,
    Payload,
    ReleaseRequest,
    Retrying,
    RollbackRequest,
    RunOptions,
    Session,
    SessionOptions,
    UninstallRequest,
    Values,
    Warned,
)
from bundler.concurrency import map_parallel
from bundler.errors import InterruptedRunError, UsageError
from bundler.errors.bundle import ValuesFileError, ValuesInvalidError
from bundler.errors.change import LockLostError, ReleaseLockedError, ReleaseNotFoundError
from bundler.errors.cluster import KubeconfigError
from bundler.errors.delivery import OfflineError
from bundler.http.proxy import parse_server
from bundler.library.system_clock import SystemClock
from bundler.storage.holder import account
from tests.lib.bundles import make_bundle
from tests.lib.clocks import FakeClock
from tests.lib.sessions import reaches_anything

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '{{ values.x }}'}\n"


@pytest.fixture(autouse=True)
def _time_passes_only_when_someone_sleeps(monkeypatch):
    monkeypatch.setattr("bundler.library.session.SystemClock", FakeClock)


@pytest.fixture
def real_time(monkeypatch):
    """Time that a thread sleeps through would pass for all of them."""
    monkeypatch.setattr("bundler.library.session.SystemClock", SystemClock)


@pytest.fixture
def menu(tmp_path: Path) -> str:
    return str(make_bundle(tmp_path, {"templates/a.yaml": CONFIG_MAP, "values.yaml": "x: one\n"}))


def asked(menu: str, x: str = "one") -> ReleaseRequest:
    return ReleaseRequest(bundle=menu, release="shop", values=Values(data={"x": x}))


def test_a_plan_that_was_shown_is_carried_out_and_one_that_differs_is_not(menu):
    with Session.sandbox() as session:
        shown = session.plan(asked(menu))
        assert session.apply(asked(menu, "two"), approve=shown).is_declined
        assert session.releases() == ()
        assert session.apply(asked(menu), approve=shown).revision is not None


def test_a_no_leaves_everything_as_it_is(menu):
    with Session.sandbox() as session:
        assert session.apply(asked(menu), approve=lambda proposal: False).is_declined
        assert session.releases() == ()


def test_the_cluster_of_a_session_works_longer_than_a_call_and_so_does_a_watch():
    names = ListQuery(group="", kind="ConfigMap", namespace="default", field_selector="metadata.name=a")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
    with Session.sandbox(options=SessionOptions(timeout_s=5)) as session:
        cluster, start = session.cluster, session.cluster.list(names).resource_version
        cluster.create(Payload.of(body))
        events = cluster.watch(names, resource_version=start, timeout_s=10)
        assert [event.type for event in events] == ["ADDED", "BOOKMARK"]
        assert session.scope.host.clock.monotonic() >= 10
        assert cluster.get(Payload.of(body).ref) is not None
        assert cluster.delete(Payload.of(body).ref)
        assert cluster.list(names).items == ()


def test_waiting_for_an_event_of_a_watch_has_the_time_of_the_watch_on_top_of_that_of_a_call():
    query = ListQuery(group="", kind="ConfigMap", namespace="default")
    with Session.sandbox(options=SessionOptions(timeout_s=5)) as session:
        clock, left = session.scope.host.clock, []
        nap = clock.sleep
        clock.sleep = lambda seconds: (left.append(session.scope.budget_s()), nap(seconds))
        start = session.cluster.list(query).resource_version
        events = session.cluster.watch(query, resource_version=start, timeout_s=8)
        assert [event.type for event in events] == ["BOOKMARK"]
        assert (left[0], min(left) > 5) == (13, True)


def test_a_session_without_a_cluster_has_none_for_objects_of_ones_own():
    with Session.local() as session, pytest.raises(UsageError):
        session.cluster  # noqa: B018


def test_a_session_that_acts_as_a_service_account_records_it_and_who_it_is(menu):
    chef = "system:serviceaccount:prod:chef"
    with Session.sandbox(options=SessionOptions(impersonate=chef)) as session:
        identity = session.identity()
        assert (identity.user, identity.acted_by) == (chef, "sandbox")
        done = session.apply(asked(menu))
        assert done.revision.authorship.user == done.revision.summary.user == f"{chef} (by sandbox)"
        assert session.history("shop")[0].user == f"{chef} (by sandbox)"


@pytest.mark.parametrize(
    "name",
    [
        "chef",
        "prod/chef",
        "system:admin",
        "system:serviceaccount:prod",
        "system:serviceaccount::chef",
        "system:serviceaccount:prod:",
        "system:serviceaccount:prod:Chef",
        "system:serviceaccount:prod:a\nb",
    ],
)
def test_a_session_acts_as_nothing_that_cannot_be_a_service_account(name, tmp_path):
    with pytest.raises(UsageError, match="whom the session acts as") as caught:
        Session.sandbox(options=SessionOptions(impersonate=name))
    assert "system:serviceaccount:NAMESPACE:NAME" in caught.value.hint


def test_where_the_cluster_does_not_report_rights_none_is_missing(menu):
    with Session.sandbox() as session:
        assert session.missing_rights(asked(menu)) == ()
        session.apply(asked(menu))
        assert session.missing_rights(RollbackRequest(release="shop", revision=1)) == ()
        with pytest.raises(ReleaseNotFoundError):
            session.missing_rights(UninstallRequest(release="other"))


def test_what_was_read_once_is_not_read_again(menu, tmp_path):
    values = tmp_path / "values-prod.yaml"
    values.write_text("x: two\n")
    with Session.sandbox() as session:
        request = session.read(ReleaseRequest(bundle=menu, release="shop", values=Values(files=(str(values),))))
        values.unlink()
        (Path(menu) / "bundle.yaml").unlink()
        session.apply(request)
        assert session.revision("shop").user_values == {"x": "two"}


def test_a_mapping_stands_over_files_and_is_recorded(menu, tmp_path):
    (tmp_path / "a.yaml").write_text("x: from the file\n")
    values = Values(files=(str(tmp_path / "a.yaml"),), data={"x": "from the mapping"})
    with Session.sandbox() as session:
        session.apply(ReleaseRequest(bundle=menu, release="shop", values=values))
        assert session.revision("shop").user_values == {"x": "from the mapping"}


def test_values_of_the_environment_are_those_that_the_options_give(menu):
    from bundler.model.values import AssignmentKind

    given = Values(assignments=((AssignmentKind.ENV, "x=GREETING"),))
    request = ReleaseRequest(bundle=menu, release="shop", values=given)
    with Session.local(options=SessionOptions(environment={"GREETING": "hello"})) as session:
        assert "hello" in session.render(request).text
    with Session.local() as session, pytest.raises(ValuesFileError):
        session.render(request)


def test_standard_input_is_never_read(menu):
    with Session.local() as session, pytest.raises(ValuesFileError, match="reading values from -"):
        session.render(ReleaseRequest(bundle=menu, values=Values(files=("-",))))


def test_resetting_and_reusing_values_at_once_is_refused(menu):
    request = ReleaseRequest(bundle=menu, release="shop", resets_values=True, reuses_values=True)
    with Session.sandbox() as session, pytest.raises(UsageError):
        session.plan(request)


def test_a_session_without_a_cluster_says_how_to_get_one(menu):
    with Session.local() as session, pytest.raises(UsageError) as caught:
        session.plan(asked(menu))
    assert "Session.connect" in caught.value.hint


def test_a_kubeconfig_that_is_not_there_is_said_when_the_session_is_opened(tmp_path):
    with pytest.raises(KubeconfigError, match="reading the kubeconfig"):
        Session.connect(kubeconfig=tmp_path / "none", context="prod")
    with pytest.raises(KubeconfigError, match="looking for a cluster"):
        Session.connect(options=SessionOptions(home=tmp_path))


def test_in_cluster_outside_of_a_pod_names_the_missing_file(tmp_path):
    with pytest.raises(KubeconfigError) as caught:
        Session.in_cluster(folder=tmp_path)
    assert caught.value.context == (f"{tmp_path / 'token'}: there is no such file",)


def test_the_namespace_is_that_of_the_request_else_of_the_session(menu):
    with Session.sandbox(options=SessionOptions(namespace="one")) as session:
        session.apply(asked(menu))
        session.apply(ReleaseRequest(bundle=menu, release="shop", namespace="two"))
        assert [one.namespace for one in session.releases(namespace=None)] == ["one", "two"]
        assert [one.namespace for one in session.releases()] == ["one"]
        session.uninstall(UninstallRequest(release="shop", namespace="two"))
        with pytest.raises(ReleaseNotFoundError):
            session.status("shop", namespace="two")


def test_what_is_recorded_says_why_and_by_which_command(menu):
    options = SessionOptions(command="deploy.py --stage prod")
    with Session.sandbox(options=options) as session:
        session.apply(ReleaseRequest(bundle=menu, release="shop", reason="first"))
        session.apply(asked(menu, "two"))
        back = session.rollback(RollbackRequest(release="shop", reason="two was wrong"))
    assert back.revision is not None
    assert (back.revision.authorship.reason, back.revision.authorship.command) == (
        "two was wrong",
        "deploy.py --stage prod",
    )


def test_events_come_in_order_and_the_result_after_them(menu):
    with Session.sandbox() as session:
        run = session.begin(asked(menu))
        written = [event.ref.short for event in run if isinstance(event, ChangeFinished)]
        assert written == ["ConfigMap/a"]
        assert list(run) == []
        assert run.result().revision is not None


def test_the_sandbox_says_that_no_operator_acts_on_a_custom_object_and_does_not_wait_for_it():
    request = ReleaseRequest(
        bundle="operator", release="party", values=Values(data={"guests": {"ada": {"name": "Ada"}}})
    )
    with Session.sandbox(options=SessionOptions(timeout_s=60)) as session:
        run = session.begin(request)
        warnings = [event.text for event in run if isinstance(event, Warned)]
        assert run.result().revision.summary.status == "deployed"
    assert [text.partition(": ")[0] for text in warnings] == ["Guest/ada"]
    assert "no operator runs" in warnings[0]


def test_the_error_of_a_run_is_raised_where_its_result_is_asked_for(menu):
    with Session.sandbox() as session:
        run = session.begin(RollbackRequest(release="shop"))
        assert list(run) == []
        with pytest.raises(ReleaseNotFoundError):
            run.result()


def test_a_run_that_is_asked_to_stop_stops(menu):
    with Session.sandbox() as session:
        session.scope.cluster().fail("Pod", "never", "CrashLoopBackOff")  # type: ignore[attr-defined]
        begun = threading.Event()

        def approve(proposal: object) -> bool:
            begun.set()
            return True

        run = session.begin(ReleaseRequest(bundle="webapp", release="shop"), approve=approve)
        begun.wait()
        run.stop()
        with pytest.raises(InterruptedRunError):
            run.result()
        assert str(session.history("shop")[-1].status) == "interrupted"


def test_a_session_that_is_closed_ends_its_runs_first(tmp_path):
    path = tmp_path / "sandbox.db"
    with Session.sandbox(path=path) as session:
        session.scope.cluster().fail("Deployment", "shop", "NotReady")  # type: ignore[attr-defined]
        run = session.begin(ReleaseRequest(bundle="webapp", release="shop"))
        next(event for event in run if isinstance(event, ChangeFinished))
    assert run.is_over
    with pytest.raises(InterruptedRunError):
        run.result()
    with Session.sandbox(path=path) as session:
        assert [str(one.status) for one in session.history("shop")] == ["interrupted"]


def test_a_mapping_that_no_values_file_could_hold_is_refused_with_the_path(menu):
    values = Values(data={"a": {"b": [1, {2: "x"}]}, "c": Path("d"), "e": float("nan"), "f": (1, None, True, 2.5)})  # type: ignore[dict-item]
    with Session.local() as session, pytest.raises(ValuesFileError) as caught:
        session.render(ReleaseRequest(bundle=menu, values=values))
    assert caught.value.context == (
        "a.b[1]: the key 2 is not a string",
        "c: PosixPath is not a value",
        "e: nan is not a number",
    )


def test_a_session_without_a_cache_fetches_into_a_folder_of_its_own_that_goes_with_it():
    with Session.local() as session:
        folder = session.scope.cache_folder()
        assert session.scope.cache_folder() == folder
        assert folder.is_dir()
    assert not folder.exists()


def test_secrets_are_masked_in_errors_and_events_of_a_session(tmp_path):
    schema = '{"properties": {"password": {"type": "string", "writeOnly": true, "maxLength": 3}}}'
    menu = str(make_bundle(tmp_path, {"values.yaml": "password: a\n", "values.schema.json": schema}))
    values = Values(data={"password": "correct horse battery staple"})
    with Session.sandbox() as session, pytest.raises(ValuesInvalidError) as caught:
        session.plan(ReleaseRequest(bundle=menu, release="shop", values=values))
    error = caught.value
    assert error.context
    assert "battery" not in repr([error.args, error.hint, [getattr(line, "about", line) for line in error.context]])


@pytest.mark.medium
def test_two_sessions_side_by_side_know_nothing_of_each_other(menu, real_time):
    """Each has its own cluster, its own time, its own listeners, its own fence and its own secrets."""
    both = threading.Barrier(2)
    heard: dict[str, list[str]] = {"one": [], "two": []}
    errors: list[BaseException] = []

    def work(name: str) -> None:
        options = SessionOptions(namespace=name, network=NetworkRules(offline=name == "one"))
        try:
            with Session.sandbox(options=options) as session:
                both.wait()
                for x in ("a", "b", "c"):
                    request = asked(menu, f"{name}-{x}")
                    session.apply(request, on_event=lambda event: heard[name].append(repr(event)))
                both.wait()
                assert [one.namespace for one in session.releases(namespace=None)] == [name]
                assert len(session.history("shop")) == 3
                assert reaches_anything(session) is (name == "two")
        except BaseException as error:
            errors.append(error)
            both.abort()

    threads = [threading.Thread(target=work, args=(name,)) for name in heard]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(heard.values())
    assert [text for text in heard["one"] if "'two'" in text] == []
    assert [text for text in heard["two"] if "'one'" in text] == []


def test_one_session_serves_several_threads(menu, real_time):
    teams = ["a", "b", "c"]
    with Session.sandbox() as session:
        map_parallel(lambda team: session.apply(ReleaseRequest(bundle=menu, release="shop", namespace=team)), teams)
        assert [one.namespace for one in session.releases(namespace=None)] == teams


def test_a_session_that_is_offline_reaches_no_registry_and_the_other_may(menu):
    offline = Session.local(options=SessionOptions(network=NetworkRules(offline=True)))
    online = Session.local()
    server = parse_server("https://registry.example:5000")
    with offline, online:
        online.scope.network.fence.check(server)
        with pytest.raises(OfflineError):
            offline.acquire("oci://127.0.0.1:1/acme/shop:1.0.0")
        with pytest.raises(OfflineError):
            offline.scope.network.fence.check(server)


def test_what_a_library_opens_inside_of_a_call_is_held_to_the_fence_of_that_session(menu):
    """Side by side: the same server, which one session may reach and the other may not."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()

    def reached(*, offline: bool) -> bool:
        tried: list[bool] = []

        def connect(proposal: object) -> bool:
            del proposal
            try:
                socket.create_connection(address).close()
            except OfflineError:
                tried.append(False)
            else:
                tried.append(True)
            return False

        with Session.sandbox(options=SessionOptions(network=NetworkRules(offline=offline))) as session:
            session.apply(asked(menu), approve=connect)
        return tried == [True]

    with listener:
        assert [reached(offline=offline) for offline in (True, False, True)] == [False, True, False]
        assert map_parallel(lambda offline: reached(offline=offline), [True, False]) == [False, True]


def test_texts_of_events_are_masked(menu):
    heard: list[object] = []
    with Session.sandbox() as session:
        session.scope.host.redactor.learn("correct horse battery staple")
        text = "it is correct horse battery staple"
        with session.scope.calling(heard.append):
            for event in (Notice(text), Warned(text), Acquired(text), Retrying(text, 1, text)):
                session.scope.report(event)
    assert len(heard) == 4
    assert "battery" not in repr(heard)


def test_without_waiting_the_revision_says_so(menu):
    with Session.sandbox() as session:
        done = session.apply(asked(menu), options=RunOptions(waits=False))
    assert done.revision is not None
    assert not done.revision.summary.is_waited


def test_an_older_version_is_refused_unless_it_is_accepted(tmp_path):
    new = str(make_bundle(tmp_path / "new", {"templates/a.yaml": "# x\n"}, version="2.0.0"))
    old = str(make_bundle(tmp_path / "old", {"templates/a.yaml": "# x\n"}, version="1.0.0"))
    with Session.sandbox() as session:
        session.apply(ReleaseRequest(bundle=new, release="shop"))
        with pytest.raises(BundlerError):
            session.plan(ReleaseRequest(bundle=old, release="shop"))
        accepted = ReleaseRequest(bundle=old, release="shop", accepted=Accepted(downgrade=True))
        assert session.plan(accepted).plan.is_empty


def test_a_session_that_names_no_user_records_the_account_of_its_process(menu):
    for user, recorded in (("ada", "ada"), ("", account())):
        with Session.sandbox(options=SessionOptions(user=user)) as session:
            session.apply(asked(menu))
            (entry,) = session.trail()
        assert entry.authorship.account == recorded


def test_of_several_copies_of_a_program_one_holds_the_lease(tmp_path, real_time):
    path, options = tmp_path / "sandbox.db", SessionOptions(lock_duration_s=30.0)
    with Session.sandbox(path=path, options=options) as one, Session.sandbox(path=path, options=options) as other:
        with one.lease("my-program") as held:
            held.held()
            with pytest.raises(ReleaseLockedError) as caught, other.lease("my-program"):
                pytest.fail("two hold it")
            assert "my-program" in str(caught.value)
            assert "unlock" not in caught.value.hint
            with other.lease("another-program"):
                pass
        with other.lease("my-program"):
            pass
        with pytest.raises(UsageError), one.lease("bundler.shop"):
            pytest.fail("it is the lock of a release")


def test_a_lease_that_is_deleted_is_lost_and_its_holder_notices(real_time):
    lease = ObjectRef("coordination.k8s.io", "Lease", "default", "my-program")
    with Session.sandbox(options=SessionOptions(lock_duration_s=30.0)) as session, session.lease("my-program") as held:
        assert session.cluster.delete(lease)
        with pytest.raises(LockLostError):
            held.confirm()


def test_a_lease_is_held_for_longer_than_a_call_may_take(real_time):
    options = SessionOptions(lock_duration_s=1.0, timeout_s=0.5)
    with Session.sandbox(options=options) as session, session.lease("my-program") as held:
        for _ in range(4):
            time.sleep(0.3)
            held.confirm()
