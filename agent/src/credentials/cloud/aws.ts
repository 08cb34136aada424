import { Readable, Transform } from 'node:stream';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { fieldOf, placeOf, textOf } from '../reference.ts';
import { SecretMissing, type SecretSource } from '../source.ts';

const arn = /^arn:[a-z0-9-]+:secretsmanager:([a-z0-9-]+):\d{12}:secret:.+$/;
/** A secret is 64 KiB at the most, and what goes with it is little. */
const LARGEST_ANSWER_BYTES = 1024 * 1024;
const plainName = /^[A-Za-z0-9/_+=.@-]{1,512}$/;

/** `aws-sm:NAME_OR_ARN#FIELD`, with the login and the region that the SDK finds; an ARN's own region comes first. */
export function awsSource(timeoutMs = 10_000): SecretSource {
  const clients = new Map<string, SecretsManagerClient>();
  return {
    async secret(name, signal) {
      const { place, field } = placeOf(name);
      const region = arn.exec(place)?.[1];
      if (region === undefined && !plainName.test(place)) {
        throw new SecretMissing('that is neither a secret’s name nor its ARN');
      }
      const limit = AbortSignal.timeout(timeoutMs);
      const command = new GetSecretValueCommand({ SecretId: place });
      const abortSignal = AbortSignal.any([signal, limit]);
      const answer = await clientOf(region)
        .send(command, { abortSignal })
        .catch((error: unknown) => {
          throw new SecretMissing(reason(error, limit, timeoutMs));
        });
      return fieldOf(answer.SecretString ?? textOf(answer.SecretBinary ?? new Uint8Array()), field);
    },
    async close() {
      for (const client of clients.values()) client.destroy();
    },
  };

  function clientOf(region: string | undefined): SecretsManagerClient {
    const key = region ?? '';
    const client = clients.get(key) ?? made(region);
    clients.set(key, client);
    return client;
  }

  function made(region: string | undefined): SecretsManagerClient {
    const client = new SecretsManagerClient({
      maxAttempts: 2,
      ...(region === undefined ? {} : { region }),
      logger: silent,
    });
    // The SDK itself would read an answer of any length into memory.
    const bounded = { step: 'deserialize', priority: 'low' } as const;
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const response = result.response as { body?: unknown };
        if (response.body instanceof Readable) response.body = limited(response.body);
        return result;
      },
      bounded,
    );
    return client;
  }
}

function limited(body: Readable): Readable {
  let lengthBytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      lengthBytes += chunk.length;
      if (lengthBytes <= LARGEST_ANSWER_BYTES) return done(null, chunk);
      body.destroy();
      done(Object.assign(new Error('the answer is too long'), { name: 'AnswerTooLong' }));
    },
  });
  body.once('error', (error) => counted.destroy(error));
  return body.pipe(counted);
}

const nothing = (): void => undefined;
/** The SDK's log would hold requests. */
const silent = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The SDK's message is left out: it may repeat the request or name other accounts' resources. */
function reason(error: unknown, limit: AbortSignal, timeoutMs: number): string {
  if (limit.aborted) return `AWS gave no answer within ${timeoutMs} ms; check the agent’s way to it`;
  const { name, message, code } = error as Error & { code?: string };
  switch (name) {
    case 'ResourceNotFoundException':
      return 'AWS has no secret of that name in this account and region; check AWS_REGION or write the ARN';
    case 'AccessDeniedException':
      return /kms/i.test(message)
        ? 'the agent’s role may not decrypt it; allow kms:Decrypt on the secret’s key'
        : 'the agent’s role may not read it; allow secretsmanager:GetSecretValue on it';
    case 'DecryptionFailure':
      return 'AWS could not decrypt it; check the KMS key';
    case 'InvalidRequestException':
      return 'the secret is marked for deletion or has no value yet';
    case 'InvalidParameterException':
    case 'ValidationException':
      return 'AWS does not take that name';
    case 'ThrottlingException':
    case 'TooManyRequestsException':
      return 'AWS refuses for too many requests; try again later';
    case 'ExpiredTokenException':
    case 'ExpiredToken':
      return 'the agent’s AWS login has expired';
    case 'UnrecognizedClientException':
    case 'InvalidSignatureException':
    case 'IncompleteSignature':
      return 'AWS does not accept the agent’s login; check its keys and the machine’s clock';
    case 'CredentialsProviderError':
      return 'the agent has no AWS login; give it a role (instance, task or IRSA) or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
    case 'AnswerTooLong':
      return `AWS’s answer has more than ${LARGEST_ANSWER_BYTES} bytes; check AWS_ENDPOINT_URL`;
    case 'AbortError':
      return 'the attempt was given up before AWS answered';
    case 'TimeoutError':
      return code === 'ECONNRESET'
        ? 'AWS closed the connection before it answered; check AWS_ENDPOINT_URL and what is in between'
        : 'AWS cannot be reached in time; check the agent’s way to it';
    default:
      if (/region is missing/i.test(message)) return 'the agent knows no AWS region; set AWS_REGION or write the ARN';
      return `AWS could not be asked (${[name, code].filter(Boolean).join(', ')})`;
  }
}
