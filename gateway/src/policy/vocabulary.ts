/** Every variable of a rule's expression with its fields; `undefined` where the variable is a value itself. */
export const variables: Readonly<Record<string, readonly string[] | undefined>> = {
  action: [
    'kind',
    'verb',
    'effects',
    'text',
    'tables',
    'hasWhere',
    'hasLimit',
    'estimatedRows',
    'parameters',
    'pty',
    'paths',
    'method',
    'path',
    'query',
    'host',
    'body',
  ],
  principal: ['name', 'groups', 'claims', 'actor'],
  connection: ['name', 'labels', 'protocol'],
  session: ['id', 'sourceAddress', 'startedAt'],
  now: undefined,
};

/** Fields of fields that have a fixed set of them. */
export const members: Readonly<Record<string, readonly string[]>> = {
  'principal.actor': ['name', 'groups', 'kind', 'via'],
};

/** CEL's own type names, which are values too. */
export const types = new Set(
  'bool int uint double string bytes list map null_type type google.protobuf.Timestamp google.protobuf.Duration'.split(
    ' ',
  ),
);

export const functions = new Set(
  `size contains startsWith endsWith matches int uint double string bytes bool duration timestamp type dyn
  getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds getMilliseconds`.split(
    /\s+/,
  ),
);
