DELETE FROM weather_by_month;

INSERT INTO weather_by_month (month, days, precipitation, warmest, coldest, mean_max, mean_wind, wet_days)
SELECT substr(date, 1, 4) || '-' || substr(date, 6, 2),
       count(*),
       round(sum(precipitation), 1),
       max(temp_max),
       min(temp_min),
       round(avg(temp_max), 2),
       round(avg(wind), 2),
       sum(precipitation > 0)
FROM weather_by_day
GROUP BY 1
ORDER BY 1;
