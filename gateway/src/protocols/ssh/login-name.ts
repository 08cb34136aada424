/** Who asks for what: `CONNECTION`, or `user:CONNECTION` where a password of the gateway's own needs a name. */
export function readLoginName(text: string): { readonly user: string; readonly connection: string } {
  const colon = text.lastIndexOf(':');
  return colon < 0 ? { user: '', connection: text } : { user: text.slice(0, colon), connection: text.slice(colon + 1) };
}
