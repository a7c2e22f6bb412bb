"""Transform: staging views over the raw tables, marts over staging, each as its file in sql/ says."""

from payoff import schema
from payoff.warehouse import Warehouse, create_table, create_view, fill_mart


def transform(warehouse: Warehouse) -> None:
    """Create every staging view and fill every mart, each after those it reads."""
    for view in schema.views():
        create_view(warehouse, view)
    for mart in schema.marts():
        create_table(warehouse, mart)
        fill_mart(warehouse, mart)


def count_rows(warehouse: Warehouse) -> dict[str, int]:
    """Loans, finished loans, defaulted loans and transactions in the marts."""
    select = """
        select
            count(*) as loans,
            sum(is_finished) as finished,
            sum(defaulted) as defaulted,
            (select count(*) from loan_transactions) as transactions
        from loans
    """
    (row,) = warehouse.query(select).to_pylist()
    return {name: int(value or 0) for name, value in row.items()}
