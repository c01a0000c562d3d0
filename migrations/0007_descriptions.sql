-- Descriptions of organizations' own APIs (OpenAPI, as JSON) that were uploaded. A row stays when its description goes, so
-- that of two changes at the same time one finds what it read and the other does not.

CREATE TABLE descriptions (
  org_id      TEXT PRIMARY KEY REFERENCES organizations (id),
  -- SHA-256 of the text, in hex; NULL without one.
  sha256      TEXT,
  -- The audit entry of the last change.
  last_change TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- In parts: a row has at most 2 MB, and a statement that restores one 100 kB. In base64: the platform's export mistakes the
-- two characters \n for a line feed in a text that has line feeds, too.
CREATE TABLE description_parts (
  org_id TEXT NOT NULL REFERENCES organizations (id),
  part   INTEGER NOT NULL,
  base64 TEXT NOT NULL,
  PRIMARY KEY (org_id, part)
) STRICT, WITHOUT ROWID;
