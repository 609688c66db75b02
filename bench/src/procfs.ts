import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: the unit of every CPU time that Linux shows to programs. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of one process: its own (all threads), and those of children it has waited for. */
export interface ProcessSeconds {
  readonly own: number;
  readonly reaped: number;
}

/** Reads the text of /proc/PID/stat; the name in parentheses may itself hold spaces and parentheses. */
export function parseProcessStat(text: string): ProcessSeconds {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const seconds = (field: number): number => Number(fields[field - 3]) / TICKS_PER_SECOND;
  return { own: seconds(14) + seconds(15), reaped: seconds(16) + seconds(17) };
}

/** Reads from the text of /proc/stat how long all CPUs were busy; time waiting for a disk counts as idle. */
export function parseMachineStat(text: string): number {
  const line = text.slice(0, text.indexOf('\n'));
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  return user + nice + system + irq + softirq;
}

/** CPU seconds of the whole machine since it started. */
export function machineSeconds(): number {
  return parseMachineStat(readFileSync('/proc/stat', 'utf8'));
}

/** CPU seconds of this process and of the children it has waited for so far. */
export function ownSeconds(): ProcessSeconds {
  return parseProcessStat(readFileSync('/proc/self/stat', 'utf8'));
}

/** Sums user and system seconds of the processes that still exist. */
export function cpuSeconds(pids: readonly number[]): number {
  return sum(pids, (pid) => parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).own);
}

/** Sums the resident memory, in KiB, of the processes that still exist; shared pages count for each. */
export function residentKib(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return resident === undefined ? 0 : Number(resident);
  });
}

/** Lists a process and everything it started, at any depth. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    // The process or the thread ended while it was being read: then it has no children any more.
    return [];
  }
}

function sum(pids: readonly number[], read: (pid: number) => number): number {
  let total = 0;
  for (const pid of pids) {
    try {
      total += read(pid);
    } catch {
      // A process that ended between being listed and being read adds nothing.
    }
  }
  return total;
}
