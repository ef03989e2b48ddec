CREATE TABLE IF NOT EXISTS sales_by_day (
    day TEXT NOT NULL, region TEXT NOT NULL, cents INTEGER NOT NULL, PRIMARY KEY (day, region)
);

-- Written so that a second run of the same region replaces the first one's rows.
INSERT INTO sales_by_day (day, region, cents)
SELECT day, region, sum(cents) FROM sales WHERE region = :region GROUP BY day, region
ON CONFLICT (day, region) DO UPDATE SET cents = excluded.cents;
