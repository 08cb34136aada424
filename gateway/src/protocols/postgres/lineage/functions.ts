import type { Value } from './value.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/**
 * Functions that give a value for whatever they are given, so that whether they fail tells nothing. Anything else over a
 * protected value is a question with the answer yes or no: `1 / (salary - 50000)`.
 */
const total = words(
  `lower upper initcap length char_length character_length octet_length bit_length btrim ltrim rtrim concat concat_ws reverse
  md5 sha224 sha256 sha384 sha512 position strpos starts_with quote_literal quote_ident quote_nullable to_json to_jsonb
  row_to_json array_to_json json_typeof jsonb_typeof json_strip_nulls jsonb_strip_nulls count min max string_agg
  json_agg jsonb_agg bool_and bool_or every any_value first_value last_value cardinality
  hashtext hashtextextended pg_column_size pg_typeof num_nulls num_nonnulls isfinite json_build_array
  jsonb_build_array`,
);

/** As these, but not for arrays: whether those fit together depends on their dimensions. */
const totalForScalars = words('array_agg array_append array_prepend');

/** As these, for whole numbers and decimals. */
const totalForNumbers = words('sum avg');
/** smallint, integer, bigint, numeric. */
const numbers = new Set([21, 23, 20, 1700]);

/** As these, as long as only the argument of this place holds something protected. */
const totalIn: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    [
      'left',
      'right',
      'substr',
      'substring',
      'regexp_replace',
      'regexp_count',
      'regexp_instr',
      'regexp_substr',
      'regexp_like',
      'split_part',
      'ascii',
      'lpad',
      'rpad',
      'round',
      'ceil',
      'ceiling',
      'floor',
      'trunc',
      'sign',
      'replace',
      'translate',
      'array_to_string',
      'array_length',
      'to_char',
      'lag',
      'lead',
    ].map((name) => [name, 0]),
  ),
  ...Object.fromEntries(
    ['date_part', 'extract', 'date_trunc', 'json_object_agg', 'jsonb_object_agg'].map((name) => [name, 1]),
  ),
};

/**
 * The arguments whose values decide whether a function fails; none where it gives a value in any case. A row has the
 * type `record`: it is no array, whatever its columns are.
 */
export function telling(name: string, args: readonly Value[]): readonly Value[] {
  // length(bytes, encoding) is another function.
  if (total.has(name)) return name === 'length' && args.length > 1 ? args : [];
  if (totalForScalars.has(name))
    return args.filter(({ sources, typeOid }) => typeOid !== RECORD && holdsArray(sources));
  if (totalForNumbers.has(name)) return args.filter(({ sources }) => !isOfNumbers(sources));
  // A key that is NULL is an error.
  if (name === 'json_build_object' || name === 'jsonb_build_object') return args.filter((_, at) => at % 2 === 0);
  const place = Object.hasOwn(totalIn, name) ? totalIn[name] : undefined;
  // A bad pattern or format fails only where there is a value to try it on.
  return place === undefined ? args : args.filter(({ nullTells }, at) => at !== place || nullTells === true);
}

/** Functions of text that give text in any case. */
export const textFunctions = words('lower upper initcap btrim ltrim rtrim concat concat_ws reverse md5 quote_literal');

/** Functions that give NULL where they find nothing. */
export const seekers = words(
  'regexp_match regexp_substr substring array_length array_position array_upper array_lower jsonb_path_query_first',
);

export const RECORD = 2249;

const holdsArray = (sources: Value['sources']): boolean => [...sources].some(({ isArray }) => isArray);
const isOfNumbers = (sources: Value['sources']): boolean => [...sources].every(({ typeOid }) => numbers.has(typeOid));

/** Read other tables, files or servers, run text as SQL, or change how later text is read: nobody sees through them. */
export const opaqueFunctions =
  /^(?:(?:query|cursor|table|schema|database)_to_xml.*|pg_read_.*|pg_ls_.*|pg_stat_file|lo_.*|loread|lowrite|dblink.*|ts_stat|ts_rewrite|crosstab.*|connectby|xpath_table|set_config|pg_logical_.*|pg_stat_get_activity|pg_stat_get_(?:xact_)?tuples_hot_updated|pg_stat_get_backend_activity|pg_stat_statements.*|pg_get_backend_memory_contexts|pg_execute_server_program|pg_walinspect.*|get_raw_page|heap_page_.*|bt_page_.*|brin_page_.*|gin_.*page.*|hash_page_.*|pg_show_(?!all_settings$).*|pg_file_.*|pg_hba_file_rules|plpgsql_check.*|pg_import_.*|pg_restore_.*|pg_stats_ext.*|pg_mcv_list_items|pg_ndistinct.*|pg_cursor|pg_prepared_statement|pg_input_error_.*|currtid2?|pg_ident_file_mappings|ts_debug|ts_parse|ts_token_type)$/;

/** Parts of the catalogue that hold stored values, statements of others, or secrets. */
export const opaqueRelations = words(
  `pg_stats pg_statistic pg_statistic_ext_data pg_stats_ext pg_stats_ext_exprs pg_stat_activity pg_stat_statements
  pg_stat_statements_info pg_largeobject pg_authid pg_shadow pg_hba_file_rules
  pg_file_settings pg_cursors pg_prepared_statements pg_dist_authinfo user_mapping_options`,
);

/** Single columns of the catalogue that hold secrets. */
export const secretColumns = words(`pg_subscription.subconninfo pg_user_mapping.umoptions pg_user_mappings.umoptions
  pg_stat_all_tables.n_tup_hot_upd pg_stat_user_tables.n_tup_hot_upd pg_stat_sys_tables.n_tup_hot_upd
  pg_stat_xact_all_tables.n_tup_hot_upd pg_stat_xact_user_tables.n_tup_hot_upd pg_stat_xact_sys_tables.n_tup_hot_upd`);

/** One column each, whatever they are called with. */
export const scalarSets = words(
  `generate_series unnest regexp_split_to_table string_to_table json_array_elements json_array_elements_text
  jsonb_array_elements jsonb_array_elements_text json_object_keys jsonb_object_keys generate_subscripts jsonb_path_query
  regexp_matches current_database current_schema version now`,
);

/** Columns of the few others that people use in FROM. */
export const tableFunctions: Readonly<Record<string, readonly string[]>> = {
  json_each: ['key', 'value'],
  json_each_text: ['key', 'value'],
  jsonb_each: ['key', 'value'],
  jsonb_each_text: ['key', 'value'],
};

/** What tools ask of the catalogue and the server: names, sizes, positions; never a stored value. */
const introspection =
  /^pg_(?:partition_\w+|get_\w+|is_\w+|\w+_is_visible|relation_\w+|table_size|indexes_size|total_relation_size|tablespace_\w+|database_size|size_pretty|postmaster_start_time|conf_load_time|backend_pid|my_temp_schema|current_snapshot|export_snapshot|current_xact_id\w*|current_wal_\w+|last_\w+|control_\w+|stat_get_(?!activity|backend_activity|(?:xact_)?tuples_hot)\w+|available_\w+|timezone_\w+|options_to_table|lock_status|blocking_pids|safe_snapshot_blocking_pids|show_all_settings|cancel_backend|terminate_backend|encoding_to_char|char_to_encoding)$/;

/** Whether a volatile function of PostgreSQL's own reads nothing that is protected. */
export const isHarmless = (name: string): boolean => harmlessVolatile.has(name) || introspection.test(name);

/** Functions that read nothing although PostgreSQL calls them volatile. */
const harmlessVolatile = words(
  `random gen_random_uuid uuidv4 uuidv7 clock_timestamp timeofday nextval currval lastval setseed pg_sleep pg_sleep_for
  pg_sleep_until pg_advisory_lock pg_advisory_unlock pg_advisory_unlock_all pg_advisory_xact_lock pg_try_advisory_lock
  pg_try_advisory_xact_lock pg_advisory_lock_shared pg_notify txid_current pg_current_xact_id random_normal`,
);
