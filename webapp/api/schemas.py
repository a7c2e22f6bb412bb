"""What programs send and get, as pydantic models: the document is made from them, and so is every answer."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, create_model

from features.answers import iso_date, loan_model
from features.questions import QUESTIONS
from payoff.choices import Verdict
from payoff.metadata import Figure
from webapp.api.reading import DECIMAL, NUMBER, WHOLE
from webapp.storage.tables import Arm, Source

MOST_LOANS = 1_000
MOST_ROWS = 500
#: What SQLite and JavaScript both count exactly.
LARGEST_NUMBER = 2**53 - 1


class Shape(BaseModel):
    """Never changed, and nothing in it that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("may hold printable characters only, and no line breaks")
    return value


def _hellers(value: float) -> float:
    if value != round(value, 2):
        raise ValueError("must have at most two digits after the point")
    return value


def _within(name: str) -> Any:
    """The limits that the form sets."""
    valid = next(question.valid for question in QUESTIONS if question.name == name)
    return Field(ge=valid.low, le=valid.high) if valid else Field()


Standing = Literal["champion", "challenger"]
Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 12, 31)), BeforeValidator(iso_date)]
Probability = Annotated[float, Field(ge=0, le=1)]
AskedShare = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), DECIMAL]
AskedNumber = Annotated[int, Field(ge=0, le=LARGEST_NUMBER), WHOLE]
Reference = Annotated[
    str,
    Field(min_length=1, max_length=64, json_schema_extra={"pattern": r"^[^\x00-\x1f\x7f]*$"}),
    AfterValidator(_printable),
]


class Fault(Shape):
    """What is wrong with one field."""

    field: str = Field(description="Its name; empty for the request as a whole.")
    reason: str


class Problem(Shape):
    """Problem details, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = Field("", description="What the log has about the request carries it, as does `X-Request-Id`.")
    errors: list[Fault] = Field([], description="Every faulty field, where fields are to blame.")


class Beside(Shape):
    """What may be sent beside a loan."""

    application: Reference | None = Field(default=None, description="Your own reference; printable.")


#: A loan to score: the questions of the form, and the caller's reference.
Loan: type[BaseModel] = create_model("Loan", __base__=(Beside, loan_model()))


class Loans(RootModel[Annotated[list[Loan], Field(min_length=1, max_length=MOST_LOANS)]]):
    """Loans to score."""


class AccountLoan(Beside):
    """A loan that an account asks for."""

    loan_amount_czk: Annotated[float, _within("loan_amount_czk"), AfterValidator(_hellers), NUMBER]
    loan_duration_months: Annotated[int, _within("loan_duration_months"), NUMBER]
    granted_on: Day | None = Field(None, description="The day to look from; today where there is none.")


class Wanted(Shape):
    """What an answer is to hold."""

    reasons: Literal["yes", "no"] = Field("yes", description="Whether to tell, and keep, what moved the prediction.")


class Reason(Shape):
    """What a group of figures did to the probability."""

    key: str
    label: str = Field(description="The group in the language that the request prefers.")
    effect: float = Field(description="What it added to the probability of payoff.")
    values: dict[str, float | str | None] = Field(description="The figures, by name.")


class Answer(Shape):
    """A stored prediction."""

    number: int
    application: str = Field(description="Your own reference, or a random one.")
    payoff_probability: Probability
    prediction: Verdict
    threshold: Probability = Field(description="At or below it, the prediction is `default`.")
    model_version: str
    base: float | None = Field(description="The probability before any reason; with all effects it is this loan's.")
    reasons: list[Reason] | None = Field(description="The greatest effect first; null in a batch.")


class Row(Shape):
    """What became of one loan of a batch: its answer, or its errors."""

    index: int = Field(ge=0, description="Its place in the list sent, from 0.")
    answer: Answer | None = None
    errors: list[Fault] = []


class Batch(Shape):
    """The loans of a batch in their order."""

    answered: int
    faulty: int
    rows: list[Row]


class Model(Shape):
    """A model version."""

    version: str
    feature_set: str
    role: Standing | None
    trained_at: datetime
    data_run: str
    preset: str
    population: str
    train_loans: int
    test_loans: int
    test_defaulted: int
    threshold: Probability = Field(description="Probability of default at or above which a loan is refused.")
    metrics: dict[str, Figure] = Field(description="On held-out loans, each with its 95 % interval.")


class Models(Shape):
    """Every model version, the newest first."""

    models: list[Model]


class Pair(Shape):
    """Two model versions to compare."""

    left: Annotated[str, Field(min_length=1, max_length=64)]
    right: Annotated[str, Field(min_length=1, max_length=64)]


class Metric(Shape):
    """One metric of two versions; null where a version has none."""

    name: str
    left: Figure | None
    right: Figure | None


class HeldOut(Shape):
    """Both versions on the loans that neither was trained on."""

    loans: int
    log_loss_excess: Figure | None = Field(description="By how much the log-loss of the left exceeds the right's.")
    against: list[str] = Field(description="What stands against the left in the place of the right.")


class Compared(Shape):
    """Two model versions side by side."""

    left: Model
    right: Model
    metrics: list[Metric]
    held_out: HeldOut


class Period(Shape):
    """Days, both included."""

    since: Day | None = None
    until: Day | None = None


class Asked(Period):
    """Which predictions to list, and from where on."""

    verdict: Verdict | None = None
    lowest: AskedShare | None = Field(None, description="The lowest probability of payoff.")
    highest: AskedShare | None = Field(None, description="The highest probability of payoff.")
    model: Annotated[str, Field(max_length=64)] | None = Field(None, description="A model version.")
    source: Source | None = None
    search: Annotated[str, Field(max_length=64)] = Field("", description="A number, an account or an application.")
    before: AskedNumber | None = Field(None, description="Older than this number; `next` gives it.")
    after: AskedNumber | None = Field(None, description="Newer than this number; `previous` gives it.")
    size: Annotated[int, Field(ge=1, le=MOST_ROWS), WHOLE] = Field(50, description="How many at most.")


class Stored(Shape):
    """A prediction as it is kept."""

    number: int
    made_at: datetime
    source: Source
    prediction: Verdict
    payoff_probability: Probability
    model_version: str
    arm: Arm | None
    application: str
    account_id: int | None
    amount_czk: float
    duration_months: float
    milliseconds: float | None
    batch_id: int | None
    outcome: Verdict | None
    outcome_at: datetime | None


class StoredInFull(Stored):
    """A prediction with what it was made from."""

    threshold: Probability
    features: dict[str, float | str | None]
    reasons: list[dict[str, Any]] | None


class Page(Shape):
    """Predictions, the newest first, and the addresses of the pages beside them."""

    predictions: list[Stored]
    previous: str | None = Field(description="Newer predictions.")
    next: str | None = Field(description="Older predictions.")


class Outcome(Shape):
    """How a loan ended."""

    outcome: Verdict | None = Field(description="Null takes a recorded outcome back.")


class OneDay(Shape):
    """A day (UTC) on which predictions were made."""

    day: date
    predictions: int
    granted: int
    mean_probability: Probability


class Latency(Shape):
    """Milliseconds from question to answer."""

    predictions: int
    median_ms: float
    p95_ms: float
    p99_ms: float


class Outcomes(Shape):
    """What became of the loans whose outcome was recorded; the errors are those of the newest ``judged``."""

    recorded: int
    paid_off: int
    judged: int
    payoff_share: Figure
    brier: Figure
    log_loss: Figure


class Statistics(Shape):
    """The predictions of a period in figures. Shares from 0 to 1; the histogram in bins of equal width."""

    since: datetime
    until: datetime
    predictions: int
    granted: int
    share_granted: Probability | None
    mean_probability: Probability | None
    days: list[OneDay]
    histogram: list[int]
    latency: dict[str, Latency]
    sources: dict[str, int]
    models: dict[str, int]
    outcomes: Outcomes | None


class Health(Shape):
    """That a prediction could be made now."""

    status: Literal["ready"]
    model_version: str
