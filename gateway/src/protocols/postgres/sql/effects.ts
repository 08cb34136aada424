/**
 * The order of consequence: an action's verb is its first effect in this table. What could be anything comes first, then
 * what leaves the database or changes who acts, what destroys, what changes, what reads, and the noise of a session.
 */
export const consequence = [
  'unknown', // not understood: a rule can refuse it
  'copy-program', // COPY … PROGRAM: runs a shell command on the target
  'write-file', // COPY … TO 'file', lo_export, pg_file_write
  'read-file', // COPY … FROM 'file', pg_read_file, lo_import
  'load', // LOAD: machine code
  'do', // DO: a program
  'dynamic', // SQL from a string: query_to_xml, ts_stat, crosstab, …
  'remote', // dblink: another server
  'alter-system', // ALTER SYSTEM
  'admin', // pg_terminate_backend, replication slots, …
  'set-role', // SET ROLE, SET SESSION AUTHORIZATION, set_config('role', …)
  'set-lexer', // what would make the server read text in another way than we do
  'drop',
  'truncate',
  'grant',
  'revoke',
  'alter',
  'call', // CALL, functions with effects of their own
  'execute', // EXECUTE: what PREPARE named
  'delete',
  'merge',
  'update',
  'create',
  'copy',
  'insert',
  'refresh',
  'maintain', // VACUUM, ANALYZE, REINDEX, CLUSTER, CHECKPOINT
  'sequence', // nextval, setval
  'notify',
  'lock', // LOCK, SELECT … FOR UPDATE, advisory locks
  'select',
  'fetch',
  'explain',
  'listen',
  'set',
  'show',
  'discard',
  'transaction',
  'prepare',
  'deallocate',
  'close',
  'empty',
] as const;

export type Effect = (typeof consequence)[number];

const rank = new Map<Effect, number>(consequence.map((effect, index) => [effect, index]));

/** Most consequential first. */
export const sorted = (effects: Iterable<Effect>): Effect[] =>
  [...new Set(effects)].sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));

const statements: Readonly<Record<string, Effect>> = {
  SelectStmt: 'select',
  InsertStmt: 'insert',
  UpdateStmt: 'update',
  DeleteStmt: 'delete',
  MergeStmt: 'merge',
  TruncateStmt: 'truncate',
  CopyStmt: 'copy',
  DoStmt: 'do',
  CallStmt: 'call',
  PrepareStmt: 'prepare',
  ExecuteStmt: 'execute',
  DeallocateStmt: 'deallocate',
  DeclareCursorStmt: 'select',
  FetchStmt: 'fetch',
  ClosePortalStmt: 'close',
  IndexStmt: 'create',
  ViewStmt: 'create',
  RuleStmt: 'create',
  DefineStmt: 'create',
  CompositeTypeStmt: 'create',
  ImportForeignSchemaStmt: 'create',
  RenameStmt: 'alter',
  CommentStmt: 'alter',
  SecLabelStmt: 'alter',
  ReassignOwnedStmt: 'alter',
  ReplicaIdentityStmt: 'alter',
  AlterSystemStmt: 'alter-system',
  AlterDefaultPrivilegesStmt: 'grant',
  LoadStmt: 'load',
  LockStmt: 'lock',
  NotifyStmt: 'notify',
  ListenStmt: 'listen',
  UnlistenStmt: 'listen',
  VacuumStmt: 'maintain',
  ClusterStmt: 'maintain',
  ReindexStmt: 'maintain',
  CheckPointStmt: 'maintain',
  RefreshMatViewStmt: 'refresh',
  VariableShowStmt: 'show',
  DiscardStmt: 'discard',
  ConstraintsSetStmt: 'set',
  TransactionStmt: 'transaction',
  ReturnStmt: 'select',
};

/** The effect of a statement's kind; `unknown` for a kind that this table does not have. */
export function statementEffect(tag: string): Effect {
  const listed = statements[tag];
  if (listed !== undefined) return listed;
  if (tag.startsWith('Create')) return 'create';
  if (tag.startsWith('Alter')) return 'alter';
  if (tag.startsWith('Drop')) return 'drop';
  return 'unknown';
}

const functions: readonly (readonly [Effect, RegExp])[] = [
  ['read-file', /^(pg_read_(binary_)?file|pg_ls_\w+|pg_stat_file|lo_import|pg_read_server_files|pg_logdir_ls)$/],
  ['write-file', /^(lo_export|pg_file_\w+)$/],
  ['remote', /^(dblink\w*|postgres_fdw_\w+)$/],
  [
    'dynamic',
    /^((query|cursor|table|schema|database)_to_xml\w*|ts_stat|ts_rewrite|crosstab\w*|connectby|xpath_table|plpgsql_check\w*)$/,
  ],
  [
    'admin',
    /^(pg_(terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile\w*|pg_promote|pg_switch_wal|pg_create_\w+|pg_drop_replication_slot|pg_copy_\w+_slot|pg_(wal|xlog)_replay_(pause|resume)|pg_replication_\w+|pg_logical_\w+|pg_backup_\w+|pg_(start|stop)_backup|pg_stat_reset\w*|pg_stat_statements_reset|pg_log_backend_memory_contexts|pg_(restore|clear)_\w+_stats|pg_sync_replication_slots|pg_import_system_collations|pg_extension_config_dump|binary_upgrade_\w+)$/,
  ],
  ['lock', /^pg_(try_)?advisory_\w+$/],
  ['sequence', /^(nextval|setval)$/],
  ['notify', /^pg_notify$/],
  ['call', /^(lo_\w+|lowrite|loread|brin_\w+|gin_clean_pending_list|pg_nextoid|pg_prewarm|autoprewarm_\w+)$/],
];

/** The effect of calling a function of this name, whatever its schema; undefined where none is known. */
export const functionEffect = (name: string): Effect | undefined =>
  functions.find(([, pattern]) => pattern.test(name))?.[0];

/** What setting a parameter does. `value` is undefined where it is not a literal, or goes back to a default. */
export function settingEffect(name: string, value: string | undefined): Effect {
  const word = name.toLowerCase();
  if (word === 'role' || word === 'session_authorization' || word === 'is_superuser') return 'set-role';
  if (word === 'standard_conforming_strings') return /^(on|true|yes|1)$/i.test(value ?? '') ? 'set' : 'set-lexer';
  if (word === 'client_encoding' || word === 'names')
    return /^(utf-?8|unicode)$/i.test(value ?? '') ? 'set' : 'set-lexer';
  return 'set';
}
