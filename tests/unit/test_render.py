"""render.yaml against the program that it deploys, and the fields that Render documents for a web service."""

import re

import yaml
from rehearsal import INFRA

from payoff.settings import Settings

ROOT = INFRA.parent
BLUEPRINT = yaml.safe_load((ROOT / "render.yaml").read_text(encoding="utf-8"))
#: Of what Render's reference of blueprints lists for a web service from a Dockerfile, what one may want here.
FIELDS = {
    "type", "name", "runtime", "dockerfilePath", "dockerContext", "dockerCommand", "region", "plan", "branch",
    "numInstances", "scaling", "healthCheckPath", "maxShutdownDelaySeconds", "autoDeploy", "autoDeployTrigger",
    "preDeployCommand", "domains", "disk", "envVars", "buildFilter", "previews",
}  # fmt: skip


def test_there_is_one_web_service_from_the_dockerfile():
    [service] = BLUEPRINT["services"]
    assert BLUEPRINT.keys() == {"services"}
    assert service.keys() <= FIELDS
    assert (service["type"], service["runtime"]) == ("web", "docker")
    assert (ROOT / service["dockerfilePath"]).is_file()
    assert (ROOT / service["dockerContext"]).resolve() == ROOT
    assert service["healthCheckPath"] == "/readyz"
    # A disk would hold it to one instance, and Render refuses the delay beside one.
    assert "disk" not in service


def test_its_variables_are_settings_and_nothing_secret_is_written_down():
    variables = {each["key"]: each for each in BLUEPRINT["services"][0]["envVars"]}
    own = {name for name in variables if name.startswith("PAYOFF_")}
    assert {name.removeprefix("PAYOFF_").lower() for name in own} <= set(Settings.model_fields)
    assert {name for name in variables if "AWS" in name or name.endswith(("_URL", "_URI"))} == {
        name for name, each in variables.items() if each.get("sync") is False
    }
    assert variables["PAYOFF_SECRET_KEY"] == {"key": "PAYOFF_SECRET_KEY", "generateValue": True}
    assert all(len(each) == 2 for each in variables.values()), "one source for each"
    assert all(isinstance(each.get("value", ""), str) for each in variables.values()), "Render wants text"


def test_render_asks_on_the_port_that_the_app_listens_on():
    said = {each["key"]: each.get("value") for each in BLUEPRINT["services"][0]["envVars"]}
    exposed = re.search(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M)
    assert exposed is not None
    assert said["PORT"] == said["PAYOFF_PORT"] == exposed.group(1)
    assert said["PAYOFF_HOST"] == "0.0.0.0"
