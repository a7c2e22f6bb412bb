-- One row per card. Key: card_id.
select
    card_id,
    disp_id as disposition_id,
    type as card_type,
    issued as issued_on
from raw_card
