import { tokenId } from '@culvert/registry';
import type { SessionInfo } from '@culvert/signals';
import type { ApiParts, Operations } from './api.ts';
import { listing, pageOf } from './listing.ts';

export function sessionOperations({ registry }: Pick<ApiParts, 'registry'>): Operations {
  return {
    '/sessions': {
      GET: async ({ query }) => {
        const tunnel = query.get('tunnel')?.toLowerCase();
        const page = { ...pageOf(query), ...(tunnel === undefined ? {} : { tunnel }) };
        return listing('sessions', await registry.sessions(page), viewSession);
      },
    },
  };
}

function viewSession({ digest, since, ...session }: SessionInfo): object {
  return { ...session, since: new Date(since).toISOString(), token: tokenId(digest) };
}
