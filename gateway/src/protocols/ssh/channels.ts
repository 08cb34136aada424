import type { ChannelRequest, Pty, WindowSize } from '@sallyport/shared/wire/ssh/frames.ts';
import type { Connection, PseudoTtyInfo, ServerChannel, Session, WindowChangeInfo } from 'ssh2';
import type { Opening } from './channel-port.ts';

/** A channel that a client opened: what becomes of its window and of signals is told to `port` once there is one. */
export interface Channel {
  readonly opening: Opening;
  port: { windowChange(size: WindowSize): void; signal(name: string): void } | undefined;
}

/** Open channels of one connection. OpenSSH's own servers take ten; editors use more. */
const MAX_CHANNELS = 128;
const MAX_VARIABLES = 64;
const MAX_VALUE_CHARS = 4096;
/** What of a client's environment goes to the target, where the target takes it. */
const variables = /^(?:LANG|LANGUAGE|LC_[A-Z_]{1,32}|COLORTERM|TERM_PROGRAM|GIT_PROTOCOL|NO_COLOR|TZ)$/;

/** Turns what a client does with its connection into channels. `put` is called at once for each. */
export function listen(client: Connection, put: (channel: Channel) => void): void {
  let open = 0;
  const mayOpen = (): boolean => open < MAX_CHANNELS;
  const count = (channel: ServerChannel | undefined): ServerChannel | undefined => {
    if (channel === undefined) return undefined;
    open += 1;
    channel.once('close', () => {
      open -= 1;
    });
    return channel;
  };
  client.on('session', (accept, reject) => {
    if (!mayOpen()) return reject();
    onSession(accept(), put, count);
  });
  client.on('tcpip', (accept, reject, { srcIP, srcPort, destIP, destPort }) => {
    if (!mayOpen()) return reject();
    const request: ChannelRequest = {
      request: 'direct-tcpip',
      host: destIP,
      port: destPort,
      originHost: srcIP,
      originPort: srcPort,
    };
    put({ opening: { request, accept: () => count(accept()), reject }, port: undefined });
  });
  // Listening at the target for the client's sake is not offered; neither are the agent, X11 and sockets of its file system.
  client.on('request', (_, reject) => reject?.());
}

type Count = (channel: ServerChannel | undefined) => ServerChannel | undefined;

/** One request of a session starts it; what came before describes it (RFC 4254, 6). */
function onSession(session: Session, put: (channel: Channel) => void, count: Count): void {
  const env: Record<string, string> = {};
  let pty: Pty | undefined;
  let channel: Channel | undefined;
  const start = (request: ChannelRequest, accept: () => ServerChannel): void => {
    // Accepted at once: behind a client's end of file the library would not accept it any more.
    const made = count(accept());
    channel = { opening: { request, accept: () => made, reject: () => made?.close() }, port: undefined };
    put(channel);
  };
  const described = () => ({ env, ...(pty === undefined ? {} : { pty }) });
  session.on('pty', (accept, _, info) => {
    pty = ptyOf(info);
    accept?.();
  });
  session.on('env', (accept, reject, { key, val }) => {
    const value = String(val);
    if (!variables.test(key) || value.length > MAX_VALUE_CHARS || Object.keys(env).length >= MAX_VARIABLES) {
      return reject?.();
    }
    env[key] = value;
    accept?.();
  });
  session.on('window-change', (accept, _, info) => {
    if (channel?.port !== undefined) channel.port.windowChange(sizeOf(info));
    else if (pty !== undefined) pty = { ...pty, ...sizeOf(info) };
    accept?.();
  });
  session.on('signal', (accept, _, { name }) => {
    channel?.port?.signal(name);
    accept?.();
  });
  session.on('exec', (accept, _, { command }) => start({ request: 'exec', command, ...described() }, accept));
  session.on('shell', (accept) => start({ request: 'shell', ...described() }, accept));
  session.on('subsystem', (accept, _, { name }) => start({ request: 'subsystem', name, ...described() }, accept));
}

const sizeOf = ({ cols, rows, width, height }: WindowChangeInfo): WindowSize => ({
  columns: cols,
  rows,
  width,
  height,
});

function ptyOf(info: PseudoTtyInfo & { readonly term?: string }): Pty {
  const modes = Object.entries(info.modes).filter((mode): mode is [string, number] => typeof mode[1] === 'number');
  return { ...sizeOf(info), term: info.term ?? '', modes: Object.fromEntries(modes) };
}
