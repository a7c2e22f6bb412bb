"""What a program is told that asked wrongly: problem details, RFC 9457."""

from werkzeug.test import TestResponse


def faults(answer: TestResponse) -> dict[str, str]:
    """The named faults of a problem+json answer, after a look at its form."""
    assert answer.mimetype == "application/problem+json"
    problem = answer.get_json(force=True)
    assert problem["status"] == answer.status_code
    assert {"type", "title", "detail"} <= set(problem)
    return {error["field"]: error["reason"] for error in problem.get("errors", [])}
