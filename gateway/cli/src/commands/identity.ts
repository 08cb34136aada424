import { userInfo } from 'node:os';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { type MintedToken, Role, WhoAmIResponseSchema } from '@sallyport/proto/api/v1/identity_pb';
import type { Command } from 'commander';
import { openApi } from '../client/api.ts';
import { browserLogin } from '../client/browser-login.ts';
import { forgetCredentials, saveCredentials } from '../client/credentials.ts';
import { awaitDevice, beginDevice, type Gateway, revoke, type Tokens } from '../client/oauth.ts';
import { forgetCertificate } from '../client/ssh/kept.ts';
import { establishTrust } from '../client/trust.ts';
import { exits, Failure, usage } from '../failures.ts';
import { clockTime, durationOf } from '../output/times.ts';
import type { Run } from '../session.ts';
import { askSecret } from '../terminal/prompt.ts';
import { leaveCertificate } from './ssh.ts';

interface LoginOptions {
  readonly user?: string;
  readonly fingerprint?: string;
  readonly ttl?: string;
  readonly device?: boolean;
}

/** `login`, `logout`, `whoami`, `passwd`. */
export function addIdentity(program: Command, run: Run): void {
  program
    .command('login')
    .description('sign in with the browser and keep a short-lived token')
    .option('--device', 'with a browser on another machine: shows a link and a code')
    .option(
      '--user <name>',
      'without a browser: a user of the gateway; the password comes from the terminal or standard input',
    )
    .option('--fingerprint <sha256>', "the gateway's certificate, or its authority's, to trust")
    .option('--ttl <time>', 'how long the token lives: 8h, 7d')
    .action((options: LoginOptions, command: Command) => login(run, options, command));
  program
    .command('logout')
    .description('revoke the kept token and forget it')
    .action((_: unknown, command: Command) => logout(run, command));
  program
    .command('whoami')
    .description('who you are to the gateway')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(({ output }: { output: string }, command: Command) => whoAmI(run, output, command));
  program
    .command('passwd [user]')
    .description("set your password, or another's as an administrator")
    .action((user: string | undefined, _: unknown, command: Command) => setPassword(run, user, command));
}

async function login(run: Run, options: LoginOptions, command: Command): Promise<void> {
  const { user, fingerprint, device = false, ttl } = options;
  const { url, ca } = await run.settings(command);
  const pinned = await establishTrust(url, { ca, fingerprint });
  if (user !== undefined) return passwordLogin(run, { url, pinned, name: user, ttl });
  if (ttl !== undefined) throw usage('--ttl goes with --user only: with a browser a sign-in lasts for twelve hours');
  const gateway = { url, ca: pinned };
  const tokens = device
    ? await deviceLogin(run, gateway)
    : await browserLogin(
        gateway,
        (link) => {
          run.note('Sign in with your browser:');
          run.note(`  ${link}`);
        },
        run.stop.signal,
      );
  const { principal, tokenId } = await openApi({ url, ca: pinned, token: tokens.accessToken }).identity.whoAmI({});
  await saveCredentials(run.env, {
    url,
    user: principal?.name ?? '',
    token: tokens.accessToken,
    tokenId,
    expiresAt: tokens.expiresAt.toISOString(),
    refreshToken: tokens.refreshToken,
    ...(pinned === undefined ? {} : { ca: pinned }),
  });
  run.note(`signed in to ${url} as ${principal?.name}; see what you may reach with: sallyport connect`);
  await leaveCertificate(run, { url, ca: pinned, token: tokens.accessToken });
}

async function deviceLogin(run: Run, gateway: Gateway): Promise<Tokens> {
  const device = await beginDevice(gateway);
  run.note(`On any machine with a browser, open the link and see that it shows the code ${device.userCode}:`);
  run.note(`  ${device.link}`);
  return run.awaited('waiting for the browser', awaitDevice(gateway, device, run.stop.signal));
}

interface PasswordLogin {
  readonly url: string;
  readonly pinned: string | undefined;
  readonly name: string;
  readonly ttl: string | undefined;
}

async function passwordLogin(run: Run, { url, pinned, name, ttl }: PasswordLogin): Promise<void> {
  const life = ttl === undefined ? {} : { ttl: durationOf(ttl) };
  const password = await askSecret(`Password of ${name} at ${url}: `);
  const label = `login of ${userInfo().username}`;
  const { identity } = openApi({ url, ca: pinned });
  const answer = await run.awaited('signing in', identity.signIn({ user: name, password, label, ...life }));
  const { secret, id, expiresAt } = minted(answer.token);
  const kept = {
    url,
    user: answer.principal?.name ?? name,
    token: secret,
    tokenId: id,
    expiresAt: timestampDate(expiresAt).toISOString(),
  };
  await saveCredentials(run.env, pinned === undefined ? kept : { ...kept, ca: pinned });
  run.note(
    `signed in to ${url} as ${kept.user} until ${clockTime(expiresAt)}; see what you may reach with: sallyport connect`,
  );
  await leaveCertificate(run, { url, ca: pinned, token: secret });
}

async function logout(run: Run, command: Command): Promise<void> {
  const { saved } = await run.settings(command);
  if (saved === undefined) throw new Failure('nobody is signed in', { exitCode: exits.notSignedIn });
  try {
    if (saved.refreshToken !== undefined) await revoke({ url: saved.url, ca: saved.ca }, saved.refreshToken);
    else await openApi(saved).identity.revokeToken({ id: saved.tokenId });
  } finally {
    // Forgotten here in any case: a gateway that is away forgets it when it expires.
    await forgetCredentials(run.env);
    await forgetCertificate(run.env, saved.url);
  }
  run.note(`signed out of ${saved.url}`);
}

async function whoAmI(run: Run, output: string, command: Command): Promise<void> {
  const { saved } = await run.settings(command);
  const answer = await run.awaited('asking', (await run.api(command)).identity.whoAmI({}));
  const expiry = saved?.tokenId === answer.tokenId ? saved?.expiresAt : undefined;
  await run.show(output, WhoAmIResponseSchema, answer, [
    ['name', answer.principal?.name ?? ''],
    ['id', answer.principal?.id ?? ''],
    ['acting for them', answer.principal?.actor?.name ?? ''],
    ['groups', answer.principal?.groups.join(', ') ?? ''],
    ['roles', answer.roles.map((role) => (Role[role] ?? '').toLowerCase()).join(', ')],
    ['gateway', run.url],
    ['signed in until', expiry ?? ''],
  ]);
}

async function setPassword(run: Run, user: string | undefined, command: Command): Promise<void> {
  const { identity } = await run.api(command);
  const { principal } = await identity.whoAmI({});
  const own = user === undefined || principal?.id === `user:${user}`;
  if (!process.stdin.isTTY) throw new Failure('passwords are set at a terminal', { exitCode: exits.usage });
  const currentPassword = own ? await askSecret('Current password: ') : '';
  const newPassword = await askSecret('New password: ');
  if ((await askSecret('Once more: ')) !== newPassword)
    throw new Failure('the two are not the same; nothing was changed');
  await identity.setPassword({ user: user ?? '', currentPassword, newPassword });
  run.note('the password is set');
}

/** @throws Failure where the gateway answered without one. */
export function minted(
  token: MintedToken | undefined,
): MintedToken & { expiresAt: NonNullable<MintedToken['expiresAt']> } {
  const expiresAt = token?.expiresAt;
  if (token === undefined || expiresAt === undefined) throw new Failure('the gateway answered without a token');
  return { ...token, expiresAt };
}
