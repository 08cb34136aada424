/** Prefixes of what only says where a secret is: whoever uses it finds it there. */
const reference = /^(?:env|file|command|vault|aws-sm|gcp-sm|azure-kv|k8s-secret):./;

/** The fields of each kind's spec that are secrets: stored sealed, never listed. A new kind with secrets is named here. */
export const secretFields: Readonly<
  Record<string, readonly { readonly path: readonly string[]; readonly reference?: RegExp }[]>
> = {
  Connection: [
    { path: ['credential', 'password'], reference },
    { path: ['credential', 'postgresRole', 'password'], reference },
    { path: ['credential', 'privateKey'], reference },
    { path: ['credential', 'passphrase'], reference },
    { path: ['credential', 'certificateAuthority'], reference },
  ],
  IdentityProvider: [
    { path: ['clientSecret'], reference },
    { path: ['privateKey'], reference },
  ],
  Notifier: [
    { path: ['webhook', 'url'], reference },
    { path: ['webhook', 'secret'], reference },
    { path: ['slack', 'url'], reference },
    { path: ['slack', 'signingSecret'], reference },
    { path: ['email', 'password'], reference },
  ],
};
