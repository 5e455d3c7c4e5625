/**
 * Processes that must not outlive this one. A child that stands still, or has a process group of its own, does not
 * notice that its parent has gone, and a terminal's Ctrl-C does not reach it.
 *
 * What cannot be helped: `kill -9` and a crash of Node itself run nothing of ours.
 */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Each kills one child. */
const kills = new Set<() => void>();

/**
 * Has a child killed when this process ends: by `process.exit`, by an error that nobody catches, or by a signal that
 * nobody else listens to.
 *
 * @param kill kills it at once; called once at most. It must not throw
 * @returns to be called when the child has ended: its number may belong to others soon
 */
export function endWithUs(kill: () => void): () => void {
  if (kills.size === 0) listen();
  kills.add(kill);
  return () => {
    if (kills.delete(kill) && kills.size === 0) stopListening();
  };
}

function listen(): void {
  process.on('exit', killAll);
  // First in the row: a listener that takes itself off, so that a second signal ends the program, is still there now.
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
}

function stopListening(): void {
  process.off('exit', killAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** Whoever else listens knows what is to be done. Alone, we see to the children, and then to what the signal is for. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  killAll();
  process.kill(process.pid, signal);
}

function killAll(): void {
  stopListening();
  for (const kill of kills) kill();
  kills.clear();
}
