import { eventually } from '@culvert/testkit';
import type { StreamDouble } from './stream-double.ts';

const BURST = Buffer.alloc(16_384, 'x');
/** No credit for so long, ms: the edge cannot get rid of what it has. */
const QUIET_MS = 250;

/**
 * Sends a body until the client's side takes no more, but nothing beyond the credit: the agent could end now, while
 * the end of its answer waits in the edge. Returns how much it was.
 */
export async function fill(double: StreamDouble): Promise<number> {
  const { stream } = double;
  let sent = 0;
  let credit = double.open.window;
  let creditedAt = performance.now();
  const receiveCredit = stream.receiveCredit.bind(stream);
  const burst = (): void => {
    for (; credit >= 2 * BURST.length; credit -= BURST.length) {
      double.send(BURST);
      sent += BURST.length;
    }
  };
  stream.receiveCredit = (bytes) => {
    receiveCredit(bytes);
    credit += bytes;
    creditedAt = performance.now();
    burst();
  };
  burst();
  await eventually(() => performance.now() - creditedAt > QUIET_MS);
  stream.receiveCredit = receiveCredit;
  return sent;
}
