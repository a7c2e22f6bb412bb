# The web app and the tasks (payoff etl, payoff model train, …) in one image. Nothing is fetched when it runs: the model
# comes from the lake, mounted at /lake or at PAYOFF_LAKE_URI=s3://…, where the files of batches are kept, too. What must
# outlive the container needs PAYOFF_DATABASE_URL=mysql+pymysql://…, or a volume for the SQLite file.
#
#   docker build --tag payoff .
#   docker run --read-only --tmpfs /tmp --volume "$PWD/var/lake:/lake" --publish 8000:8000 payoff

FROM node:22-slim AS assets
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.12-slim AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY payoff payoff
COPY etl etl
COPY features features
COPY training training
COPY webapp webapp
# Editable: the code finds sql/ and node_modules/ beside itself, here and in a checkout alike.
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && /opt/venv/bin/pybabel compile --directory webapp/translations

FROM python:3.12-slim
# LightGBM needs the OpenMP runtime. Debian keeps only the newest version, so a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin payoff
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY --from=assets /app/node_modules /app/node_modules
COPY sql /app/sql
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
ENTRYPOINT ["payoff"]
CMD ["serve"]
