CREATE TABLE IF NOT EXISTS stations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, metres INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS readings (station INTEGER NOT NULL, celsius REAL NOT NULL);
CREATE VIEW IF NOT EXISTS report AS
    SELECT name, metres, celsius FROM readings JOIN stations ON stations.id = readings.station;
