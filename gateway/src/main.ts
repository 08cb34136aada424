import { parseArgs } from 'node:util';
import { ConfigError, Unavailable } from '@sallyport/shared/errors/errors.ts';
import { loadConfig } from './config/config.ts';
import { reseal, startGateway } from './gateway.ts';
import { type Log, lineLog } from './log.ts';

const usage = `usage: sallyport gateway [--config FILE] [--reseal]

Starts a gateway. Without a file everything has its default: the API on 127.0.0.1:8080, agents on 127.0.0.1:8443,
PostgreSQL on 127.0.0.1:15432, everything kept in ./data. --reseal seals all secrets with the current key and ends; a
start does the same.
`;

/** 64 is a wrong call, 78 a wrong configuration (sysexits.h), 1 anything else. */
async function main(args: readonly string[]): Promise<number | undefined> {
  const options = {
    config: { type: 'string', short: 'c' },
    reseal: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  let log: Log = lineLog('text');
  try {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
    if (values.help === true) {
      process.stdout.write(usage);
      return 0;
    }
    const config = loadConfig(values.config);
    log = lineLog(config.log.format);
    if (values.reseal === true) {
      await reseal(config, log);
      return 0;
    }
    const gateway = await startGateway(config, log);
    stopOnSignals(() => gateway.stop(), log);
    if (gateway.passwordFile !== undefined)
      log('first start: the administrator’s password is in a file', { file: gateway.passwordFile });
    log('ready', { ...gateway.ports });
    return undefined;
  } catch (error) {
    const known = error instanceof ConfigError || error instanceof Unavailable || isCall(error) || isAddress(error);
    log(known ? (error as Error).message : 'the gateway could not start', known ? {} : { error });
    if (isCall(error)) process.stderr.write(usage);
    return isCall(error) ? 64 : error instanceof ConfigError ? 78 : 1;
  }
}

function stopOnSignals(stop: () => Promise<void>, log: Log): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      log('stopping', { signal });
      stop().then(() => process.exit(0));
    });
  }
}

const isCall = (error: unknown): boolean => String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS');
const isAddress = (error: unknown): boolean =>
  ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].includes(String((error as { code?: string }).code));

const status = await main(process.argv.slice(2));
if (status !== undefined) process.exitCode = status;
