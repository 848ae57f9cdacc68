// The OpenID provider that the tests start: oidc-provider, certified, with its own development login and consent pages.
// node provider.mjs <settings.json>; keys are new at each start, so a restart is a rotation. Never for production.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [, , settingsFile] = process.argv;
const settings = JSON.parse(readFileSync(settingsFile, 'utf8'));
// Installed beside the other servers, not beside this file.
const installed = createRequire(`${settings.modules}/`);
const { Provider } = await import(pathToFileURL(installed.resolve('oidc-provider')));
const { exportJWK, generateKeyPair } = await import(pathToFileURL(installed.resolve('jose')));

async function newKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: crypto.randomUUID() };
}

const provider = new Provider(`http://127.0.0.1:${settings.port}`, {
  clients: settings.clients,
  jwks: { keys: [await newKey('RS256'), await newKey('ES256')] },
  cookies: { keys: [crypto.randomUUID()] },
  pkce: { required: () => true },
  conformIdTokenClaims: false,
  claims: { openid: ['sub'], profile: ['name'], groups: ['groups'] },
  ttl: { AccessToken: 600, ClientCredentials: 600, IdToken: 600, Interaction: 600, Grant: 600, Session: 600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...settings.accounts[id] }) }),
  extraTokenClaims: (_, token) => settings.accounts[token.accountId ?? token.clientId],
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, indicator) => ({
        scope: 'openid profile groups', audience: indicator, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});
provider.listen(settings.port, '127.0.0.1');
