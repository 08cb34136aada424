import { SecretMissing, type SecretSource } from './source.ts';

/** `env:NAME`: a variable of the agent's own environment. */
export function environmentSource(environment: Readonly<Record<string, string | undefined>>): SecretSource {
  return {
    async secret(name) {
      const value = environment[name];
      if (value === undefined) throw new SecretMissing(`the agent’s environment has no variable ${name}`);
      if (value === '') throw new SecretMissing(`the agent’s environment variable ${name} is empty`);
      return value;
    },
  };
}
