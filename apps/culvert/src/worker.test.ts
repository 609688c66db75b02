import { edgeSchema } from '@culvert/edge/settings';
import { parseSettings } from '@culvert/settings';
import { describe, expect, it } from 'vitest';
import { fileOfWorker } from './worker.ts';

const FILE = `id: eu-1
nats: nats://127.0.0.1:4222
secret: s
workers: 3
entryPoints: [{ listen: ":8080" }]
agents: { listen: ":7000", advertise: "eu-1.test:7000" }
`;

const ofWorker = (text: string, worker: number) => {
  const settings = parseSettings(text, edgeSchema, { file: 'edge.yml' });
  return fileOfWorker({ file: 'edge.yml', settings, written: {}, lineOf: () => 1 }, worker).settings;
};

describe('the file of an edge as a worker reads it', () => {
  it('has the addresses that all workers share, and a name and an admin server of its own', () => {
    const settings = ofWorker(`${FILE}admin: { listen: "127.0.0.1:9091" }`, 2);
    expect(settings).toMatchObject({
      id: 'eu-1/2',
      reusePort: true,
      entryPoints: [{ listen: { host: '', port: 8080 } }],
      agents: { listen: { host: '', port: 7000 }, advertise: 'eu-1.test:7000' },
      admin: { listen: { host: '127.0.0.1', port: 0 } },
    });
    expect(settings.peers).toBeUndefined();
  });

  it('counts the ports for other edges up from the first', () => {
    const peers = (text: string) => ofWorker(`${FILE}peers: ${text}`, 3).peers;
    const told = peers('{ listen: ":7001", advertise: "[::1]:17001" }');
    expect(told).toMatchObject({ listen: { host: '', port: 7_003 }, advertise: '[::1]:17003' });
    expect(peers('{ listen: "127.0.0.1:0" }')?.listen).toEqual({ host: '127.0.0.1', port: 0 });
  });
});
