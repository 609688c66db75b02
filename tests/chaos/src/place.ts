import { freePort } from '@culvert/testkit';

export interface Place {
  readonly host: string;
  readonly port: number;
}

export async function freePlace(host = '127.0.0.1'): Promise<Place> {
  return { host, port: await freePort() };
}

/** As a configuration file writes it. */
export function at({ host, port }: Place): string {
  return `${host}:${port}`;
}
