/** The agent's variables, in which the network's owner says what it may do. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a variable lists; undefined where it is not set. */
export function listed(environment: Environment, name: string, between = ','): readonly string[] | undefined {
  return environment[name]
    ?.split(between)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
