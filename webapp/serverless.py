"""The web app on AWS Lambda: one function behind API Gateway, a function URL or a load balancer.

``payoff lambda``, the command of a function that is made of the container image, makes app and model in the time that
Lambda gives a function to start, and then answers one invocation after the other. Between them Lambda stops every
thread, and it takes the machine away without a word. So whatever must last lies elsewhere, and no batch is worked off
here.
"""

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from payoff.errors import SettingsError
from payoff.lake import Lake
from payoff.registry import SERVED
from payoff.settings import Settings, load_settings
from webapp import create_app
from webapp.invocations import Event, Handler, answering
from webapp.serving import Models
from webapp.warming import warm_up


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Answer one invocation, by the settings of the environment."""
    return prepared()(event, context)


@cache
def prepared() -> Handler:
    """What answers in this process; made once, and by ``run`` before the first invocation."""
    return create_handler(load_settings())


def run() -> None:
    """Make the app, load the model, and answer invocations until the process is ended.

    Raises
    ------
    SettingsError
        Lambda's runtime client is not installed, this is not Lambda, or a setting will not do there.
    """
    try:
        from awslambdaric.__main__ import main
        from awslambdaric.lambda_config import LambdaConfigProvider
    except ImportError as error:
        raise SettingsError(f"{error}. Install payoff[lambda], or use the container image.") from error
    command = ["payoff", f"{__name__}.{handler.__name__}"]
    try:
        LambdaConfigProvider(command)
    except KeyError as error:
        raise SettingsError(f"{error} is not set, so this is not AWS Lambda. Use `payoff serve`.") from error
    prepared()
    main(command)


def create_handler(settings: Settings, lake: Lake | None = None, models: Models | None = None) -> Handler:
    """A function from Lambda's events to its answers, with the model of the form loaded.

    Parameters
    ----------
    lake, models : optional
        As those of ``create_app``.

    Raises
    ------
    SettingsError
        A setting will not do on Lambda.
    StorageError
        The database cannot be reached.
    """
    if problems := unfit(settings):
        raise SettingsError(f"On AWS Lambda {'; '.join(problems)}.")
    app = create_app(settings, lake, models, works_batches=False)
    # Account lookups are rarer than starts: their model is loaded when somebody asks.
    warm_up(app, (SERVED,))
    return answering(app)


def unfit(settings: Settings) -> list[str]:
    """What in the settings would lose what people were told, or refuse them; each with what to set instead."""
    problems = []
    if (database := urlsplit(settings.database_url).scheme).startswith("sqlite"):
        problems.append(
            f"a prediction must outlive the machine, and a file ({database}:…) does not: set PAYOFF_DATABASE_URL to a "
            "MariaDB, mysql+pymysql://USER:PASSWORD@HOST/DATABASE"
        )
    if not (settings.secret_key and settings.secret_key.get_secret_value()):
        problems.append(
            "every machine would sign with a key of its own, and refuse the forms that another gave out: set "
            "PAYOFF_SECRET_KEY to one random text"
        )
    if urlsplit(settings.lake_uri).scheme != "s3":
        problems.append(
            f"no machine has the directory {settings.lake_uri}: set PAYOFF_LAKE_URI to s3://BUCKET/PREFIX, where the "
            "models are"
        )
    return problems
