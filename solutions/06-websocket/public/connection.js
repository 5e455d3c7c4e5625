/**
 * The connection to the server: a WebSocket for members, who talk, and server-sent events for readers. Both reconnect
 * by themselves: the browser does it for server-sent events, and for the WebSocket we do it here.
 */

const BACK_OFF_MIN_MS = 500;
const BACK_OFF_MAX_MS = 15_000;

/** Close codes after which it is no use to try again, and what they mean. */
const REFUSED = {
  4000: 'You have joined from another page.',
  4001: 'This name is not allowed. Choose another one.',
  4002: 'Somebody else has this name here. Choose another one.',
  4003: 'This room is full.',
};

/** With this key, a page that reconnects takes its own place back. No other page may know it. */
function pageKey() {
  const known = sessionStorage.getItem('key');
  if (known !== null) return known;
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  sessionStorage.setItem('key', key);
  return key;
}

export class Connection {
  /** Reads along. `listener` has `state(name, sentence)`, `event(event)` and `refused(sentence)`. */
  static reading(room, listener) {
    return new Reading(room, listener);
  }

  /** Talks. `since` gives the id of the message that was seen last. */
  static talking(room, name, since, listener) {
    return new Talking(room, name, since, listener);
  }
}

class Reading {
  #source;

  constructor(room, listener) {
    const source = new EventSource(`rooms/${encodeURIComponent(room)}/events`);
    this.#source = source;
    listener.state('connecting', 'Connecting');
    source.onopen = () => listener.state('reading', 'Reading along');
    source.onerror = () => listener.state('connecting', source.readyState === EventSource.CLOSED ? 'No such room' : 'Reconnecting');
    for (const type of ['message', 'joined', 'left']) {
      source.addEventListener(type, (event) => listener.event(JSON.parse(event.data)));
    }
  }

  say() {
    return false;
  }

  retry() {}

  stop() {
    this.#source.close();
  }
}

class Talking {
  #room;
  #name;
  #since;
  #listener;
  #socket = null;
  #failures = 0;
  #timer = null;
  #stopped = false;
  #onOnline = () => this.retry();

  constructor(room, name, since, listener) {
    this.#room = room;
    this.#name = name;
    this.#since = since;
    this.#listener = listener;
    addEventListener('online', this.#onOnline);
    this.#connect();
  }

  /** Whether it was sent. */
  say(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ text }));
    return true;
  }

  /** Tries again now instead of later. */
  retry() {
    if (this.#timer === null) return;
    this.#clearTimer();
    this.#connect();
  }

  stop() {
    this.#stopped = true;
    removeEventListener('online', this.#onOnline);
    this.#clearTimer();
    this.#socket?.close(1000);
  }

  #connect() {
    const query = new URLSearchParams({ name: this.#name, key: pageKey(), since: this.#since() });
    const url = new URL(`rooms/${encodeURIComponent(this.#room)}/socket?${query}`, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    this.#listener.state('connecting', this.#failures === 0 ? 'Connecting' : 'Reconnecting');
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onmessage = (message) => this.#heard(JSON.parse(message.data));
    socket.onclose = (event) => this.#closed(event);
  }

  #heard(event) {
    if (this.#stopped) return;
    if (event.type === 'welcome') {
      this.#failures = 0;
      this.#listener.state('open', `Connected as ${event.name}`);
    }
    this.#listener.event(event);
  }

  #closed({ code }) {
    if (this.#stopped) return;
    if (code in REFUSED) {
      this.stop();
      this.#listener.refused(REFUSED[code]);
      return;
    }
    // Longer each time, and not all pages at the same time: a server that has just come back has enough to do.
    const ms = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MIN_MS * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#failures++;
    this.#countDown(performance.now() + ms);
  }

  #countDown(untilMs) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) {
      this.#clearTimer();
      this.#connect();
      return;
    }
    this.#listener.state('waiting', `Not connected. Next try in ${Math.ceil(leftMs / 1000)} s`);
    this.#timer = setTimeout(() => this.#countDown(untilMs), Math.min(leftMs, 1000));
  }

  #clearTimer() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}
