/**
 * Startup parameters that a client may set on the target. Everything else is refused: parameters can change who acts
 * (`role`), how text is read (`standard_conforming_strings`) or what a plan does (`session_replication_role`).
 */
const passed = new Set([
  'application_name',
  'client_min_messages',
  'datestyle',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'extra_float_digits',
  'idle_in_transaction_session_timeout',
  'intervalstyle',
  'lock_timeout',
  'search_path',
  'statement_timeout',
  'timezone',
]);

/** Read by the gateway itself, or without meaning for it. */
const consumed = new Set(['user', 'database', 'fallback_application_name']);

const utf8 = new Set(['utf8', 'utf-8', 'unicode']);

export type Sorted =
  | { readonly settings: Record<string, string> }
  | { readonly refused: string; readonly hint: string };

/** Sorts a StartupMessage's parameters into what the target is given and what is refused, with the reason. */
export function sortParameters(parameters: ReadonlyMap<string, string>): Sorted {
  const settings: Record<string, string> = { client_encoding: 'UTF8' };
  for (const [name, value] of parameters) {
    const key = name.toLowerCase();
    if (consumed.has(key) || key.startsWith('_pq_.')) continue;
    if (passed.has(key)) settings[key] = value;
    else if (key === 'client_encoding') {
      if (!utf8.has(value.toLowerCase().replaceAll("'", ''))) {
        return refused(`client_encoding ${value}`, 'Set PGCLIENTENCODING=UTF8: statements are read as UTF-8.');
      }
    } else if (key === 'options' && value.trim() === '') continue;
    else if (key === 'standard_conforming_strings' && value === 'on') continue;
    else return refused(`startup parameter "${name}"`, `Leave it out. Allowed are: ${[...passed].join(', ')}.`);
  }
  const application = parameters.get('application_name') ?? parameters.get('fallback_application_name');
  if (application !== undefined) settings['application_name'] = application;
  return { settings };
}

const refused = (what: string, hint: string): Sorted => ({
  refused: `${what} is not allowed through the gateway`,
  hint,
});
