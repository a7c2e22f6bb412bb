"""The OpenAPI document is valid, complete, and what the code does."""

from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator
from web import program

from features.questions import QUESTIONS
from webapp.api.document import EXAMPLES, document, operations

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture
def made(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
    return found


def test_the_document_is_valid_openapi_3_1(made: dict[str, Any]) -> None:
    assert made["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(made).iter_errors()] == []


def test_every_view_of_the_api_is_in_the_document_and_no_other(app: Flask, made: dict[str, Any]) -> None:
    routes = {
        (method.lower(), rule.rule.replace("<int(min=1, max=2147483647):", "{").split("<")[0].replace(">", "}"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and not rule.rule.endswith(("/openapi.json", "/docs"))
    }
    told = {
        (method, path.split("{number}")[0])
        for path, methods in made["paths"].items()
        for method in methods
    }  # fmt: skip
    assert told == routes


def test_every_question_of_the_form_is_described_with_its_label(made: dict[str, Any]) -> None:
    loan = made["components"]["schemas"]["Loan"]
    assert set(loan["properties"]) == {question.name for question in QUESTIONS} | {"application"}
    assert loan["additionalProperties"] is False
    for question in QUESTIONS:
        assert loan["properties"][question.name]["title"] == question.label
        assert question.hint in loan["properties"][question.name]["description"]


def test_every_operation_lists_its_errors_as_problem_details(made: dict[str, Any]) -> None:
    for operation in operations(made):
        keyed = "security" not in operation
        assert {"200", "503"} | ({"401", "429"} if keyed else set()) <= set(operation["responses"])
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            expected = "application/json" if status == "200" else "application/problem+json"
            assert list(response["content"]) == [expected]
    assert [op["operationId"] for op in operations(made) if "security" in op] == ["show_health"]


def test_every_operation_says_what_it_does(made: dict[str, Any]) -> None:
    for operation in operations(made):
        assert operation["summary"].endswith(".")
        for parameter in operation["parameters"]:
            assert parameter["schema"]


def test_the_examples_are_answered(app: Flask) -> None:
    client = program(app, "officer")
    assert client.post("/api/v1/predict", json=EXAMPLES["Loan"]).status_code == 200
    assert client.post("/api/v1/predict/batch", json=EXAMPLES["Loans"]).get_json()["answered"] == 1
    assert client.put("/api/v1/predictions/1/outcome", json=EXAMPLES["Outcome"]).status_code == 200
    assert set(EXAMPLES["Loan"]) == {question.name for question in QUESTIONS} | {"application"}


def test_the_document_is_made_once(app: Flask) -> None:
    with app.app_context():
        assert document() is document()


def test_the_page_lists_every_operation_without_javascript(app: Flask, made: dict[str, Any]) -> None:
    page = app.test_client().get("/api/v1/docs").text
    for path, methods in made["paths"].items():
        for method in methods:
            assert f"<b>{method.upper()}</b> {path}" in page


def test_only_three_files_of_the_installed_parts_are_served(app: Flask) -> None:
    client = app.test_client()
    for name in ("pico.min.css", "swagger-ui.css", "swagger-ui-bundle.js"):
        answer = client.get(f"/vendor/{name}")
        assert answer.status_code == 200
        answer.close()
    assert client.get("/vendor/swagger-ui-standalone-preset.js").status_code == 404
