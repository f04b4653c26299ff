"""What is deployed is what the code reads and what the other files name. Schemas are checked where a checker is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from runtime import api_settings, retention_settings, spend_settings, tracing
from runtime import settings as all_settings
from runtime.api_settings import ApiSettings
from runtime.settings import (
    ClaudeSettings,
    DatabaseSettings,
    GenerationSettings,
    LeaseSettings,
    OpenRouterSettings,
    PlanSettings,
    RedisSettings,
    SettingsSlice,
    TrafficSettings,
    WorkerSettings,
)
from runtime.spend_settings import SpendSettings
from runtime.tracing import TracingSettings
from tests.support.metrics_page import api_metrics, worker_metrics

PROJECT = Path(__file__).resolve().parents[3]
KUBERNETES = PROJECT / "ops" / "kubernetes"
OURS = ("migrate", "api", "worker-interactive", "worker-prefetch", "flower", "simulator")
NOT_OURS = re.compile(r"FLOWER_\w+")
FOREIGN_KINDS = {"ScaledObject", "PodMonitor", "Kustomization"}


def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
    return services


def objects() -> Iterator[dict[str, Any]]:
    for path in sorted(KUBERNETES.rglob("*.yml")):
        yield from yaml.safe_load_all(path.read_text())


def pods() -> dict[str, dict[str, Any]]:
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in objects()
        if each["kind"] in {"Deployment", "Job"}
    }


def variables() -> set[str]:
    """Every environment variable that some process of ours reads."""
    slices = [
        each
        for module in (all_settings, api_settings, retention_settings, spend_settings, tracing)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, SettingsSlice) and each is not SettingsSlice
    ]
    return {name.upper() for each in slices for name in each.model_fields}


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_given_only_variables_that_are_read(name: str) -> None:
    environment = compose()[name].get("environment", {})
    unknown = {name for name in environment if not NOT_OURS.fullmatch(name)} - variables()
    assert not unknown


#: What each process reads, and what compose leaves alone: the address inside, and where a file decides.
READ_BY_API = (
    *(ApiSettings, DatabaseSettings, PlanSettings, RedisSettings, SpendSettings),
    TracingSettings,
)
READ_BY_WORKERS = (
    *(ClaudeSettings, OpenRouterSettings, TrafficSettings, GenerationSettings, LeaseSettings),
    *(WorkerSettings, DatabaseSettings, PlanSettings, RedisSettings, SpendSettings),
    TracingSettings,
)
FIXED = {"API_PORT"}


@pytest.mark.parametrize(
    ("name", "slices"),
    [("api", READ_BY_API), ("worker-interactive", READ_BY_WORKERS), ("worker-prefetch", READ_BY_WORKERS)],
)
def test_every_setting_of_a_service_can_be_set_in_the_env_file(
    name: str, slices: tuple[type[SettingsSlice], ...]
) -> None:
    wanted = {field.upper() for each in slices for field in each.model_fields}
    assert wanted - FIXED - set(compose()[name]["environment"]) == set()


def test_no_service_is_given_a_secret_that_it_does_not_need() -> None:
    given = {name: set(service.get("environment", {})) for name, service in compose().items()}
    models = {"ANTHROPIC_API_KEY", "OPENROUTER_API_KEY"}
    assert {name for name in given if given[name] & models} == {"worker-interactive", "worker-prefetch"}
    assert "DATABASE_URL" not in given["flower"]
    owners = {
        name for name in OURS if "tafawoq:$" in compose()[name].get("environment", {}).get("DATABASE_URL", "")
    }
    assert owners == {"migrate"}


def test_no_password_stands_on_a_command_line() -> None:
    """Where `ps` shows it to everybody on the host; the shell inside may read it from its environment."""
    for name, service in compose().items():
        reported = f"{service.get('command')} {service.get('healthcheck')}"
        assert not re.search(r"\$\{\w*(PASSWORD|AUTH|KEY|SECRET|TOKEN)", reported), name


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_can_write_nowhere_and_gain_nothing(name: str) -> None:
    service = compose()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_ports_are_open_on_loopback_only_and_neither_store_has_one() -> None:
    for name, service in compose().items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    assert not compose()["postgres"].get("ports")
    assert not compose()["redis"].get("ports")


def test_every_long_lived_service_says_whether_it_is_well_and_comes_back() -> None:
    for name, service in compose().items():
        if name not in {"migrate", "prometheus", "grafana"}:
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_pods_have_what_compose_has() -> None:
    services = compose()
    for name, pod in pods().items():
        [container] = pod["containers"]
        assert container["command"] == services[name]["command"], name
        environment = {entry["name"] for entry in container.get("env", [])}
        assert not {each for each in environment if not NOT_OURS.fullmatch(each)} - variables(), name
        for entry in container.get("env", []):
            if re.search(r"KEY|SECRET|TOKEN|URL$|AUTH", entry["name"]):
                assert "secretKeyRef" in entry["valueFrom"], entry["name"]


def test_pods_are_not_root_and_can_write_nowhere() -> None:
    assert set(pods()) == set(OURS) - {"simulator"}
    for name, pod in pods().items():
        [container] = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["automountServiceAccountToken"] is False, name
        assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        assert "memory" in container["resources"]["limits"], name


def test_workers_are_given_longer_to_stop_than_they_take_and_are_not_judged_by_the_broker() -> None:
    grace_s = WorkerSettings.model_fields["worker_shutdown_grace_s"].default
    for name in ("worker-interactive", "worker-prefetch"):
        assert pods()[name]["terminationGracePeriodSeconds"] > grace_s + 10
        assert float(compose()[name]["stop_grace_period"].removesuffix("s")) > grace_s + 10
        [container] = pods()[name]["containers"]
        assert "celery" not in str(container["livenessProbe"])


def test_autoscaling_asks_for_metrics_that_exist() -> None:
    series = {name for metric in (*api_metrics(), *worker_metrics()) for name in metric.series}
    scaled = [each for each in objects() if each["kind"] == "ScaledObject"]
    assert {each["spec"]["scaleTargetRef"]["name"] for each in scaled} == {
        "worker-interactive",
        "worker-prefetch",
    }
    for each in scaled:
        queries = [trigger["metadata"]["query"] for trigger in each["spec"]["triggers"]]
        assert "tafawoq_queue_oldest_seconds" in queries[0]
        for query in queries:
            assert set(re.findall(r"tafawoq_\w+", query)) <= series


def test_every_object_fits_the_schema_of_its_kind() -> None:
    for each in objects():
        if each["kind"] not in FOREIGN_KINDS:
            kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def test_the_schema_of_a_kind_refuses_what_is_misspelt() -> None:
    job = next(each for each in objects() if each["kind"] == "Job")
    job["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, kubernetes_validate.latest_version(), strict=True)


def test_all_objects_are_listed_and_of_one_version() -> None:
    lists = [yaml.safe_load(path.read_text()) for path in KUBERNETES.rglob("kustomization.yml")]
    listed = {name for each in lists for name in each["resources"]}
    # The monitoring objects need operators that a cluster may not have.
    there = {path.name for path in KUBERNETES.rglob("*.yml")} - {"kustomization.yml", "monitoring.yml"}
    assert listed == there
    assert len({str(each["images"]) for each in lists}) == 1
