-- One row per person and account they may use. Key: disposition_id. Undated.
select
    disp_id as disposition_id,
    client_id,
    account_id,
    case type when 'OWNER' then 'owner' when 'DISPONENT' then 'user' end as role
from raw_disp
