const trust = 'its certificate is signed by nobody that the agent trusts';

/** What went wrong below HTTP, in words that follow the server's name. */
export function transportReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NONAME':
      return 'its host name does not resolve on the agent; check the address and the agent’s DNS';
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused); check the address and that it is up';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'it closed the connection; check that the address starts with http or https as the server wants it';
    case 'ETIMEDOUT':
      return 'it does not answer; check the address and the firewall between it and the agent';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route from the agent; check the address and the network';
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'it does not speak TLS there; check that the address starts with https rightly';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return `${trust} (${code}); give the agent the authority’s certificate`;
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'its certificate is for another host name than the address';
    default:
      return `the connection failed (${code === '' ? 'no code was given' : code})`;
  }
}
