-- One row per district. Key: district_id.
select
    district_id,
    district_name,
    district_region,
    average_salary_czk as district_average_salary_czk
from stg_districts
