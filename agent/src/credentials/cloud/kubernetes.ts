import { readFile } from 'node:fs/promises';
import { type Answer, ask, jsonOf, NoAnswer } from '../http/ask.ts';
import { memberOf, placeOf, textOf } from '../reference.ts';
import { type Environment, SecretMissing, type SecretSource } from '../source.ts';

const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
/** RFC 1123 names, as Kubernetes wants them. */
const named = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/;

/**
 * `k8s-secret:NAMESPACE/NAME#KEY` with the pod's service account; token and authority are read at each use, as the
 * kubelet rotates them. KEY is `password` where none is named.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
 */
export function kubernetesSource(environment: Environment): SecretSource {
  return {
    async secret(name, signal) {
      const { place, field = 'password' } = placeOf(name);
      const [, namespace, secret] = named.exec(place) ?? [];
      if (namespace === undefined) throw new SecretMissing('the reference is not of the form NAMESPACE/NAME#KEY');
      const url = new URL(`/api/v1/namespaces/${namespace}/secrets/${secret}`, addressOf(environment));
      const answer = await asked(url, environment, signal);
      if (answer.status !== 200) throw new SecretMissing(refusal(answer, namespace));
      const { data } = jsonOf(answer);
      const encoded = memberOf(typeof data === 'object' && data !== null ? { ...data } : {}, field);
      return textOf(Buffer.from(encoded, 'base64'));
    },
  };
}

function addressOf(environment: Environment): string {
  const { SALLYPORT_K8S_URL: url, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  const given = url ?? (host === undefined ? undefined : `https://${host.includes(':') ? `[${host}]` : host}:${port}`);
  if (given === undefined) {
    throw new SecretMissing('the agent does not run in a cluster; set SALLYPORT_K8S_URL, _TOKEN_FILE and _CA_FILE');
  }
  if (URL.parse(given)?.protocol !== 'https:') throw new SecretMissing('SALLYPORT_K8S_URL must be an https address');
  return given;
}

async function asked(url: URL, environment: Environment, signal: AbortSignal): Promise<Answer> {
  const token = await fileText(environment['SALLYPORT_K8S_TOKEN_FILE'] ?? `${folder}/token`);
  const ca = await fileText(environment['SALLYPORT_K8S_CA_FILE'] ?? `${folder}/ca.crt`);
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  try {
    return await ask({ method: 'GET', url, headers, ca, signal });
  } catch (error) {
    const why = error instanceof NoAnswer ? error.message : 'it could not be asked';
    throw new SecretMissing(`the Kubernetes API at ${url.host}: ${why}`);
  }
}

async function fileText(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SecretMissing(`the agent’s own file ${file} cannot be read (${error.code ?? 'unknown reason'})`);
  });
  return text.trim();
}

function refusal({ status }: Answer, namespace: string): string {
  if (status === 401) return 'the cluster does not accept the agent’s service account token';
  if (status === 403) {
    return `the agent’s service account may not read it; give it a Role in ${namespace} with get on that secret`;
  }
  if (status === 404) return 'there is no such secret in that namespace';
  if (status === 429) return 'the cluster refuses for too many requests; try again later';
  return `the cluster answered with status ${status}`;
}
