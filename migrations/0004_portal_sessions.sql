-- Sessions of people in the portal: read on each of their requests, so that ending one or changing its role holds at once.

CREATE TABLE portal_sessions (
  id            TEXT PRIMARY KEY,
  org_id        TEXT NOT NULL REFERENCES organizations (id),
  user_id       TEXT NOT NULL,
  user_name     TEXT NOT NULL,
  role          TEXT NOT NULL,
  -- Digests only, as of keys: whoever reads this table can neither open a link nor use a session.
  link_sha256   TEXT NOT NULL UNIQUE,
  cookie_sha256 TEXT UNIQUE,
  created_at    INTEGER NOT NULL,
  created_by    TEXT NOT NULL,
  opened_at     INTEGER,
  expires_at    INTEGER NOT NULL,
  ended_at      INTEGER,
  -- When it is over as things stand: what the cron's purge looks for.
  over_at       INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  -- As in keys: how the other statement of a batch knows that the change was made.
  last_change   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_sessions_by_creation ON portal_sessions (org_id, created_at, id);
CREATE INDEX portal_sessions_by_user ON portal_sessions (org_id, user_id, created_at, id);
CREATE INDEX portal_sessions_by_end ON portal_sessions (over_at);
