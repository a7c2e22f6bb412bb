"""The floor: DuckDB reads from Parquet every column that the features need, and groups them by loan, once.

python benchmarks/peers/plain_duckdb.py LOANS_PARTS TRANSACTIONS_PARTS

Each argument is a glob of Parquet files.
"""

import sys
import time

import duckdb
from common import BANK, tell


def statement() -> str:
    """One least value for each column, so that each is read and nothing more is done than must be."""
    of_loans = ", ".join(f"loans.{column}" for column in BANK["loans"]["columns"])
    dated = [*BANK["loan_transactions"]["columns"], BANK["loan_transactions"]["time"]]
    least = ", ".join(f"min({column}) as least_{column}" for column in dated)
    return (  # the names are from our own file
        f"select loans.loan_id, loans.granted_on, loans.defaulted, {of_loans}, by_loan.* exclude (loan_id)"
        " from read_parquet($loans) as loans left join"
        f" (select loan_id, {least} from read_parquet($transactions) group by loan_id) as by_loan using (loan_id)"
        " order by loans.loan_id"
    )


def main() -> None:
    """Read once and tell."""
    loans, transactions = sys.argv[1:]
    select = statement()
    start = time.perf_counter()
    with duckdb.connect() as connection:
        frame = (
            connection.sql(select, params={"loans": loans, "transactions": transactions}).to_arrow_table().to_pandas()
        )
    tell(frame.shape[1] - 3, time.perf_counter() - start)


if __name__ == "__main__":
    main()
