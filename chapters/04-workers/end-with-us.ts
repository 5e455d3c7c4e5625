/**
 * Processes that must not outlive this one. A child that is blocked, or has a process group of its own, does not notice
 * that its parent has gone, and a terminal's Ctrl-C does not reach it.
 *
 * Nothing can be done about `kill -9` and a crash of Node itself: they run none of our code.
 */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Each kills one child. */
const kills = new Set<() => void>();

/**
 * Has a child killed when this process ends: by `process.exit`, by an uncaught error, or by a signal that nothing else
 * listens to.
 *
 * @param kill kills it at once; called at most once. It must not throw
 * @returns a function to call when the child has ended, since its pid may soon belong to another process
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
  // Put first, so that a listener that removes itself, to let a second signal end the program, is still there now.
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
}

function stopListening(): void {
  process.off('exit', killAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** If anything else listens, it decides what to do. Otherwise the children are killed, and then the signal does what it is for. */
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
