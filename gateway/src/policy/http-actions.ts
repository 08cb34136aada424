/** What rules may name of HTTP: the kind, what a request comes to, and its method in lower case. */
export const httpActions: readonly string[] = [
  'http.request',
  ...['read', 'write', 'delete', 'connect', 'unknown'],
  ...['get', 'head', 'options', 'query', 'post', 'put', 'patch'],
  ...['propfind', 'proppatch', 'mkcol', 'copy', 'move', 'lock', 'unlock', 'report', 'search', 'purge'],
];
