import type { SecretFence } from '../boundary/secret-fence.ts';
import { type Environment, SecretMissing, type SecretSource } from './source.ts';

/** `env:NAME`: a variable of the agent's own environment, of those that its operator gives away. */
export function environmentSource(
  environment: Environment,
  fence: Pick<SecretFence, 'mayReadVariable' | 'isOwnVariable'>,
): SecretSource {
  return {
    async secret(name) {
      // Whether there is one is told of none that may not be asked for.
      if (fence.isOwnVariable(name)) throw new SecretMissing('that variable is the agent’s own and is given to nobody');
      if (!fence.mayReadVariable(name)) {
        throw new SecretMissing('this agent’s operator does not list that variable in SALLYPORT_SECRET_ENV');
      }
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
      if (value === undefined) throw new SecretMissing(`the agent’s environment has no variable ${name}`);
      if (value === '') throw new SecretMissing(`the agent’s environment variable ${name} is empty`);
      return value;
    },
  };
}
