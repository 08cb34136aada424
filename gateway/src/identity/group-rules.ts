/** One rule: the provider's group `from` is the group `to` here. */
export interface GroupRule {
  /** Compared exactly; `*` stands for any characters, none too. */
  readonly from: string;
  /** May hold one `*` where `from` holds exactly one: what that one stood for. */
  readonly to: string;
}

/** What an identity provider's groups are called here. */
export interface GroupRules {
  /** All rules that match count: one group may become several. */
  readonly map: readonly GroupRule[];
  /** A group that no rule matches: keeps its name (`keep`, when absent), or is left out. */
  readonly unmatched?: 'keep' | 'drop' | undefined;
}

/** A provider's groups in the words of the rules here, each once. */
export function mapGroups(rules: GroupRules | undefined, groups: readonly string[]): readonly string[] {
  if (rules === undefined) return groups;
  return [...new Set(groups.flatMap((group) => mapGroup(rules, group)))].filter((group) => group !== '');
}

function mapGroup({ map, unmatched = 'keep' }: GroupRules, group: string): readonly string[] {
  const found = map.flatMap(({ from, to }) => {
    const stars = match(from, group);
    if (stars === undefined) return [];
    return [to.split('*').join(stars[0] ?? '')];
  });
  if (found.length > 0) return found;
  return unmatched === 'keep' ? [group] : [];
}

/** What each `*` stood for; undefined where the pattern does not fit. Linear in the text for each `*`. */
function match(pattern: string, text: string): readonly string[] | undefined {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return pattern === text ? [] : undefined;
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return undefined;
  const end = text.length - tail.length;
  const stars: string[] = [];
  let at = head.length;
  for (const part of rest) {
    const next = text.indexOf(part, at);
    if (next < 0 || next + part.length > end) return undefined;
    stars.push(text.slice(at, next));
    at = next + part.length;
  }
  return [...stars, text.slice(at, end)];
}
