DROP TABLE IF EXISTS sales;
CREATE TABLE sales (day TEXT NOT NULL, region TEXT NOT NULL, cents INTEGER NOT NULL);
INSERT INTO sales VALUES
    ('2026-11-19', 'north', 1250), ('2026-11-19', 'south', 300), ('2026-11-19', 'north', 750),
    ('2026-11-20', 'north', 9900), ('2026-11-20', 'south', 425), ('2026-11-20', 'south', 75);
