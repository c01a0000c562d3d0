-- What guards roll up, a minute late at most: how much each key was asked, all that organizations were ever asked.

-- A row is written with each roll-up of a key that is at work, so no index follows what it says. What lists and rankings
-- read stands before the text that is long.
CREATE TABLE key_usage (
  org_id       TEXT NOT NULL,
  key_id       TEXT NOT NULL,
  -- By the guard's clock. Nothing older takes its place.
  as_of        INTEGER NOT NULL,
  -- At that time; what is left of it later is no more.
  requests_24h INTEGER NOT NULL,
  requests_7d  INTEGER NOT NULL,
  requests_30d INTEGER NOT NULL,
  -- Counts by the hour, and the last use of each permission.
  recent       TEXT NOT NULL,
  PRIMARY KEY (org_id, key_id)
) STRICT, WITHOUT ROWID;

-- How far the cron has walked through it (1), and how far it gets now (2).
CREATE TABLE key_usage_walk (
  id     INTEGER PRIMARY KEY CHECK (id IN (1, 2)),
  org_id TEXT NOT NULL,
  key_id TEXT NOT NULL
) STRICT;

-- All that was ever asked of an organization's keys, by code.
CREATE TABLE org_totals (
  org_id TEXT NOT NULL,
  code   TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (org_id, code)
) STRICT, WITHOUT ROWID;
