import { randomUUID } from 'node:crypto';
import type { TunnelRecord } from '@culvert/registry';
import { optional, secret, section, uuid } from '@culvert/settings';
import { newToken } from '../digest.ts';
import { tunnelToken } from '../file-items.ts';
import { tunnelSchema } from '../settings.ts';
import { conflict, notFound } from './api-error.ts';
import type { ApiParts, Operations } from './api.ts';
import { listing, pageOf } from './listing.ts';
import { readBody } from './request-body.ts';

/** A tunnel as in the file; what is left out is made up. */
const newTunnelSchema = () =>
  section('a tunnel', {
    ...tunnelSchema().shape,
    id: optional(uuid('identifies the tunnel')),
    token: optional(secret('what agents attach with')),
  });

export function tunnelOperations({ registry, announcements, logger, now }: ApiParts): Operations {
  return {
    '/tunnels': {
      GET: async ({ query }) => listing('tunnels', await registry.tunnels(pageOf(query)), viewTunnel),
      POST: async ({ request }) => {
        const { id = randomUUID(), name, token: given } = await readBody(request, newTunnelSchema);
        if ((await registry.tunnel(id)) !== undefined)
          throw conflict('tunnel_exists', `tunnel ${id} exists already`);
        const secretToken = given?.reveal() ?? newToken();
        const token = tunnelToken({ id, name }, secretToken, 'api', now());
        if ((await registry.token(token.id)) !== undefined)
          throw conflict('token_exists', 'the token is in use already');
        const tunnel: TunnelRecord = { id, name, createdAt: now(), source: 'api' };
        await registry.putTunnel(tunnel);
        await registry.putToken(token);
        logger.info('tunnel created', { tunnel: id, name });
        // A token that was made up is shown here and never again.
        const shown = given === undefined ? { token: secretToken } : {};
        return {
          status: 201,
          body: { ...viewTunnel(tunnel), ...shown },
          headers: { location: `/api/v1/tunnels/${id}` },
        };
      },
    },
    '/tunnels/*': {
      GET: async ({ id }) => {
        const tunnel = await registry.tunnel(id.toLowerCase());
        if (tunnel === undefined) throw notFound(`tunnel ${id}`);
        return { status: 200, body: viewTunnel(tunnel) };
      },
      DELETE: async ({ id }) => {
        const deleted = await registry.deleteTunnel(id.toLowerCase());
        if (deleted === undefined) throw notFound(`tunnel ${id}`);
        announcements.routesChanged(deleted.routes);
        announcements.revoked(deleted.tunnel.id);
        logger.info('tunnel deleted', { tunnel: deleted.tunnel.id, source: deleted.tunnel.source });
        return { status: 204 };
      },
    },
  };
}

function viewTunnel({ id, name, createdAt, source }: TunnelRecord): object {
  return { id, name, createdAt: new Date(createdAt).toISOString(), source };
}
