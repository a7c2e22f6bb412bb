"""What a batch gives back: rows for programs and spreadsheets, in which no text is taken for a formula."""

from collections.abc import Iterable, Sequence

from payoff.metadata import Metadata
from webapp.batch.reading import ADDED, APPLICATION, NAMES, Kind, Sheet
from webapp.batch.scoring import Outcome
from webapp.csv_safe import BOM, lines
from webapp.explaining import MOST_REASONS
from webapp.explaining.wording import sentence
from webapp.wording import SPACE, said

_REASONS = tuple(f"reason_{number}" for number in range(1, MOST_REASONS + 1))
RESULT = ("line", APPLICATION, "payoff_probability", "verdict", "model_version", *_REASONS, "errors")

#: A row that can be scored; the district is one that the model knows.
EXAMPLE = {
    "application": "example-1",
    "account_id": "1787",
    "loan_amount_czk": "96396",
    "loan_duration_months": "12",
    "granted_on": "1997-07-05",
    "opened_on": "1995-03-24",
    "owner_born_on": "1961-08-11",
    "account_statement_frequency": "monthly",
    "card_type": "none",
    "transaction_balance_last": "32000",
    "transaction_balance_min_180d": "12000",
    "month_balance_min_mean_180d": "21000",
    "month_income_mean_180d": "24000",
    "month_spending_mean_180d": "22500",
    "transaction_balance_mean": "36000",
    "transaction_amount_mean": "5200",
    "transaction_count": "140",
    "transaction_count_90d": "17",
}


def template(kind: Kind, metadata: Metadata) -> bytes:
    """A file of that kind with one row."""
    names = (APPLICATION, *NAMES[kind])
    example = EXAMPLE | {"district": metadata.districts[0].name}
    return (BOM + lines([names, [example[name] for name in names]], ",")).encode()


def result_head(sheet: Sheet) -> bytes:
    """The first line of a result."""
    return (BOM + lines([RESULT], sheet.delimiter)).encode()


def result_rows(sheet: Sheet, outcomes: Iterable[Outcome], metadata: Metadata) -> bytes:
    """One line for each outcome, in their order."""
    return lines((_result(outcome, metadata) for outcome in outcomes), sheet.delimiter).encode()


def bad_head(sheet: Sheet) -> bytes:
    """The first line of the rows that came back: what is wrong, then the columns as they were sent."""
    return (BOM + lines([(*ADDED, *_sent(sheet))], sheet.delimiter)).encode()


def bad_rows(sheet: Sheet, outcomes: Iterable[Outcome]) -> bytes:
    """One line for each row with faults, to be mended and sent again."""
    return lines((_bad(outcome, sheet) for outcome in outcomes if outcome.faults), sheet.delimiter).encode()


def _result(outcome: Outcome, metadata: Metadata) -> Sequence[str]:
    line = str(outcome.record.line)
    if outcome.prediction is None:
        return [line, outcome.application, *[""] * (3 + MOST_REASONS), _worded(outcome)]
    explained = outcome.explanation.reasons if outcome.explanation else ()
    reasons = [_plain(sentence(reason, metadata)) for reason in explained]
    return [
        line,
        outcome.application,
        repr(outcome.prediction.payoff_probability),
        outcome.prediction.prediction,
        outcome.prediction.model_version,
        *reasons,
        *[""] * (MOST_REASONS - len(reasons)),
        "",
    ]


def _bad(outcome: Outcome, sheet: Sheet) -> Sequence[str]:
    record = outcome.record
    # The line as it came is only of use where its columns could not be told apart.
    as_sent = "" if record.fields else record.text
    return [str(record.line), _worded(outcome), as_sent, *(str(record.fields.get(name, "")) for name in _sent(sheet))]


def _sent(sheet: Sheet) -> tuple[str, ...]:
    return tuple(name for name in sheet.names if name not in ADDED)


def _worded(outcome: Outcome) -> str:
    return _plain(
        "; ".join(f"{name} {said(reason)}" if name else said(reason) for name, reason in outcome.faults.items())
    )


def _plain(text: str) -> str:
    """With spaces that programs look for; no line is broken in a cell."""
    return text.replace(SPACE, " ")
