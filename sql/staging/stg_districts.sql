-- One row per district. Key: district_id. One snapshot, used for loans from 1993 on.
select
    district_id,
    a2 as district_name,
    a3 as district_region,
    a4 as inhabitants,
    a10 as urban_percent,
    a11 as average_salary_czk,
    a12 as unemployment_1995_percent,
    a13 as unemployment_1996_percent,
    a14 as entrepreneurs_per_1000,
    a15 as crimes_1995,
    a16 as crimes_1996
from raw_district
