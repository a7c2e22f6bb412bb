-- One row per person. Key: client_id. Sex is a protected trait: for the fairness audit and for reproducing published work.
select
    client_id,
    district_id,
    birth_date as born_on,
    case gender when 'F' then 'female' when 'M' then 'male' end as sex
from raw_client
