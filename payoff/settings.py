"""Settings, read once from ``PAYOFF_*`` variables and ``.env``.

Nothing else in the project reads the environment, except that ``training.tracking`` reads MLflow's own variables, and
``webapp.observing`` prometheus_client's.
"""

import os
from pathlib import Path
from typing import Annotated, Any

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from payoff.choices import Challenger, LogFormat
from payoff.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Every setting with its default and meaning. Relative paths count from the working directory."""

    # What may hold a password is left out of repr, which ends up in logs.
    model_config = SettingsConfigDict(env_prefix="PAYOFF_", env_file=".env", extra="ignore", frozen=True)

    source: str = Field(
        "archive",
        repr=False,
        description="Where the bank's tables come from: `archive`, a directory or zip of .asc files, `ctu`, "
        "or a mysql+pymysql:// URL with the layout of ctu.",
    )
    warehouse_url: str = Field(
        "duckdb:///var/warehouse.duckdb",
        repr=False,
        description="duckdb:///FILE or mysql+pymysql://USER:PASSWORD@HOST/DATABASE; `…//USER@HOST/DATABASE?auth=iam` "
        "signs in to RDS with IAM tokens, `…//HOST/DATABASE?secret=NAME_OR_ARN` with what Secrets Manager holds.",
    )
    warehouse_read_url: str | None = Field(
        None,
        repr=False,
        description="The same database as another user, who may only read: for export, features and account lookups. "
        "Without it, they use `PAYOFF_WAREHOUSE_URL`.",
    )
    lake_uri: str = Field("var/lake", description="A directory, file:///DIRECTORY, or s3://BUCKET/PREFIX.")
    database_url: str = Field(
        "sqlite:///var/payoff.sqlite",
        repr=False,
        description="The web app's own tables: sqlite:///FILE, or MariaDB in the forms of `PAYOFF_WAREHOUSE_URL`.",
    )
    mariadb_ca: Path | None = Field(
        None,
        description="A file with the certificates that alone may vouch for a MariaDB server. Needed outside this "
        "machine, where MariaDB is reached over TLS only.",
    )
    s3_endpoint_url: str | None = Field(None, description="An S3-compatible server other than AWS.")
    export_instance: str | None = Field(
        None, description="The RDS instance whose snapshots `payoff etl export --via snapshot` takes and exports."
    )
    export_role_arn: str | None = Field(None, description="The role with which AWS writes such an export.")
    export_kms_key: str | None = Field(None, description="The KMS key it is encrypted with: ARN, identifier or alias.")
    export_uri: str | None = Field(None, description="s3://BUCKET/PREFIX that AWS writes it to.")
    var_dir: Path = Field(Path("var"), description="Caches, rejected rows and the generated secret key.")
    secret_key: SecretStr | None = Field(
        None, description="Signs form tokens. Without it, one is generated and kept in the var directory."
    )
    challenger: Challenger = Field(
        "off",
        description="What the challenger does: `off`; `shadow` scores every loan beside the champion, unseen; `split` "
        "answers a fixed share of the applications.",
    )
    challenger_share: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="The share of applications that `split` gives to the challenger."
    )
    retention_days: Annotated[int, Field(ge=1)] = Field(
        730, description="Days that a prediction is kept; `payoff predictions purge` deletes older ones."
    )
    api_rate: str = Field("600/minute", description="How often one API key may ask; any `N/second|minute|hour|day`.")
    form_rate: str = Field(
        "120/minute", description="How often one address may send the form, or ask what would change an answer."
    )
    login_rate: str = Field("10/minute", description="How often one address may try to log in.")
    trusted_proxies: Annotated[int, Field(ge=0, le=8)] = Field(
        0,
        description="Proxies in front of the web app that each add the address they were asked from to "
        "`X-Forwarded-For`, and set `X-Forwarded-Proto`; without any, both headers count for nothing.",
    )
    host: str = Field("127.0.0.1", description="Address the web app listens on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8000, description="Port the web app listens on.")
    gather: Annotated[int, Field(ge=1, le=1000)] = Field(
        64, description="How many questions that wait at the same time share a model call, and a transaction."
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(2, description="Web server processes.")
    metrics_token: SecretStr | None = Field(
        None,
        description="Whoever sends it as a bearer token may read `/metrics`; without it, only this machine itself may.",
    )
    log_format: LogFormat = Field(
        "text",
        description="How `payoff serve` writes its log: `text`, or `json`, an object a line, with a line for each "
        "request.",
    )
    queue: Annotated[int, Field(ge=1, le=100_000)] = Field(
        256,
        description="Requests that may wait for a thread in each process; one more is answered with 503, to be asked "
        "again in a second.",
    )

    @property
    def reading_url(self) -> str:
        """The URL of the warehouse for those who only read."""
        return self.warehouse_read_url or self.warehouse_url


def unknown_variables() -> list[str]:
    """Variables named ``PAYOFF_…``, of the environment and of ``.env``, that are no setting."""
    known = {f"PAYOFF_{name}".upper() for name in Settings.model_fields}
    given = {name.upper() for name in (*os.environ, *dotenv_values(".env"))}
    return sorted(name for name in given - known if name.startswith("PAYOFF_"))


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment; ``overrides`` (None means not given) win.

    Raises
    ------
    SettingsError
        A variable has a value that its setting cannot take.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(
            f"PAYOFF_{str(item['loc'][0]).upper()}={item['input']!r}: {item['msg']}" for item in error.errors()
        )
        raise SettingsError(f"{problems}. `payoff settings` lists every setting with its default.") from error
