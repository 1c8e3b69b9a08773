-- A ledger of format 1, as the first version of the store wrote it (9e999 is infinity).
-- It is never changed: every later version must read it.
PRAGMA application_id = 1231309927;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions,
    worker TEXT NOT NULL,
    started REAL NOT NULL,
    seconds REAL NOT NULL,
    runs INTEGER NOT NULL      -- run in it, stored or not
);
INSERT INTO "chunks" VALUES(1,1,'here',1000000000.0,3.0,3);
INSERT INTO "chunks" VALUES(2,1,'here',1000000000.0,3.0,1);
CREATE TABLE design (          -- the points of the study as last swept, in its own order
    position INTEGER PRIMARY KEY,
    point INTEGER NOT NULL REFERENCES points,  -- several positions may come to the same
    factors TEXT NOT NULL,     -- as JSON
    replications INTEGER       -- how many are asked for; NULL: as the study file says
);
INSERT INTO "design" VALUES(0,0,'{"f": 0.0}',2);
INSERT INTO "design" VALUES(1,1,'{"f": 0.25}',2);
CREATE TABLE failures (        -- runs that failed and have not succeeded since
    replication INTEGER NOT NULL,
    point INTEGER NOT NULL REFERENCES points,
    chunk INTEGER NOT NULL REFERENCES chunks,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,       -- of the last attempt
    PRIMARY KEY (replication, point)
) WITHOUT ROWID;
INSERT INTO "failures" VALUES(1,1,1,1,'RuleError: no');
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "manifest" VALUES('model','made up 1');
INSERT INTO "manifest" VALUES('base scenario','weeks = 104
span = 4
fear = 0.5
');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('settled','1');
CREATE TABLE parts (
    file TEXT PRIMARY KEY,
    "table" TEXT NOT NULL REFERENCES tables,
    chunk INTEGER NOT NULL REFERENCES chunks,
    rows INTEGER NOT NULL
);
CREATE TABLE points (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE   -- digest of all that its runs depend on, seeds apart
);
INSERT INTO "points" VALUES(0,'k0');
INSERT INTO "points" VALUES(1,'k1');
CREATE TABLE runs (            -- those that succeeded; NULL is an undefined measure
    replication INTEGER NOT NULL,
    point INTEGER NOT NULL REFERENCES points,
    chunk INTEGER NOT NULL REFERENCES chunks,
    attempt INTEGER NOT NULL,  -- 1 if it succeeded at once
    "x" REAL, "y" REAL,
    PRIMARY KEY (replication, point)
) WITHOUT ROWID;
INSERT INTO "runs" VALUES(0,0,1,1,1.0,NULL);
INSERT INTO "runs" VALUES(0,1,1,1,9e999,-1.0);
INSERT INTO "runs" VALUES(1,0,2,1,0.5,0.25);
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    started REAL NOT NULL,     -- seconds since 1970, here and below
    ended REAL,                -- NULL while it goes on, or if it was cut off
    process INTEGER NOT NULL,
    host TEXT NOT NULL,
    about TEXT NOT NULL        -- versions and whatever else the sweep told, as JSON
);
INSERT INTO "sessions" VALUES(1,1.79564165046057486532e+09,1.79564165058398294443e+09,2014,'there','{"innovation-abm":"0.1.0","mesa":"3.3.1","numba":"0.68.1","numpy":"2.4.6","pandas":"2.3.3","pyarrow":"26.0.1","scipy":"1.17.1","python":"3.11.7","sqlite":"3.40.1","platform":"Linux"}');
CREATE TABLE tables (name TEXT PRIMARY KEY);
COMMIT;
