import { USAGE } from './options.ts';

const METHOD = `# Bench

One command measures culvert and the proxies and tunnels it is compared with, taking turns on one machine:
\`npm run bench\`. This page is written by \`npm run bench -- --write\`.

\`\`\`
${USAGE}
\`\`\`

Needed: nginx, wrk and h2load (nghttp2-client); redis-server and nats-server for culvert. HAProxy, rathole, bore, frps and frpc, piko,
gost and chisel take part where they are found on PATH. A contestant is one file in \`src/contestants\`, a case one
entry in \`src/cases\`; raw figures lie in \`out/\` as JSON lines.

**How.** nginx (1 worker) is the upstream of all. In each round every contestant is started afresh, and every other
round goes in reverse order. Before a run the bench waits for a quiet machine; a run during which anything else used
more than 12 % of it is repeated. Figures are medians of the \`n\` clean runs (0: there was none, the least
disturbed run is shown). Load generator, upstream and contestant share the machine, so requests/s say how the whole
chain fills it; **CPU a request** (user and system time of all threads and children from /proc) is the figure to
compare. \`server\` is the public end (culvert's edge), \`agent\` the private one, \`control\` culvert's router, NATS
and Redis. In the columns with \`×\` a contestant's figure is divided by that of each contestant named.`;

/** Writes the page that shows a run of the bench. */
export function readme(parts: readonly string[]): string {
  return `${[METHOD, '## Results', ...parts.filter((part) => part !== '')].join('\n\n')}\n`;
}
