-- How many keys there are in each state, kept while keys change: with millions of keys, counting them takes seconds, and
-- costs as many rows as there are keys, at every scrape of /metrics.

CREATE TABLE key_census (
  kind         TEXT NOT NULL,
  revoked      INTEGER NOT NULL,
  -- The first full hour since 1970 in which the key is over; the largest integer for a key that never is. By hours, so that
  -- there are a few thousand rows a year and not one for each key.
  expires_hour INTEGER NOT NULL,
  count        INTEGER NOT NULL,
  PRIMARY KEY (kind, revoked, expires_hour)
) STRICT, WITHOUT ROWID;

INSERT INTO key_census (kind, revoked, expires_hour, count)
  SELECT kind, revoked_at IS NOT NULL, coalesce((expires_at + 3599999) / 3600000, 9223372036854775807), count(*)
  FROM keys GROUP BY 1, 2, 3;

CREATE TRIGGER key_census_counts_a_new_key AFTER INSERT ON keys
BEGIN
  INSERT INTO key_census (kind, revoked, expires_hour, count)
    VALUES (NEW.kind, NEW.revoked_at IS NOT NULL, coalesce((NEW.expires_at + 3599999) / 3600000, 9223372036854775807), 1)
    ON CONFLICT (kind, revoked, expires_hour) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER key_census_forgets_a_deleted_key AFTER DELETE ON keys
BEGIN
  UPDATE key_census SET count = count - 1
    WHERE kind = OLD.kind AND revoked = (OLD.revoked_at IS NOT NULL)
      AND expires_hour = coalesce((OLD.expires_at + 3599999) / 3600000, 9223372036854775807);
  DELETE FROM key_census
    WHERE kind = OLD.kind AND revoked = (OLD.revoked_at IS NOT NULL)
      AND expires_hour = coalesce((OLD.expires_at + 3599999) / 3600000, 9223372036854775807) AND count = 0;
END;

-- Only for changes of state: a key's other columns, its last use above all, are written far more often.
CREATE TRIGGER key_census_moves_a_changed_key AFTER UPDATE OF kind, revoked_at, expires_at ON keys
WHEN NEW.kind IS NOT OLD.kind OR (NEW.revoked_at IS NULL) IS NOT (OLD.revoked_at IS NULL) OR NEW.expires_at IS NOT OLD.expires_at
BEGIN
  INSERT INTO key_census (kind, revoked, expires_hour, count)
    VALUES (NEW.kind, NEW.revoked_at IS NOT NULL, coalesce((NEW.expires_at + 3599999) / 3600000, 9223372036854775807), 1)
    ON CONFLICT (kind, revoked, expires_hour) DO UPDATE SET count = count + 1;
  UPDATE key_census SET count = count - 1
    WHERE kind = OLD.kind AND revoked = (OLD.revoked_at IS NOT NULL)
      AND expires_hour = coalesce((OLD.expires_at + 3599999) / 3600000, 9223372036854775807);
  DELETE FROM key_census
    WHERE kind = OLD.kind AND revoked = (OLD.revoked_at IS NOT NULL)
      AND expires_hour = coalesce((OLD.expires_at + 3599999) / 3600000, 9223372036854775807) AND count = 0;
END;
