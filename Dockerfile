# Two stages: the first has pip and its caches, the second only what runs.
# To ship, name the base by its digest: docs/operations.md says how.
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The locks are whole: nothing is resolved, and nothing that is not locked is fetched.
COPY requirements/production.txt requirements/build.txt requirements/
RUN pip install --no-deps --require-hashes -r requirements/build.txt
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-deps --require-hashes -r requirements/production.txt
COPY . .
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/venv/bin/pip install --no-deps /wheels/*.whl && /opt/venv/bin/pip check

FROM ${PYTHON_IMAGE}
RUN groupadd --system tafawoq && useradd --system --gid tafawoq --no-create-home tafawoq
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/venv /opt/venv
# Migrations are run from files, by the one-shot service; the packages themselves are installed packages.
WORKDIR /srv
COPY alembic.ini ./
COPY alembic alembic
COPY worker/flowerconfig.py ./
# Owned by the account, so that the volume made here is, too.
RUN install -d -o tafawoq -g tafawoq /data
USER tafawoq
# exec form everywhere: the process is PID 1 and receives SIGTERM itself
CMD ["python", "-m", "api"]
