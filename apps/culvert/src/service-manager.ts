import { spawn } from 'node:child_process';

/**
 * Tells systemd, where it has asked to be told (`Type=notify`), that the service is ready and that this is its process:
 * the process changes when another one takes over. Done by systemd's own tool, as Node has no datagrams over Unix sockets.
 */
export function tellServiceManager(): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return;
  const tool = spawn('systemd-notify', ['--ready', `MAINPID=${process.pid}`], { stdio: 'ignore' });
  // Without the tool there is no systemd, whatever the environment says.
  tool.on('error', () => undefined);
}
