import { connect, createServer } from 'node:net';

/** Copies bytes from one port to another and back. Arguments: the port to listen on, the port to dial. */
const [from, to] = process.argv.slice(2).map(Number);
createServer({ noDelay: true }, (client) => {
  const target = connect({ host: '127.0.0.1', port: to ?? 0, noDelay: true });
  client.pipe(target).on('error', () => client.destroy());
  target.pipe(client).on('error', () => target.destroy());
}).listen(from, '127.0.0.1');
