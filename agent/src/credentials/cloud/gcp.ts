import { GoogleAuth } from 'google-auth-library';
import { type Answer, ask, jsonOf, NoAnswer } from '../http/ask.ts';
import { fieldOf, placeOf, textOf } from '../reference.ts';
import { type Environment, SecretMissing, type SecretSource } from '../source.ts';

const named =
  /^projects\/([a-z0-9:.-]+)(?:\/locations\/([a-z0-9-]+))?\/secrets\/([A-Za-z0-9_-]{1,255})(?:\/versions\/([A-Za-z0-9_-]+))?$/;
const scope = 'https://www.googleapis.com/auth/cloud-platform';

/**
 * `gcp-sm:projects/P/secrets/S[/versions/V]#FIELD`, the newest version where none is named. The login is what Google's
 * library finds: a workload identity, the metadata server, or GOOGLE_APPLICATION_CREDENTIALS.
 * @see https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
 */
export function gcpSource(environment: Environment): SecretSource {
  const auth = new GoogleAuth({ scopes: [scope] });
  return {
    async secret(name, signal) {
      const { place, field } = placeOf(name);
      const [, project, location, secret, version = 'latest'] = named.exec(place) ?? [];
      if (project === undefined) {
        throw new SecretMissing(
          'the reference is not of the form projects/P/secrets/S or projects/P/secrets/S/versions/V',
        );
      }
      const parent = `projects/${project}${location === undefined ? '' : `/locations/${location}`}`;
      const url = new URL(
        `/v1/${parent}/secrets/${secret}/versions/${version}:access`,
        originOf(environment, location),
      );
      const answer = await asked(url, await token(), signal);
      if (answer.status !== 200) throw new SecretMissing(refusal(answer));
      return fieldOf(payloadOf(answer), field);
    },
  };

  async function token(): Promise<string> {
    // The library's errors are left out: they carry requests with their headers.
    const text = await auth.getAccessToken().catch(() => undefined);
    if (typeof text === 'string' && text !== '') return text;
    throw new SecretMissing(
      'the agent has no login at Google; run it with a service account, or set GOOGLE_APPLICATION_CREDENTIALS',
    );
  }
}

/** The override is gcloud's own, for Private Service Connect. */
function originOf(environment: Environment, location: string | undefined): string {
  const override = environment['CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER'];
  if (override !== undefined && override !== '') return override;
  const host = location === undefined ? 'secretmanager' : `secretmanager.${location}.rep`;
  return `https://${host}.googleapis.com`;
}

async function asked(url: URL, token: string, signal: AbortSignal): Promise<Answer> {
  try {
    return await ask({ method: 'GET', url, headers: { authorization: `Bearer ${token}` }, signal });
  } catch (error) {
    throw new SecretMissing(`${url.host}: ${error instanceof NoAnswer ? error.message : 'it could not be asked'}`);
  }
}

function payloadOf(answer: Answer): string {
  const { payload } = jsonOf(answer) as { payload?: { data?: unknown } };
  if (typeof payload?.data !== 'string') throw new SecretMissing('Google’s answer holds no secret');
  return textOf(Buffer.from(payload.data, 'base64'));
}

function refusal(answer: Answer): string {
  const { status } = answer;
  if (status === 401) return 'Google does not accept the agent’s login; it may have been disabled';
  if (status === 403) {
    return 'the agent’s service account may not read it, or the API is off; grant roles/secretmanager.secretAccessor on the secret and enable secretmanager.googleapis.com';
  }
  if (status === 404)
    return 'Google has no such secret or version; check the project, the name and that a version exists';
  if (status === 400) return 'that version cannot be read: it is disabled or destroyed, or the name is malformed';
  if (status === 429) return 'Google refuses for too many requests; raise the quota or try again later';
  return `Google answered with status ${status}`;
}
