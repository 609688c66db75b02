import type { Registry, TokenRecord } from '@culvert/registry';
import { optional, secret, section } from '@culvert/settings';
import { newToken } from '../digest.ts';
import { tokenRecord } from '../file-items.ts';
import { tokenSchema } from '../settings.ts';
import { conflict, notFound } from './api-error.ts';
import type { ApiParts, Operations } from './api.ts';
import { listing, pageOf } from './listing.ts';
import { readBody } from './request-body.ts';

const SESSIONS_AT_ONCE = 1_000;

export function tokenOperations({ registry, announcements, logger, now }: ApiParts): Operations {
  return {
    '/tokens': {
      GET: async ({ query }) => listing('tokens', await registry.tokens(pageOf(query)), viewToken),
      POST: async ({ request }) => {
        const { token: given, ...scope } = await readBody(request, newTokenSchema);
        const secretToken = given?.reveal() ?? newToken();
        const token = tokenRecord(scope, secretToken, 'api', now());
        if ((await registry.token(token.id)) !== undefined)
          throw conflict('token_exists', 'the token is in use already');
        await registry.putToken(token);
        logger.info('token created', { token: token.id, name: token.name });
        // A token that was made up is shown here and never again.
        const shown = given === undefined ? { token: secretToken } : {};
        const location = `/api/v1/tokens/${token.id}`;
        return { status: 201, body: { ...viewToken(token), ...shown }, headers: { location } };
      },
    },
    '/tokens/*': {
      GET: async ({ id }) => {
        const token = await registry.token(id);
        if (token === undefined) throw notFound(`token ${id}`);
        return { status: 200, body: viewToken(token) };
      },
      DELETE: async ({ id }) => {
        const token = await registry.deleteToken(id);
        if (token === undefined) throw notFound(`token ${id}`);
        const tunnels = token.tunnels === '*' ? await servedWith(registry, token) : token.tunnels;
        announcements.tokenRevoked(token, tunnels);
        logger.info('token deleted', { token: id, source: token.source });
        return { status: 204 };
      },
    },
  };
}

/** A token as in the file; one that is left out is made up. */
const newTokenSchema = () =>
  section('a token', { ...tokenSchema().shape, token: optional(secret('what agents attach with')) });

/** The tunnels that have sessions admitted with the token. */
async function servedWith(registry: Registry, { digest }: TokenRecord): Promise<Set<string>> {
  const tunnels = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await registry.sessions({
      limit: SESSIONS_AT_ONCE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const session of page.items) if (session.digest === digest) tunnels.add(session.tunnel);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return tunnels;
}

function viewToken({ id, name, tunnels, hostnames, ports, createdAt, source }: TokenRecord): object {
  const ranges = ports.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  return {
    id,
    name,
    tunnels,
    hostnames,
    ports: ranges,
    createdAt: new Date(createdAt).toISOString(),
    source,
  };
}
