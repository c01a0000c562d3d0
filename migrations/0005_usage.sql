-- What the keys of an organization were used for, all in all, by code.
CREATE TABLE org_totals (
  org_id TEXT NOT NULL,
  code   TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (org_id, code)
) STRICT, WITHOUT ROWID;
