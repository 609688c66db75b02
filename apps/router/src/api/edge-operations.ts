import type { ApiParts, Operations } from './api.ts';

export function edgeOperations({ registry }: Pick<ApiParts, 'registry'>): Operations {
  return {
    '/edges': { GET: async () => ({ status: 200, body: { edges: await registry.edges() } }) },
  };
}
