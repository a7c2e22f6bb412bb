# The web app, the tasks (payoff etl, payoff model train, …) and the Lambda function (payoff lambda) in one image. Nothing is
# fetched when it runs: the model comes from the lake, mounted at /lake or at PAYOFF_LAKE_URI=s3://…, where the files of
# batches are kept, too. What must outlive the container needs PAYOFF_DATABASE_URL=mysql+pymysql://…, or a volume for the
# SQLite file. docs/container.md has the rest; `make container` builds this and tries it.
#
#   docker build --tag payoff .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --volume "$PWD/var/lake:/lake:ro" --publish 8000:8000 payoff

# Other bases of Debian will do: `python` 3.11 or newer with venv in the one, npm in the other.
ARG PYTHON_IMAGE=python:3.12-slim
ARG NODE_IMAGE=node:22-slim

# Behind a proxy or a registry of one's own, the secrets `pip` (a pip.conf), `npm` (an npmrc) and `ca` (certificates) are there
# while packages are fetched, and in no layer.
FROM ${NODE_IMAGE} AS assets
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=npm,target=/root/.npmrc --mount=type=secret,id=ca \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# Some 20 MB of them are other themes and source maps. webapp/vendored.py has the list of what is served.
RUN find node_modules -type f ! -name pico.min.css ! -name swagger-ui.css ! -name swagger-ui-bundle.js ! -iname 'license*' \
    -delete

FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
# To strip compiled code. Debian keeps only the newest version, so a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.lock ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-compile --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY payoff payoff
COPY etl etl
COPY features features
COPY training training
COPY webapp webapp
COPY sql sql
# Editable: the code finds sql/ and node_modules/ beside itself, here and in a checkout alike. Compiled here, because a
# read-only container could not keep what it compiles, and would do so at every start.
COPY infra/container/slim.py /opt/slim.py
RUN /opt/venv/bin/pip install --no-cache-dir --no-compile --no-deps --no-build-isolation --editable . \
    && /opt/venv/bin/pybabel compile --directory webapp/translations \
    && python /opt/slim.py /opt/venv \
    && python -m compileall -q -x '/site-packages/pip/' --invalidation-mode unchecked-hash /opt/venv/lib /app

FROM ${PYTHON_IMAGE}
# LightGBM needs the OpenMP runtime; tini hands signals on, which a task that is process 1 would not hear.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin payoff
# Certificates to trust, if somebody put them there: see its README.
COPY infra/container/trust /opt/payoff
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY --from=assets /app/node_modules /app/node_modules
# What is written at run time lies under /tmp, so that the root file system can be read-only.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PAYOFF_HOST=0.0.0.0 \
    PAYOFF_PORT=8000 \
    PAYOFF_VAR_DIR=/tmp/payoff \
    PAYOFF_DATABASE_URL=sqlite:////tmp/payoff/payoff.sqlite \
    PAYOFF_WAREHOUSE_URL=duckdb:////tmp/payoff/warehouse.duckdb \
    PAYOFF_LAKE_URI=/lake
WORKDIR /tmp
# Declared, so that what is mounted here takes over the rights of /tmp and the user below can write to it: Fargate asks for it.
VOLUME /tmp
USER 10001
EXPOSE 8000
# The same variable as the server reads, so that both always mean the same port.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PAYOFF_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["tini", "--", "payoff"]
CMD ["serve"]
