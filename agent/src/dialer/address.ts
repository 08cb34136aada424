import { isIP } from 'node:net';

/** A gateway's tunnel port. */
export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `[::1]:port`. @throws Error that says how it is written */
export function parseAddress(text: string): GatewayAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535)
    throw new Error(`"${text}" is no address such as gateway.example.com:8443`);
  return { host, port };
}

export const spoken = ({ host, port }: GatewayAddress): string => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
