/** A process of the job pool: takes one job at a time and sends back what came of it. */
import type { Job, Reply } from './job-pool.ts';
import type { Outcome } from './outcome.ts';
import { runProgram } from './program.ts';

async function work(job: Job): Promise<unknown> {
  switch (job.type) {
    case 'check': {
      const { runCheck } = await import('../check.ts');
      return await runCheck(job.options);
    }
    case 'rules': {
      const { runRules } = await import('../rule-runner.ts');
      return await runRules(job.options);
    }
    case 'faults': {
      const module = (await import(new URL(job.module, import.meta.url).href)) as {
        findFaults: (all: boolean) => Outcome | Promise<Outcome>;
      };
      return await module.findFaults(job.all);
    }
    case 'program':
      return await runProgram(job.args);
    default:
      return job satisfies never;
  }
}

process.on('message', (job: Job) => {
  const reply = (message: Reply): void => void process.send?.(message);
  work(job).then(
    (result) => reply({ result }),
    (error: unknown) => reply({ error: error instanceof Error ? error.message : String(error) }),
  );
});

// The pool is closed, or gone.
process.on('disconnect', () => process.exit(0));
