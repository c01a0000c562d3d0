-- Deleting, rotating and importing keys; lists that stay fast whatever the filter.

-- As in keys: how the other statements of a batch know that their change was made.
ALTER TABLE organizations ADD COLUMN last_change TEXT;
CREATE INDEX organizations_by_creation ON organizations (created_at, id);

-- A deleted key's row is gone: what has to leave the index stands with the change.
ALTER TABLE outbox ADD COLUMN digests TEXT;

-- Imported credentials have other shapes. Only while there are some is a credential that is not well-formed looked up.
ALTER TABLE secrets ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
CREATE INDEX secrets_imported ON secrets (imported) WHERE imported = 1;

-- Lists of revoked and expired keys walk their own short indexes, however many active keys there are; lists of active
-- ones theirs, however many ended.
CREATE INDEX keys_ended ON keys (org_id, created_at, id) WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL;
CREATE INDEX keys_ended_by_name ON keys (org_id, name, id) WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL;
CREATE INDEX keys_ended_by_last_use ON keys (org_id, last_used_at, id) WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL;
CREATE INDEX keys_live ON keys (org_id, created_at, id) WHERE revoked_at IS NULL;

-- Temporary keys: how many a member has, and which are due to leave the list.
CREATE INDEX keys_temporary ON keys (kind, expires_at) WHERE kind = 'playground';
