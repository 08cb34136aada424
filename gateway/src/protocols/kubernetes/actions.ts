/** Words that rules may name in `actions` on clusters: the kind, the API server's verbs, and what they come to. */
export const kubernetesActions = [
  'kube.request',
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'proxy',
  'read',
  'write',
  'exec',
  'forward',
  'secrets',
] as const;
