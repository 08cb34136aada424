import { ResourceStore } from '../../resources.ts';
import { Store } from '../../store.ts';
import { openKeyring } from '../open-keyring.ts';
import { SealedResources } from '../resources.ts';

/** Seals a store anew and says each resource that is done, so that somebody can kill it in between. */
const [dataDir = '', current = '', older = ''] = process.argv.slice(2);
const fields = { Connection: [{ path: ['credential', 'password'] }] };
const store = await Store.open(dataDir);
const respec = ResourceStore.prototype.respec;
ResourceStore.prototype.respec = async function (...args): Promise<void> {
  await respec.apply(this, args);
  await new Promise<void>((resolve) => process.stdout.write(`${args[1]}\n`, () => resolve()));
};
const sources = {
  key: { from: 'file', path: current },
  older: [{ from: 'file', path: older }],
} as const;
const keyring = await openKeyring(sources, dataDir, []);
await new SealedResources(store.resources, keyring, fields).reseal();
await store.close();
