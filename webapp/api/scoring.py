"""Predictions: one loan, many loans, and a loan that an account asks for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from werkzeug.exceptions import NotFound

from features.lookup import Application
from payoff.errors import InvalidAnswers
from webapp.answering import answer_form, answer_forms, answer_shortly
from webapp.api import schemas
from webapp.api.describing import described
from webapp.api.keys import api, known_caller, needs
from webapp.api.reading import checked, json_list, json_object, read_query
from webapp.explaining import Explanation, Reason
from webapp.explaining.wording import label
from webapp.lookups import answer_account
from webapp.predictions import Prediction, Scorer, typed_answers
from webapp.serving import current_model
from webapp.storage.history import Circumstances

LARGEST_BATCH = 2 * 1024 * 1024
_TAG = "Predictions"
#: The errors that a request with a body can end in.
_BODY = (400, 413, 415)

Question = tuple[Mapping[str, Any], Circumstances]


@api.post("/predict")
@described(_TAG, schemas.Answer, "The prediction, which is stored.", _BODY, body=schemas.Loan, query=schemas.Wanted)
def predict_loan() -> schemas.Answer:
    """Score the loan of a filled-in form.

    Reasons take more time than all the rest: with `reasons=no` some ten times as many loans are answered.
    """
    wanted, sent = read_query(schemas.Wanted), json_object()
    typed, how = _question(current_model(), sent)
    if wanted.reasons == "no":
        return _told(*answer_shortly(typed, how), how)
    answered = answer_form(typed, how)
    return _told(answered.number, answered.prediction, how, answered.explanation)


@api.post("/predict/batch")
@described(_TAG, schemas.Batch, "An answer or the errors of each loan.", _BODY, body=schemas.Loans)
def predict_loans() -> schemas.Batch:
    """Score up to 1,000 loans at once.

    Loans without a fault are answered and stored, whatever is wrong with the others. No reasons are given.
    """
    sent, model = json_list(schemas.MOST_LOANS, LARGEST_BATCH), current_model()
    questions: dict[int, Question] = {}
    rows: dict[int, schemas.Row] = {}
    for index, loan in enumerate(sent):
        try:
            questions[index] = _question(model, loan)
        except InvalidAnswers as error:
            rows[index] = schemas.Row(index=index, errors=_faults(error))
    answers = answer_forms(model, list(questions.values()))
    for (index, (_, how)), (number, prediction) in zip(questions.items(), answers, strict=True):
        rows[index] = schemas.Row(index=index, answer=_told(number, prediction, how))
    return schemas.Batch(
        answered=len(answers), faulty=len(sent) - len(answers), rows=[rows[index] for index in range(len(sent))]
    )


@api.post("/accounts/<int(min=1, max=2147483647):account_id>/predict")
@described(
    _TAG, schemas.Answer, "The prediction, which is stored.", (*_BODY, 403, 404),
    body=schemas.AccountLoan, path={"account_id": "An account of the warehouse."},
)  # fmt: skip
@needs("officer")
def predict_account(account_id: int) -> schemas.Answer:
    """Score a loan that an account asks for, from what was on the account before that day. For officers."""
    loan = checked(schemas.AccountLoan, json_object())
    application = Application(
        account_id, loan.granted_on or date.today(), Decimal(str(loan.loan_amount_czk)), loan.loan_duration_months
    )
    how = _circumstances(loan.application, account_id)
    try:
        answered = answer_account(application, how)
    except InvalidAnswers as error:
        if "account_id" not in error.fields:
            raise
        raise NotFound(f"The account {error.fields['account_id']}.") from error
    return _told(answered.number, answered.prediction, how, answered.explanation)


def _question(model: Scorer, loan: object) -> Question:
    """The typed answers, and who asks; every fault of both is named at once."""
    if not isinstance(loan, dict):
        raise InvalidAnswers({"": "is not a JSON object of field names and values"})
    answers, faults = dict(loan), {}
    beside, typed = schemas.Beside(), {}
    try:
        beside = checked(schemas.Beside, {"application": answers.pop("application", None)})
    except InvalidAnswers as error:
        faults.update(error.fields)
    try:
        typed = dict(typed_answers(model, answers))
    except InvalidAnswers as error:
        faults.update(error.fields)
    if faults:
        raise InvalidAnswers(faults)
    return typed, _circumstances(beside.application)


def _circumstances(application: str | None, account_id: int | None = None) -> Circumstances:
    how = Circumstances("api", account_id=account_id, user_id=known_caller().user_id)
    return replace(how, application=application) if application else how


def _told(
    number: int, prediction: Prediction, how: Circumstances, explanation: Explanation | None = None
) -> schemas.Answer:
    return schemas.Answer(
        number=number,
        application=how.application,
        payoff_probability=prediction.payoff_probability,
        prediction=prediction.prediction,
        threshold=prediction.threshold,
        model_version=prediction.model_version,
        base=explanation.base if explanation else None,
        reasons=[_reason(each) for each in explanation.reasons] if explanation else None,
    )


def _reason(reason: Reason) -> schemas.Reason:
    return schemas.Reason(key=reason.key, label=label(reason.key), effect=reason.effect, values=dict(reason.values))


def _faults(error: InvalidAnswers) -> list[schemas.Fault]:
    return [schemas.Fault(field=field, reason=reason) for field, reason in error.fields.items()]
