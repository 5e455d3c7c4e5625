/**
 * The map of the course: every chapter and every exercise, once.
 *
 * The runner, the reporter, the starters, the hints, the wrong submissions and
 * the README all take their ids and titles from here. Exercise ids are stable
 * for ever: progress is kept by them.
 */

/** One step that the learner takes and that one hidden test file judges. */
export interface Exercise {
  /** `chapter.step`, such as `1.4`. Never reused, never renumbered, unless its chapter is cut anew ({@link Chapter.cut}). */
  readonly id: string;
  /** A few words, shown in every report. */
  readonly title: string;
  /** An extra one can be skipped. The lesson says what to copy then. */
  readonly kind: 'core' | 'extra';
  /** What it takes a developer who has read the lesson. */
  readonly minutes: number;
  /** The starter file that holds its TODO, relative to the chapter's folder. */
  readonly file: string;
  /** The heading in the chapter's lesson that teaches it, to the letter. */
  readonly section: string;
  /**
   * The exercise that an untouched starter says is not started when this one
   * is checked. Its own id unless it grows out of the code of an earlier one.
   */
  readonly growsFrom?: string;
}

/** A chapter: a lesson, starters, a reference, hidden tests. */
export interface Chapter {
  readonly number: number;
  /** The folder's name, the same below `chapters/` and `solutions/`. */
  readonly folder: string;
  readonly title: string;
  /** What the learner owns at its end. */
  readonly builds: string;
  /** Chapters that its code imports. */
  readonly standsOn: readonly number[];
  /**
   * It is still being written: its exercises can be run, and nothing that looks
   * at all chapters looks at this one.
   */
  readonly inTheMaking?: true;
  /**
   * How often its exercises have been cut anew: once for 2. An id means another
   * exercise then, so what was passed in an earlier cut does not count.
   */
  readonly cut?: number;
  /** A rule of it starts process after process: `npm test` asks only the first rules of each exercise, `test:all` all of them. */
  readonly slow?: true;
  /**
   * The learner writes the server: at least half of a model answer that has
   * about this many lines of code at most (see pattern.ts). `files` is for a
   * chapter of many rooms, `share` and `longest` for one that is not there yet:
   * it must not get worse.
   */
  readonly learnerWrites?: { readonly linesMax: number; readonly files?: number; readonly share?: number; readonly longest?: number };
  /** Empty until somebody begins to write the chapter. */
  readonly exercises: readonly Exercise[];
}

export const chapters: readonly Chapter[] = [
  {
    number: 1,
    folder: '01-echo',
    title: 'a raw socket',
    builds: 'an echo server and a line protocol on node:net',
    standsOn: [],
    exercises: [
      { id: '1.1', title: 'echo every byte', kind: 'core', minutes: 15, file: 'echo.ts', section: 'The smallest server' },
      { id: '1.2', title: 'many clients', kind: 'core', minutes: 15, file: 'echo.ts', section: 'Clients that misbehave', growsFrom: '1.1' },
      { id: '1.3', title: 'half-close', kind: 'core', minutes: 15, file: 'echo.ts', section: 'A connection has two ends', growsFrom: '1.1' },
      { id: '1.4', title: 'backpressure', kind: 'extra', minutes: 20, file: 'echo.ts', section: 'The client that never reads', growsFrom: '1.1' },
      { id: '1.5', title: 'lines', kind: 'extra', minutes: 40, file: 'line-decoder.ts', section: 'A stream has no messages' },
      { id: '1.6', title: 'stopping', kind: 'core', minutes: 30, file: 'close.ts', section: 'Stopping without losing anyone', growsFrom: '1.1' },
    ],
  },
  {
    number: 2,
    folder: '02-http',
    title: 'HTTP from bytes',
    builds: 'an HTTP/1.1 server: parser, framing, the loop, bodies both ways, refusals',
    standsOn: [1],
    cut: 2,
    // 1,048 lines before none was longer than 120 columns.
    learnerWrites: { linesMax: 1215 },
    exercises: [
      { id: '2.1', title: 'request line', kind: 'core', minutes: 40, file: 'head.ts', section: 'One line that decides everything' },
      { id: '2.2', title: 'header fields', kind: 'core', minutes: 45, file: 'headers.ts', section: 'Names, colons and what surrounds them' },
      { id: '2.3', title: 'where a body ends', kind: 'core', minutes: 40, file: 'body.ts', section: 'Where a body ends', growsFrom: '2.2' },
      { id: '2.4', title: 'a body in pieces', kind: 'core', minutes: 45, file: 'body.ts', section: 'A body in pieces' },
      { id: '2.5', title: 'a machine that reads', kind: 'core', minutes: 45, file: 'connection.ts', section: 'A machine that reads', growsFrom: '2.4' },
      { id: '2.6', title: 'what goes back', kind: 'core', minutes: 45, file: 'writer.ts', section: 'What goes back', growsFrom: '2.4' },
      { id: '2.7', title: 'bodies going out', kind: 'core', minutes: 40, file: 'writer.ts', section: 'Bodies going out', growsFrom: '2.4' },
      { id: '2.8', title: 'the loop', kind: 'core', minutes: 45, file: 'server-connection.ts', section: 'The loop', growsFrom: '2.6' },
      { id: '2.9', title: 'bodies both ways', kind: 'core', minutes: 45, file: 'server-connection.ts', section: 'Bodies both ways', growsFrom: '2.6' },
      { id: '2.10', title: 'refusing', kind: 'core', minutes: 30, file: 'message.ts', section: 'Refusing well', growsFrom: '2.6' },
      { id: '2.11', title: 'time and the end', kind: 'core', minutes: 45, file: 'server.ts', section: 'Time, and the end', growsFrom: '2.6' },
      { id: '2.12', title: 'the other side', kind: 'extra', minutes: 45, file: 'head.ts', section: 'The other side', growsFrom: '2.6' },
      { id: '2.13', title: 'first site', kind: 'extra', minutes: 25, file: 'site.ts', section: 'A first site', growsFrom: '2.6' },
    ],
  },
  {
    number: 3,
    folder: '03-static',
    title: 'a static file server',
    builds: 'safe paths, ranges, validators, encodings and a small-file cache',
    standsOn: [2],
    exercises: [
      { id: '3.1', title: 'a safe path', kind: 'core', minutes: 40, file: 'decode-path.ts', section: 'From a URL to a file' },
      { id: '3.2', title: 'streaming a file', kind: 'core', minutes: 40, file: 'file-body.ts', section: 'A file on its way' },
      { id: '3.3', title: 'directories', kind: 'extra', minutes: 30, file: 'directory.ts', section: 'A directory is not a file', growsFrom: '3.1' },
      { id: '3.4', title: 'validators', kind: 'core', minutes: 45, file: 'preconditions.ts', section: 'Have you got something newer?' },
      { id: '3.5', title: 'ranges', kind: 'extra', minutes: 40, file: 'range.ts', section: 'A piece of it' },
      { id: '3.6', title: 'caching and encodings', kind: 'extra', minutes: 40, file: 'accept-encoding.ts', section: 'What others may keep' },
      { id: '3.7', title: 'a small-file cache', kind: 'extra', minutes: 30, file: 'file-cache.ts', section: 'Not asking the disk' },
    ],
  },
  {
    number: 4,
    folder: '04-workers',
    title: 'workers, threads, processes',
    builds: 'the same app under seven concurrency designs, side by side',
    standsOn: [1, 2],
    exercises: [
      { id: '4.1', title: 'one after the other', kind: 'core', minutes: 20, file: 'waiting-line.ts', section: 'One after the other' },
      { id: '4.2', title: 'one loop for all', kind: 'core', minutes: 45, file: 'callbacks.ts', section: 'Do not wait' },
      { id: '4.3', title: 'a process for each', kind: 'extra', minutes: 35, file: 'process-per-connection.ts', section: 'Somebody else may wait', growsFrom: '4.1' },
      { id: '4.4', title: 'a pool of processes', kind: 'extra', minutes: 35, file: 'process-pool.ts', section: 'Start them before they are needed' },
      { id: '4.5', title: 'a thread for each', kind: 'extra', minutes: 30, file: 'thread-per-connection.ts', section: 'Cheaper than a process', growsFrom: '4.1' },
      { id: '4.6', title: 'a pool of threads', kind: 'core', minutes: 45, file: 'worker-pool.ts', section: 'A queue with an end' },
      { id: '4.7', title: 'choosing', kind: 'core', minutes: 30, file: 'routed.ts', section: 'Which one, then?', growsFrom: '4.6' },
    ],
  },
  {
    number: 5,
    folder: '05-gateway',
    title: 'a gateway interface',
    builds: 'a gateway, a router and middleware; Express, Koa and Hono run on top',
    standsOn: [2, 4],
    exercises: [
      { id: '5.1', title: 'environ', kind: 'core', minutes: 40, file: 'environ.ts', section: 'What a server knows' },
      { id: '5.2', title: 'calling an app', kind: 'core', minutes: 45, file: 'call-app.ts', section: 'Calling an application', growsFrom: '5.1' },
      { id: '5.3', title: 'the validator', kind: 'extra', minutes: 30, file: 'watched-body.ts', section: 'Who broke it?', growsFrom: '5.1' },
      { id: '5.4', title: 'router', kind: 'extra', minutes: 45, file: 'route-tree.ts', section: 'One of ten thousand routes', growsFrom: '5.1' },
      { id: '5.5', title: 'middleware', kind: 'extra', minutes: 45, file: 'cors.ts', section: 'Around the application', growsFrom: '5.1' },
      { id: '5.6', title: 'adapters', kind: 'extra', minutes: 30, file: 'from-fetch.ts', section: 'Adapters', growsFrom: '5.1' },
      { id: '5.7', title: 'where it came from', kind: 'extra', minutes: 40, file: 'cgi-head.ts', section: 'Where it came from' },
    ],
  },
  {
    number: 6,
    folder: '06-websocket',
    title: 'an async gateway and WebSockets',
    builds: 'a chat room in the browser over your own frames',
    standsOn: [2, 5],
    exercises: [
      { id: '6.1', title: 'http scope', kind: 'core', minutes: 45, file: 'http-exchange.ts', section: 'An application that waits' },
      { id: '6.2', title: 'lifespan', kind: 'extra', minutes: 40, file: 'lifespan.ts', section: 'Before the first and after the last' },
      { id: '6.3', title: 'handshake', kind: 'core', minutes: 40, file: 'handshake.ts', section: 'Shaking hands' },
      { id: '6.4', title: 'frames', kind: 'core', minutes: 45, file: 'frame-reader.ts', section: 'Two bytes and a mask', growsFrom: '6.3' },
      { id: '6.5', title: "a connection's life", kind: 'core', minutes: 45, file: 'closing-handshake.ts', section: 'Staying, and saying goodbye', growsFrom: '6.3' },
      { id: '6.6', title: 'rooms and events', kind: 'extra', minutes: 40, file: 'room.ts', section: 'Everybody in the room', growsFrom: '6.3' },
      { id: '6.7', title: 'permessage-deflate', kind: 'extra', minutes: 45, file: 'deflate.ts', section: 'Smaller', growsFrom: '6.3' },
    ],
  },
  {
    number: 7,
    folder: '07-prefork',
    title: 'a supervisor',
    builds: 'a prefork server with signals, reload without loss, upgrade in place',
    standsOn: [1, 2, 3, 4, 5, 6],
    slow: true,
    // The goal is half of 1,200 lines, and none of its files longer than 200.
    learnerWrites: { linesMax: 1765, share: 0.45, longest: 229 },
    exercises: [
      { id: '7.1', title: 'fork and share', kind: 'core', minutes: 45, file: 'supervisor.ts', section: 'One socket, many hands' },
      { id: '7.2', title: 'keep N alive', kind: 'core', minutes: 45, file: 'plan.ts', section: 'Never fewer than N', growsFrom: '7.1' },
      { id: '7.3', title: 'signals', kind: 'core', minutes: 45, file: 'supervisor.ts', section: 'What a signal may do', growsFrom: '7.1' },
      { id: '7.4', title: 'heartbeat and age', kind: 'core', minutes: 45, file: 'worker.ts', section: 'Alive is not well', growsFrom: '7.1' },
      { id: '7.5', title: 'reload without loss', kind: 'core', minutes: 45, file: 'plan.ts', section: 'New before old', growsFrom: '7.1' },
      { id: '7.6', title: 'upgrade', kind: 'extra', minutes: 45, file: 'child.ts', section: 'A second master', growsFrom: '7.1' },
      { id: '7.7', title: 'configuration and hooks', kind: 'core', minutes: 45, file: 'configure.ts', section: 'Who has the last word?' },
      { id: '7.8', title: 'eyes', kind: 'extra', minutes: 45, file: 'logs.ts', section: 'What goes on in there?' },
      { id: '7.9', title: 'a development server', kind: 'extra', minutes: 45, file: 'develop.ts', section: 'While you are still writing' },
    ],
  },
  {
    number: 8,
    folder: '08-production',
    title: 'hardening',
    builds: 'TLS, timeouts, limits, rates, compression, cache, metrics, HTTP/2',
    standsOn: [1, 2, 6, 7],
    inTheMaking: true,
    learnerWrites: { linesMax: 1500, files: 18 },
    exercises: [
      { id: '8.1', title: 'TLS', kind: 'core', minutes: 45, file: 'certificates.ts', section: 'A name that proves itself' },
      { id: '8.2', title: 'time', kind: 'core', minutes: 45, file: 'time.ts', section: 'How long is too long?', growsFrom: '8.1' },
      { id: '8.3', title: 'limits and rate', kind: 'core', minutes: 45, file: 'client-address.ts', section: 'Enough for everybody', growsFrom: '8.1' },
      { id: '8.5', title: 'health and metrics', kind: 'core', minutes: 45, file: 'health.ts', section: 'How are you?', growsFrom: '8.1' },
    ],
  },
  {
    number: 9,
    folder: '09-deployment',
    title: 'nginx, systemd, Docker',
    builds: 'the server as a service: socket activation, units, proxy, containers',
    standsOn: [8],
    exercises: [],
  },
  {
    number: 10,
    folder: '10-bake-off',
    title: 'measuring',
    builds: 'a load tester and the table that compares every server with nginx',
    standsOn: [2],
    exercises: [],
  },
];

/** The chapters that have exercises, those that are still being written too. */
export const begunChapters = chapters.filter((chapter) => chapter.exercises.length > 0);

/** The chapters that can be followed today. */
export const readyChapters = begunChapters.filter(isReady);

/** Whether a chapter can be followed today. */
export function isReady(chapter: Chapter): boolean {
  return chapter.exercises.length > 0 && chapter.inTheMaking !== true;
}

/** `chapter-04`, as the commands call it. */
export function chapterName(chapter: Chapter): string {
  return `chapter-${String(chapter.number).padStart(2, '0')}`;
}

/** The chapter and exercise with this id; undefined where there is none. */
export function findExercise(id: string): { chapter: Chapter; exercise: Exercise } | undefined {
  for (const chapter of chapters) {
    const exercise = chapter.exercises.find((candidate) => candidate.id === id);
    if (exercise) return { chapter, exercise };
  }
  return undefined;
}
