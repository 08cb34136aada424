import { type Detector, matches, unfinishedForm } from './detector.ts';
import { Feature } from './features.ts';
import { unfinished } from './unfinished.ts';

const before = '(?<![A-Za-z0-9])';
const after = '(?![A-Za-z0-9])';

/** A provider's keys: forms that start with the provider's own prefix. A group narrows what is replaced. */
function keys(name: string, ...forms: readonly string[]): Detector {
  const pattern = new RegExp(`${before}(?:${forms.join('|')})${after}`, 'g');
  const open = new RegExp(`${before}(?:${unfinished(forms.join('|'))})$`);
  return {
    name,
    needs: Feature.longWord,
    find(text, found) {
      matches(pattern, text, (match) => {
        const [whole, ...groups] = match;
        const secret = groups.find((group) => group !== undefined) ?? whole;
        const start = match.index + whole.lastIndexOf(secret);
        found(start, start + secret.length);
      });
    },
    unfinishedFrom: (text) => unfinishedForm(open, text),
  };
}

/** What stands between a setting's name and its value in env files, JSON, YAML and shells. */
const assigned = '["\'\\\\]{0,2}[ \\t]{0,4}[:=][ \\t]{0,4}["\'\\\\]{0,2}';

/** Keys of clouds and services by their published prefixes. Lengths have no upper bound where providers lengthen them. */
export const cloudKeys: readonly Detector[] = [
  keys(
    'aws-key',
    '(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}',
    `(?:aws_?)?[sS](?:ecret|ECRET)_?(?:[aA](?:ccess|CCESS)_?)?[kK](?:ey|EY)${assigned}([A-Za-z0-9/+]{40})`,
    `AWS_SECRET_ACCESS_KEY${assigned}([A-Za-z0-9/+]{40})`,
  ),
  keys(
    'gcp-key',
    'AIza[A-Za-z0-9_-]{35}',
    'GOCSPX-[A-Za-z0-9_-]{28}',
    'ya29\\.[A-Za-z0-9_-]{20,}',
    `private_key_id${assigned}([0-9a-f]{40})`,
  ),
  keys(
    'azure-key',
    'AccountKey=([A-Za-z0-9/+]{86}==)',
    'SharedAccessKey=([A-Za-z0-9/+]{43}=)',
    '[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}',
  ),
  keys('github-token', 'gh[pousr]_[A-Za-z0-9]{36,}', 'github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}'),
  keys('gitlab-token', 'gl(?:pat|ptt|dt|rt|cbt|ft|imt|agent|oas|soat)-[A-Za-z0-9_.-]{20,}'),
  keys(
    'slack-token',
    'xox[abeoprs]-[A-Za-z0-9-]{10,}',
    'xapp-[0-9]-[A-Za-z0-9-]{10,}',
    'hooks\\.slack\\.com/services/([A-Z0-9]{8,12}/[A-Z0-9]{8,12}/[A-Za-z0-9]{20,32})',
  ),
  keys('stripe-key', '[srp]k_(?:live|test)_[A-Za-z0-9]{16,}', 'whsec_[A-Za-z0-9/+]{24,}={0,2}'),
  keys('anthropic-key', 'sk-ant-[A-Za-z0-9_-]{20,}'),
  keys('openai-key', 'sk-(?!ant-)[A-Za-z0-9_-]{20,}'),
  keys('npm-token', 'npm_[A-Za-z0-9]{36}'),
  keys('pypi-token', 'pypi-[A-Za-z0-9_-]{50,}'),
  keys('vault-token', 'hv[sbr]\\.[A-Za-z0-9_-]{24,}'),
  keys('sendgrid-key', 'SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}'),
  keys('digitalocean-token', 'do[opr]_v1_[a-f0-9]{64}'),
  keys('huggingface-token', 'hf_[A-Za-z0-9]{30,}'),
];
