"""Pods start with the environment that the kubelet gives them, and the ingress shows the calls alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.api_settings import ApiSettings
from runtime.settings import (
    ClaudeSettings,
    DatabaseSettings,
    PlanSettings,
    RedisSettings,
    ServiceSettings,
    SettingsSlice,
    WorkerSettings,
    load,
)
from runtime.spend_settings import SpendSettings

KUBERNETES = Path(__file__).resolve().parents[3] / "ops" / "kubernetes"
#: What a namespace may hold beside our own Services.
OTHER_SERVICES = {"redis": 6379, "postgres": 5432, "worker-metrics": 9100, "simulator": 8100}
SECRETS = {
    "database-url": "postgresql://tafawoq_app:secret@postgres:5432/tafawoq",
    "owner-database-url": "postgresql://tafawoq:secret@postgres:5432/tafawoq",
    "redis-api-url": "redis://tafawoq_api:secret@redis:6379/0",
    "redis-worker-url": "redis://tafawoq_worker:secret@redis:6379/0",
    "redis-flower-url": "redis://tafawoq_flower:secret@redis:6379/0",
    "anthropic-api-key": "sk-ant-" + "k" * 40,
    "flower-basic-auth": "operator:" + "p" * 40,
    "api-service-token": "t" * 64,
}
WORKER = (WorkerSettings, DatabaseSettings, RedisSettings, ClaudeSettings, PlanSettings, SpendSettings)
READ: dict[str, tuple[type[SettingsSlice], ...]] = {
    "api": (ApiSettings, DatabaseSettings, RedisSettings, PlanSettings, SpendSettings, ServiceSettings),
    "worker-interactive": WORKER,
    "worker-prefetch": WORKER,
    "flower": (RedisSettings, WorkerSettings, ServiceSettings),
    "migrate": (DatabaseSettings,),
}


def objects(kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted(KUBERNETES.rglob("*.yml")):
        yield from (each for each in yaml.safe_load_all(path.read_text()) if each["kind"] == kind)


def pods() -> dict[str, dict[str, Any]]:
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for kind in ("Deployment", "Job")
        for each in objects(kind)
    }


def service_links() -> dict[str, str]:
    """Of every Service of the namespace, as `getServiceEnvVars` of the kubelet writes them."""
    services = {each["metadata"]["name"]: each["spec"]["ports"][0]["port"] for each in objects("Service")}
    links: dict[str, str] = {}
    for name, port in {**services, **OTHER_SERVICES}.items():
        prefix, address = name.upper().replace("-", "_"), f"10.96.0.{len(name)}"
        links |= {
            f"{prefix}_SERVICE_HOST": address,
            f"{prefix}_SERVICE_PORT": str(port),
            f"{prefix}_PORT": f"tcp://{address}:{port}",
            f"{prefix}_PORT_{port}_TCP": f"tcp://{address}:{port}",
            f"{prefix}_PORT_{port}_TCP_PROTO": "tcp",
            f"{prefix}_PORT_{port}_TCP_PORT": str(port),
            f"{prefix}_PORT_{port}_TCP_ADDR": address,
        }
    return links


def rendered(pod: dict[str, Any]) -> dict[str, str]:
    """The environment of the pod's container: links, then envFrom, then env; later ones win."""
    [container] = pod["containers"]
    links = service_links() if pod.get("enableServiceLinks", True) else {}
    given = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_PORT": "tcp://10.96.0.1:443", **links}
    maps = {each["metadata"]["name"]: each["data"] for each in objects("ConfigMap")}
    for source in container.get("envFrom", []):
        given |= maps[source["configMapRef"]["name"]]
    for entry in container.get("env", []):
        if "value" in entry:
            given[entry["name"]] = entry["value"]
        elif (key := entry["valueFrom"]["secretKeyRef"]["key"]) in SECRETS:
            given[entry["name"]] = SECRETS[key]
        else:
            assert entry["valueFrom"]["secretKeyRef"]["optional"], entry["name"]
    return given


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)  # no .env there
    return monkeypatch


@pytest.mark.parametrize("links", ["as the manifest says", "on all the same"])
@pytest.mark.parametrize("name", READ)
def test_a_pod_starts_with_what_the_kubelet_gives_it(
    name: str, links: str, environment: pytest.MonkeyPatch
) -> None:
    assert set(READ) == set(pods())
    pod = pods()[name]
    if links == "on all the same":
        pod["enableServiceLinks"] = True
    for variable, value in rendered(pod).items():
        environment.setenv(variable, value)

    for read in READ[name]:
        load(read)
    if name == "api":
        assert load(ApiSettings).api_port == 8000


@pytest.mark.parametrize("name", READ)
def test_no_variable_of_a_pod_is_a_service_link(name: str) -> None:
    """Flower reads FLOWER_PORT itself, before any code of ours."""
    ours = {
        name: value for name, value in rendered(pods()[name]).items() if not name.startswith("KUBERNETES_")
    }
    assert not [variable for variable, value in ours.items() if value.startswith("tcp://")]


@pytest.mark.parametrize("link", ["tcp://10.96.0.12:80", "udp://10.96.0.12:80", "tcp://[fd00::12]:80"])
def test_a_service_link_is_no_setting(environment: pytest.MonkeyPatch, link: str) -> None:
    environment.setenv("TAFAWOQ_ENV", "development")
    environment.setenv("API_PORT", link)
    environment.setenv("WORKER_METRICS_PORT", link)
    assert (load(ApiSettings).api_port, load(WorkerSettings).worker_metrics_port) == (8000, 0)


def test_the_ingress_shows_the_calls_alone() -> None:
    paths = [
        path
        for each in objects("Ingress")
        for rule in each["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    assert all("defaultBackend" not in each["spec"] for each in objects("Ingress"))

    def reachable(url: str) -> bool:
        """As Kubernetes defines Prefix: element by element."""
        elements = url.strip("/").split("/")
        wanted = [path["path"].strip("/").split("/") for path in paths if path["pathType"] == "Prefix"]
        return any(elements[: len(each)] == each for each in wanted)

    assert {path["pathType"] for path in paths} == {"Prefix"}
    assert all(map(reachable, ("/api/exams", "/api/practice", "/api/exams/1/events")))
    inside = ("/metrics", "/metrics/", "/healthz", "/readyz", "/", "/docs", "/flower/metrics", "/apimetrics")
    assert not any(map(reachable, inside))
    assert {path["backend"]["service"]["name"] for path in paths} == {"api"}


@pytest.mark.parametrize("name", READ)
def test_no_pod_runs_as_root_or_in_the_root_group(name: str) -> None:
    context = pods()[name]["securityContext"]
    assert context["runAsNonRoot"]
    assert min(context["runAsUser"], context["runAsGroup"]) >= 10_000


def ports_out(part: str) -> set[int] | None:
    """The ports that a pod of this part may connect to; None: nothing limits them."""
    labels, found, is_limited = {"app": "tafawoq", "part": part}, set(), False
    for policy in (each["spec"] for each in objects("NetworkPolicy")):
        selector = policy["podSelector"]
        chosen = selector["matchLabels"].items() <= labels.items() and all(
            labels[rule["key"]] in rule["values"] for rule in selector.get("matchExpressions", [])
        )
        if chosen and "Egress" in policy["policyTypes"]:
            is_limited = True
            found |= {port["port"] for rule in policy.get("egress", []) for port in rule["ports"]}
    return found if is_limited else None


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("api", {53, 5432, 6543, 6379, 6380, 443, 4318}),
        ("worker-interactive", {53, 5432, 6543, 6379, 6380, 443, 4318}),
        ("worker-prefetch", {53, 5432, 6543, 6379, 6380, 443, 4318}),
        ("flower", {53, 6379, 6380}),
        ("migrate", {53, 5432, 6543}),
    ],
)
def test_a_pod_reaches_its_servers_and_no_other_port(name: str, may: set[int]) -> None:
    assert set(READ) == set(pods())
    assert ports_out(name) == may
