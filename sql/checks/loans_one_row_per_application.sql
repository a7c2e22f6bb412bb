-- loans: every application appears exactly once.
select applications.loan_id, count(loans.loan_id) as count_rows
from applications
left join loans on loans.loan_id = applications.loan_id
group by applications.loan_id
having count(loans.loan_id) <> 1
