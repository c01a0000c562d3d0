-- The organization that the keys of backends belong to. Its catalog is what such a key can be permitted; nobody can
-- change it but a release.
INSERT INTO organizations (id, name, features, policy, version, created_at, updated_at) VALUES (
  'org_system',
  'Latchkey',
  '{}',
  '{
    "key_prefix": "lks",
    "resources": [
      {"name": "verify", "title": "Verify keys", "description": "Ask whether a key is good.", "actions": []},
      {"name": "forward_auth", "title": "Tell addresses", "description": "Tell, as a proxy before forward auth, which address a request came from.", "actions": []},
      {"name": "portal", "title": "Portal", "description": "Open the portal for members, and end their sessions.", "actions": ["create"]},
      {"name": "orgs", "title": "Organizations", "description": "Organizations, with their features and policies.", "actions": ["read", "write"]},
      {"name": "keys", "title": "Keys", "description": "The keys of every organization.", "actions": ["read", "write"]},
      {"name": "audit", "title": "Audit log", "description": "What was changed, by whom.", "actions": ["read"]},
      {"name": "usage", "title": "Usage", "description": "What keys were used for.", "actions": ["read"]}
    ],
    "require_permission": true,
    "deletion": true,
    "expiry_editable": true,
    "default_rate_limit": null,
    "roles": {}
  }',
  1,
  0,
  0
);
