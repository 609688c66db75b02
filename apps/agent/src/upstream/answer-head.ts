import type { ResponseHead } from '@culvert/http1';

/** An interim answer as it goes to the edge. */
export function interimHead(answer: ResponseHead): string {
  return `HTTP/1.1 ${answer.status} ${answer.reason}\r\n${answer.fields}\r\n`;
}

/** A final answer's head as it goes to the edge: the end-to-end fields and what is known of the body's length. */
export function finalHead(answer: ResponseHead): string {
  const required = answer.status === 426 ? upgradeFields(answer) : '';
  return `HTTP/1.1 ${answer.status} ${answer.reason}\r\n${answer.fields}${required}${framing(answer)}\r\n`;
}

/** The answer to an upgrade that the upstream has agreed to. */
export function switchingHead(answer: ResponseHead): string {
  return `HTTP/1.1 101 ${answer.reason}\r\n${answer.fields}${upgradeFields(answer)}\r\n`;
}

function upgradeFields({ upgrade }: ResponseHead): string {
  return upgrade === undefined ? '' : `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
}

/** To HEAD and with 304 the length is told although no body follows. */
function framing(answer: ResponseHead): string {
  if (answer.contentLength !== -1) return `Content-Length: ${answer.contentLength}\r\n`;
  return answer.body === 'none' ? '' : 'Transfer-Encoding: chunked\r\n';
}

/** Whether an upstream has switched to what was asked for and nothing else. */
export function agreesToUpgrade(asked: string | undefined, answer: ResponseHead): boolean {
  if (asked === undefined || answer.upgrade === undefined) return false;
  const agreed = answer.upgrade.toLowerCase();
  return asked.split(',').some((protocol) => protocol.trim().toLowerCase() === agreed);
}
