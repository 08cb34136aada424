/** What a request to a Kubernetes API server is about, as that server's own authorization sees it. */
export interface KubernetesFacts {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, `proxy`; the method in lower case for what is no resource. */
  readonly verb: string;
  /** Empty for the core group, and for what is no resource. */
  readonly group: string;
  readonly version: string;
  /** Empty for what is no resource, such as /version. */
  readonly resource: string;
  readonly subresource: string;
  /** Empty for what lies in no namespace, and for all of them. */
  readonly namespace: string;
  /** Empty where no single one is named. */
  readonly name: string;
}

/** How the agent proves itself to an API server, and whom it speaks for. */
export interface KubernetesTarget {
  /** The API server is told who it was, so that its own rules and audit see the person. */
  readonly impersonates: boolean;
}
