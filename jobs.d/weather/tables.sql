CREATE TABLE IF NOT EXISTS weather_by_day (
    date          TEXT PRIMARY KEY,   -- 2012/01/31
    precipitation REAL NOT NULL,      -- mm
    temp_max      REAL NOT NULL,      -- °C
    temp_min      REAL NOT NULL,      -- °C
    wind          REAL NOT NULL,      -- m/s
    weather       TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS weather_by_month (
    month         TEXT PRIMARY KEY,   -- 2012-01
    days          INTEGER NOT NULL,
    precipitation REAL NOT NULL,      -- mm in all
    warmest       REAL NOT NULL,      -- °C, highest temp_max
    coldest       REAL NOT NULL,      -- °C, lowest temp_min
    mean_max      REAL NOT NULL,      -- °C, mean of temp_max
    mean_wind     REAL NOT NULL,      -- m/s
    wet_days      INTEGER NOT NULL    -- days with precipitation
);
