import { type Credentials, forgetCredentials, saveCredentials } from './credentials.ts';
import { OAuthError, refreshed } from './oauth.ts';
import type { Settings } from './settings.ts';

/** A token that ends sooner than this is replaced before it is used. */
const MARGIN_MS = 60_000;

/** The settings with a token that holds: one that `login` kept is replaced when it has ended, without the person. */
export async function fresh(settings: Settings, env: NodeJS.ProcessEnv): Promise<Settings> {
  const { saved, token } = settings;
  if (saved?.refreshToken === undefined || token !== saved.token) return settings;
  if (Date.parse(saved.expiresAt) - Date.now() > MARGIN_MS) return settings;
  try {
    const { accessToken, refreshToken, expiresAt } = await refreshed(
      { url: saved.url, ca: saved.ca },
      saved.refreshToken,
    );
    const renewed: Credentials = { ...saved, token: accessToken, refreshToken, expiresAt: expiresAt.toISOString() };
    await saveCredentials(env, renewed);
    return { ...settings, token: accessToken, saved: renewed };
  } catch (error) {
    // The sign-in is over: what is kept is of no use any more.
    if (error instanceof OAuthError && error.code === 'invalid_grant') await forgetCredentials(env);
    throw error;
  }
}
