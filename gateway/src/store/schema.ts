/** Tables of the store. Times are milliseconds since the epoch, lists and objects are JSON texts, truth is 0 or 1. */
export interface Tables {
  users: { name: string; groups: string; password_hash: string | null };
  tokens: {
    id: string;
    hash: string;
    principal_id: string;
    principal: string;
    connection: string | null;
    label: string | null;
    issued_at: number;
    expires_at: number;
    revoked_at: number | null;
    parents: string | null;
    sources: string | null;
  };
  resources: { kind: string; name: string; spec: string; source: string | null; updated_at: number };
  revisions: { name: string; value: number };
  agents: { name: string; public_key: string; labels: string };
  join_tokens: { hash: string; name: string; expires_at: number };
  sessions: {
    id: string;
    connection: string;
    protocol: string;
    principal_id: string;
    principal_name: string;
    source_address: string;
    application: string | null;
    agent: string | null;
    started_at: number;
    ended_at: number | null;
    end_reason: string | null;
    statements: number;
    refused: number;
    actor: string | null;
  };
  approvals: { id: string; state: string; requested_at: number; body: string };
  access_grants: {
    id: string;
    principal_id: string;
    state: string;
    needs_review: number;
    starts_at: number;
    body: string;
  };
  access_requests: { id: string; body: string };
  grants: {
    kind: string;
    hash: string;
    family: string;
    owner: string | null;
    sid: string | null;
    body: string;
    expires_at: number;
  };
  ssh_keys: {
    id: string;
    principal_id: string;
    principal: string;
    name: string;
    type: string;
    blob: string;
    fingerprint: string;
    added_at: number;
    added_from: string;
    last_used_at: number | null;
    last_used_from: string | null;
  };
  service_secrets: {
    id: string;
    hash: string;
    service: string;
    label: string | null;
    issued_at: number;
    expires_at: number;
    revoked_at: number | null;
    used_at: number | null;
    used_from: string | null;
    warned: string | null;
  };
  directory_users: DirectoryRow & { user_name: string };
  directory_groups: DirectoryRow & { display_name: string };
  directory_members: { group_id: string; user_id: string };
  directory_tokens: {
    id: string;
    hash: string;
    provider: string;
    label: string | null;
    issued_at: number;
    expires_at: number;
    revoked_at: number | null;
  };
}

interface DirectoryRow {
  id: string;
  provider: string;
  /** The name in lower case. */
  name_key: string;
  external_id: string | null;
  active: number;
  attributes: string;
  version: number;
  created_at: number;
  updated_at: number;
}
