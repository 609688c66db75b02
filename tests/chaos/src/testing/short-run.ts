import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../fault.ts';
import { SHORT } from '../pace.ts';
import { HELD_UP_MS, ReportFile, details } from '../report.ts';
import type { SitePlan } from '../site/plan.ts';
import { Site } from '../site/site.ts';
import { table } from '../table.ts';
import { play } from '../trial.ts';
import type { Report } from '../trial.ts';

/** How often a trial is played again that the machine has spoilt. */
const REPLAYS = 2;

/** The faults of the short run, one after the other at one site, each as a test. */
export function shortRun(name: string, plan: SitePlan, faults: readonly Fault[]): void {
  describe(`${name}, under load`, () => {
    const reports: Report[] = [];
    let site: Site;
    let file: ReportFile;
    beforeAll(async () => {
      file = new ReportFile(name.replaceAll(' ', '-'));
      site = await Site.start(plan);
    });
    afterAll(async () => {
      // It may never have started.
      await (site as Site | undefined)?.stop();
      process.stdout.write(
        `\n${[table(reports), ...reports.map(details).filter((text) => text !== '')].join('\n')}\n`,
      );
    });

    for (const fault of faults.filter((one) => one.plan === plan && one.longOnly !== true)) {
      it(fault.law, async () => {
        let report: Report;
        let plays = 0;
        do {
          report = await play(fault, site, SHORT);
          file.add(report);
          // Not another chance for culvert: the figures are those of a machine that stood still.
        } while (report.broken.length > 0 && report.heldUpMs > HELD_UP_MS && plays++ < REPLAYS);
        reports.push(report);
        expect(report.broken).toEqual([]);
      });
    }
  });
}
