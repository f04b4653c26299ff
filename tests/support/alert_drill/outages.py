"""Scenes in which something is gone: workers, the stores, the API."""

from __future__ import annotations

import json
import signal

from cryptography.hazmat.primitives.asymmetric import ec

from tests.integration.stack.student import Student
from tests.support.alert_drill.load import hurried, students
from tests.support.alert_drill.record import Record
from tests.support.alert_drill.ward import Ward
from tests.support.published_keys import published
from tests.support.raw_server import RawServer, json_reply, status
from tests.support.stack import TEST_WORKERS


def no_worker(ward: Ward, record: Record) -> None:
    record.calm("NoWorker", "StudentsWait")
    record.fault("Every worker is killed; a student asks for an exam.")
    for spec in TEST_WORKERS:
        ward.kill_worker(spec.name)
    Student(ward.api_url).begin({"track": "scientific"}, prefer="respond-async")
    record.fires("NoWorker", "StudentsWait")
    record.remedy("`docker compose up -d worker-interactive worker-prefetch`")
    ward.start_workers()
    record.ends("NoWorker", "StudentsWait")


def no_redis(ward: Ward, record: Record) -> None:
    with students(ward.api_url, 2, hurried):
        record.calm("RedisAway")
        record.fault("Redis is killed while students ask.")
        ward.redis.end(signal.SIGKILL)
        record.fires("RedisAway")
        record.remedy("Start it.")
        ward.redis.succeed()
        record.ends("RedisAway")


def no_postgres(ward: Ward, record: Record) -> None:
    with students(ward.api_url, 2, hurried):
        record.calm("PostgresAway", "ApiFails")
        record.fault("Postgres is killed while students ask.")
        ward.postgres.end(signal.SIGKILL)
        record.fires("PostgresAway", "ApiFails")
        record.remedy("Start it.")
        ward.postgres.succeed()
        record.ends("PostgresAway", "ApiFails")


def no_api(ward: Ward, record: Record) -> None:
    record.calm("ApiDown")
    record.fault("The API is killed.")
    ward.kill_api()
    record.fires("ApiDown")
    record.remedy("`docker compose up -d api`")
    ward.start_api()
    record.ends("ApiDown")


def no_signing_keys(ward: Ward, record: Record) -> None:
    keys = json_reply(json.loads(published({"kid": ec.generate_private_key(ec.SECP256R1())})))
    with RawServer(keys).running() as endpoint:
        ward.environment |= {"SUPABASE_JWKS_URL": endpoint.url, "SUPABASE_JWKS_REFRESH_S": "10"}
        _restart_api(ward)
        record.calm("SigningKeysOld")
        record.fault("The endpoint of the signing keys answers 503.")
        endpoint.script = status(503)
        record.fires("SigningKeysOld")
        record.remedy("The endpoint answers again.")
        endpoint.script = keys
        record.ends("SigningKeysOld")
    del ward.environment["SUPABASE_JWKS_URL"]  # the next student has no token
    _restart_api(ward)


def _restart_api(ward: Ward) -> None:
    ward.kill_api()
    ward.start_api()
    ward.await_api()
