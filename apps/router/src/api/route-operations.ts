import type { RouteRecord } from '@culvert/registry';
import { routeRecord } from '../file-items.ts';
import { routeSchema } from '../settings.ts';
import { conflict, invalid, notFound } from './api-error.ts';
import type { ApiParts, Operations } from './api.ts';
import { listing, pageOf } from './listing.ts';
import { readBody } from './request-body.ts';

export function routeOperations({ registry, announcements, logger }: ApiParts): Operations {
  return {
    '/routes': {
      GET: async ({ query }) => listing('routes', await registry.routes(pageOf(query)), viewRoute),
      POST: async ({ request }) => {
        const record = routeRecord(await readBody(request, routeSchema), 'api');
        const { id, tunnel } = record.route;
        if ((await registry.tunnel(tunnel)) === undefined) {
          throw invalid('unknown_tunnel', `tunnel: there is no tunnel ${tunnel}`);
        }
        if ((await registry.putRoute(record, 'create')) === 'exists') {
          throw conflict('route_exists', `route ${id} exists already; delete it first`);
        }
        announcements.routesChanged([record]);
        logger.info('route created', { route: id, tunnel });
        const location = `/api/v1/routes/${encodeURIComponent(id)}`;
        return { status: 201, body: viewRoute(record), headers: { location } };
      },
    },
    '/routes/*': {
      GET: async ({ id }) => {
        const record = await registry.route(id);
        if (record === undefined) throw notFound(`route ${id}`);
        return { status: 200, body: viewRoute(record) };
      },
      DELETE: async ({ id }) => {
        const record = await registry.deleteRoute(id);
        if (record === undefined) throw notFound(`route ${id}`);
        announcements.routesChanged([record]);
        logger.info('route deleted', { route: id, source: record.source });
        return { status: 204 };
      },
    },
  };
}

const viewRoute = ({ route, source }: RouteRecord): object => ({ ...route, source });
