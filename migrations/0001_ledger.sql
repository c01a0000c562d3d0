-- The truth: organizations, keys, their secrets (by digest), the audit log, the outbox.
-- Times are milliseconds since 1970-01-01T00:00:00Z. JSON columns hold what the API shows.

CREATE TABLE organizations (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  features   TEXT NOT NULL,
  policy     TEXT NOT NULL,
  version    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
  id              TEXT PRIMARY KEY,
  org_id          TEXT NOT NULL REFERENCES organizations (id),
  name            TEXT NOT NULL COLLATE NOCASE,
  prefix          TEXT NOT NULL,
  kind            TEXT NOT NULL,
  permissions     TEXT NOT NULL,
  can_impersonate INTEGER NOT NULL,
  rate_limit      TEXT,
  ip_allowlist    TEXT NOT NULL,
  expires_at      INTEGER,
  metadata        TEXT NOT NULL,
  consistency     TEXT NOT NULL,
  version         INTEGER NOT NULL,
  created_at      INTEGER NOT NULL,
  created_by      TEXT NOT NULL,
  updated_at      INTEGER NOT NULL,
  revoked_at      INTEGER,
  revocation      TEXT,
  -- 0 is never: the list sorts by it, and a NULL would need an expression that no row comparison can use.
  last_used_at    INTEGER NOT NULL DEFAULT 0,
  -- The audit entry of the last change: how the other statements of a batch know that their change was made.
  last_change     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One index for each order of the list; ids break ties, so that pages neither skip nor repeat.
CREATE INDEX keys_by_creation ON keys (org_id, created_at, id);
CREATE INDEX keys_by_last_use ON keys (org_id, last_used_at, id);
CREATE INDEX keys_by_name ON keys (org_id, name, id);

CREATE TABLE secrets (
  id           TEXT PRIMARY KEY,
  key_id       TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
  sha256       TEXT NOT NULL UNIQUE,
  prefix       TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX secrets_by_key ON secrets (key_id, id);

CREATE TABLE audit (
  id         TEXT PRIMARY KEY,
  org_id     TEXT NOT NULL,
  at         INTEGER NOT NULL,
  actor_type TEXT NOT NULL,
  actor_id   TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  action     TEXT NOT NULL,
  target     TEXT NOT NULL,
  target_id  TEXT NOT NULL,
  changes    TEXT NOT NULL,
  ip         TEXT,
  user_agent TEXT,
  request_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_by_time ON audit (org_id, at, id);
CREATE INDEX audit_by_target ON audit (org_id, target_id, at, id);

-- Append-only, whoever asks.
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'audit entries are never changed');
END;

CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit
BEGIN
  SELECT RAISE(ABORT, 'audit entries are never removed');
END;

-- Changes that may not be in force yet: a row goes when guard and index have the subject's version.
CREATE TABLE outbox (
  id         INTEGER PRIMARY KEY,
  subject    TEXT NOT NULL,
  version    INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_by_subject ON outbox (subject, version);
