// Brings a checkout to where it can run: npm packages, and with --tests the servers that tests talk to, with
// --bench also those that it is measured beside.
// Runs before anything is installed, so it is plain JavaScript for Node 20. A second run finds its work done.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const run = (command, args) => {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`setup: «${command} ${args.join(' ')}» failed`);
    process.exit(1);
  }
};

const stamp = 'node_modules/.sallyport-lock';
const lock = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of platforms that a registry does not carry.
  // No package needs its install script: what they build or fetch is optional.
  run('npm', ['install', '--no-save', '--ignore-scripts', '--loglevel=error']);
  writeFileSync(stamp, lock);
}

if (process.argv.includes('--tests')) {
  const found = (file) =>
    (process.env.PATH ?? '')
      .split(':')
      .concat('/usr/sbin', '/usr/local/sbin')
      .some((dir) => existsSync(`${dir}/${file}`));
  const clusters = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const missing = [
    ...(clusters.some((v) => existsSync(`/usr/lib/postgresql/${v}/bin/postgres`)) ? [] : ['postgresql']),
    ...(found('psql') ? [] : ['postgresql-client']),
    ...(found('openssl') ? [] : ['openssl']),
    ...(found('nats-server') ? [] : ['nats-server']),
    ...(existsSync('/usr/bin/chromium') ? [] : ['chromium']),
    ...(found('sshd') ? [] : ['openssh-server']),
    ...(found('ssh') ? [] : ['openssh-client']),
    ...['rsync', 'git', 'sshpass'].filter((name) => !found(name)),
    ...(found('ansible-playbook') ? [] : ['ansible-core']),
    ...(existsSync('/usr/lib/python3/dist-packages/paramiko') ? [] : ['python3-paramiko']),
    ...(found('kubectl') ? [] : ['kubernetes-client']),
    ...(process.argv.includes('--bench') ? ['pgbouncer', 'haproxy'].filter((name) => !found(name)) : []),
  ];
  if (missing.length > 0) {
    const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
    const apt = (...args) => {
      const [command, ...rest] = [...asRoot, 'apt-get', ...args];
      run(command, rest);
    };
    console.log(`setup: installing ${missing.join(', ')}`);
    apt('update', '-qq');
    apt('install', '-y', '-qq', '--no-install-recommends', ...missing);
  }
}
